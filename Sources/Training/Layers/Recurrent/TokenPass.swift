import Recurrent

/// An ``Embedding`` and the recurrent layer after it, combined into one recurrent layer that reads tokens.
///
/// If x is the one-hot vector of a token, E[token]·W = x·(E·W). The product P = E·W is computed once per group. A
/// timestep then costs as much as in a layer with one feature per token:
///
///     dP = Σ xᵀ·dz
///     dE = dP·Wᵀ
///     dW = Eᵀ·dP
///
/// The combined layer is faster if the vocabulary is smaller than the width of the embedding. `memory` holds, in this
/// order:
/// - x, shape (steps, vocabulary, lanes)
/// - two masks, shape (steps, lanes) each
/// - E in tiles of 16 tokens, shape (units, lanes) each
/// - room for two tiles of the largest width
/// - the layer's weights, with P instead of W, and their gradient
/// - the layer's own `memory`
struct TokenPass<Arithmetic: TileArithmetic>: TrainingPass {
    typealias Scalar = Arithmetic.Scalar

    /// The layer after the embedding.
    private enum Layer {
        case recurrent(AnyRecurrentPass<Arithmetic>)
        case bidirectional(BidirectionalPass<Arithmetic>)
    }

    /// The weights of one direction.
    private struct Weights {
        /// The number of columns in W.
        let columns: Int
        /// The number of weights after W.
        let others: Int
    }

    private let embedding: EmbeddingPass<Scalar>
    private let layer: Layer
    private let forward: Weights
    private let backward: Weights?
    private let arithmetic: Arithmetic

    /// Creates the pass; nil if the layer is not recurrent, or if two separate passes are faster.
    init?(_ embedding: Embedding, _ layer: any Recurrent.Layer, _ arithmetic: Arithmetic) {
        let tokens = embedding.vocabulary
        guard tokens < embedding.units else { return nil }
        func weights(_ layer: any Recurrent.Layer) -> Weights {
            let columns = layer.weights[0].shape[1]
            return Weights(columns: columns, others: layer.parameters - embedding.units * columns)
        }
        switch layer {
        case let layer as Bidirectional:
            guard let pass = BidirectionalPass(layer, features: tokens, arithmetic) else { return nil }
            self.layer = .bidirectional(pass)
            (forward, backward) = (weights(layer.forward), weights(layer.backward))
        case let layer as any RecurrentLayer:
            guard let pass = AnyRecurrentPass(layer, features: tokens, order: .forward, arithmetic) else { return nil }
            self.layer = .recurrent(pass)
            (forward, backward) = (weights(layer), nil)
        default: return nil
        }
        self.embedding = EmbeddingPass(embedding, lanes: arithmetic.lanes)
        self.arithmetic = arithmetic
    }

    private var lanes: Int { arithmetic.lanes }
    private var tokens: Int { embedding.vocabulary }
    /// The number of tiles of tokens.
    private var tiles: Int { (tokens + lanes - 1) / lanes }
    /// The number of weights with P in place of W.
    private var weightCount: Int { count(forward) + (backward.map { count($0) } ?? 0) }
    private var widest: Int { max(forward.columns, backward?.columns ?? 0, embedding.units) }

    private func count(_ weights: Weights) -> Int { tokens * weights.columns + weights.others }

    var units: Int {
        switch layer {
        case .recurrent(let pass): pass.units
        case .bidirectional(let pass): pass.units
        }
    }

    var stateSize: Int {
        switch layer {
        case .recurrent(let pass): pass.stateSize
        case .bidirectional(let pass): pass.stateSize
        }
    }

    func memorySize(steps: Int) -> Int {
        let inner =
            switch layer {
            case .recurrent(let pass): pass.memorySize(steps: steps)
            case .bidirectional(let pass): pass.memorySize(steps: steps)
            }
        return (steps * (tokens + 2) + tiles * embedding.units + 2 * widest) * lanes + 2 * padded(weightCount) + inner
    }

    private func padded(_ count: Int) -> Int { (count + lanes - 1) / lanes * lanes }

    private struct Memory {
        let x, masked, skipped, vectors, tile, other, weights, gradient, layer: Values<Scalar>
    }

    private func parts(of memory: Values<Scalar>, steps: Int) -> Memory {
        let masked = memory + steps * tokens * lanes
        let vectors = masked + 2 * steps * lanes
        let tile = vectors + tiles * embedding.units * lanes
        let weights = tile + 2 * widest * lanes
        return Memory(
            x: memory, masked: masked, skipped: masked + steps * lanes, vectors: vectors, tile: tile,
            other: tile + widest * lanes, weights: weights, gradient: weights + padded(weightCount),
            layer: weights + 2 * padded(weightCount))
    }

    /// Calls a function for each direction with two offsets: the offset of the direction's weights, and the offset of
    /// their copy that has P instead of W.
    private func forEachDirection(_ body: (Weights, Int, Int) -> Void) {
        let first = tokens * embedding.units
        body(forward, first, 0)
        if let backward { body(backward, first + embedding.units * forward.columns + forward.others, count(forward)) }
    }

    private func signal(_ input: Signal<Scalar>, _ memory: Memory) -> Signal<Scalar> {
        guard embedding.masksZero else { return input.withoutMask(memory.x) }
        return input.masked(memory.masked, skipped: memory.skipped, values: memory.x, lanes: lanes)
    }

    func forward(
        _ input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        let memory = parts(of: memory, steps: input.steps)
        memory.x.fill(0, count: input.steps * tokens * lanes)
        for t in 0..<input.steps {
            for lane in 0..<lanes {
                let token = input.values[t * lanes + lane]
                memory.x[(t * tokens + embedding.number(of: token)) * lanes + lane] = 1
                memory.masked[t * lanes + lane] = token == 0 ? 1 : 0
            }
        }
        memory.vectors.fill(0, count: tiles * embedding.units * lanes)
        for token in 0..<tokens {
            let tile = memory.vectors + token / lanes * embedding.units * lanes
            for k in 0..<embedding.units { tile[k * lanes + token % lanes] = weights[token * embedding.units + k] }
        }
        forEachDirection { direction, from, to in multiply(direction, weights + from, into: memory.weights + to, memory)
        }
        let signal = signal(input, memory)
        return switch layer {
        case .recurrent(let pass):
            pass.forward(signal, memory: memory.layer, weights: memory.weights, state: state, context: context)
        case .bidirectional(let pass):
            pass.forward(signal, memory: memory.layer, weights: memory.weights, state: state, context: context)
        }
    }

    /// Computes P = E·W, and copies the other weights.
    private func multiply(_ direction: Weights, _ w: Values<Scalar>, into p: Values<Scalar>, _ memory: Memory) {
        let columns = direction.columns
        for tile in 0..<tiles {
            arithmetic.affine(
                memory.tile, b: nil, x: memory.vectors + tile * embedding.units * lanes, rows: embedding.units, w: w,
                h: memory.vectors, units: 0, u: w, columns: columns)
            for token in tile * lanes..<min((tile + 1) * lanes, tokens) {
                for k in 0..<columns { p[token * columns + k] = memory.tile[k * lanes + token % lanes] }
            }
        }
        (p + tokens * columns).copy(w + embedding.units * columns, count: direction.others)
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        let memory = parts(of: memory, steps: input.steps)
        memory.gradient.fill(0, count: weightCount)
        let signal = signal(input, memory)
        switch layer {
        case .recurrent(let pass):
            pass.backward(
                dy, input: signal, memory: memory.layer, weights: memory.weights, gradient: memory.gradient, dx: nil)
        case .bidirectional(let pass):
            pass.backward(
                dy, input: signal, memory: memory.layer, weights: memory.weights, gradient: memory.gradient, dx: nil)
        }
        forEachDirection { direction, from, to in
            addGradient(
                direction, e: weights, w: weights + from, de: gradient, dw: gradient + from, dp: memory.gradient + to,
                memory)
        }
    }

    /// Adds dE = dP·Wᵀ and dW = Eᵀ·dP, and the gradient of the other weights.
    private func addGradient(
        _ direction: Weights, e: Values<Scalar>, w: Values<Scalar>, de: Values<Scalar>, dw: Values<Scalar>,
        dp: Values<Scalar>, _ memory: Memory
    ) {
        let columns = direction.columns
        let units = embedding.units
        for tile in 0..<tiles {
            let range = tile * lanes..<min((tile + 1) * lanes, tokens)
            memory.tile.fill(0, count: columns * lanes)
            for token in range {
                for k in 0..<columns { memory.tile[k * lanes + token % lanes] = dp[token * columns + k] }
            }
            arithmetic.transposed(memory.other, b: nil, z: memory.tile, columns: columns, w: w, rows: units)
            for token in range {
                for k in 0..<units { de[token * units + k] += memory.other[k * lanes + token % lanes] }
            }
        }
        // dWᵀ = dPᵀ·E, with 16 rows of dW side by side.
        for first in stride(from: 0, to: units, by: lanes) {
            let rows = min(lanes, units - first)
            memory.other.fill(0, count: tokens * lanes)
            for token in 0..<tokens { (memory.other + token * lanes).copy(e + (token * units + first), count: rows) }
            arithmetic.affine(
                memory.tile, b: nil, x: memory.other, rows: tokens, w: dp, h: memory.other, units: 0, u: dp,
                columns: columns)
            for row in 0..<rows {
                for k in 0..<columns { dw[(first + row) * columns + k] += memory.tile[k * lanes + row] }
            }
        }
        (dw + units * columns).add(dp + tokens * columns, count: direction.others)
    }
}
