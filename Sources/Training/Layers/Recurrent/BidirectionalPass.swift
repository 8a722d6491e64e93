import Recurrent

/// The pass of a recurrent layer of any kind.
enum AnyRecurrentPass<Arithmetic: TileArithmetic>: TrainingPass {
    typealias Scalar = Arithmetic.Scalar

    case lstm(RecurrentPass<LSTMCell<Arithmetic>>)
    case gru(RecurrentPass<GRUCell<Arithmetic>>)
    case simpleRNN(RecurrentPass<SimpleRNNCell<Arithmetic>>)

    /// Creates the pass; nil if the layer is of another kind. `features`, the width of the input, may differ from the
    /// layer's own.
    init?(_ layer: any RecurrentLayer, features: Int, order: ReadingOrder, _ arithmetic: Arithmetic) {
        switch layer {
        case let layer as LSTM:
            self = .lstm(
                RecurrentPass(
                    cell: LSTMCell(layer, features: features, arithmetic), order: order,
                    givesZeros: layer.maskedOutput == .zeros))
        case let layer as GRU:
            self = .gru(
                RecurrentPass(
                    cell: GRUCell(layer, features: features, arithmetic), order: order,
                    givesZeros: layer.maskedOutput == .zeros))
        case let layer as SimpleRNN:
            self = .simpleRNN(
                RecurrentPass(
                    cell: SimpleRNNCell(layer, features: features, arithmetic), order: order,
                    givesZeros: layer.maskedOutput == .zeros))
        default: return nil
        }
    }

    var units: Int {
        switch self {
        case .lstm(let pass): pass.units
        case .gru(let pass): pass.units
        case .simpleRNN(let pass): pass.units
        }
    }

    var stateSize: Int {
        switch self {
        case .lstm(let pass): pass.stateSize
        case .gru(let pass): pass.stateSize
        case .simpleRNN(let pass): pass.stateSize
        }
    }

    func memorySize(steps: Int) -> Int {
        switch self {
        case .lstm(let pass): pass.memorySize(steps: steps)
        case .gru(let pass): pass.memorySize(steps: steps)
        case .simpleRNN(let pass): pass.memorySize(steps: steps)
        }
    }

    func forward(
        _ input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        switch self {
        case .lstm(let pass):
            pass.forward(input, memory: memory, weights: weights, state: state, context: context)
        case .gru(let pass):
            pass.forward(input, memory: memory, weights: weights, state: state, context: context)
        case .simpleRNN(let pass):
            pass.forward(input, memory: memory, weights: weights, state: state, context: context)
        }
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        switch self {
        case .lstm(let pass):
            pass.backward(dy, input: input, memory: memory, weights: weights, gradient: gradient, dx: dx)
        case .gru(let pass):
            pass.backward(dy, input: input, memory: memory, weights: weights, gradient: gradient, dx: dx)
        case .simpleRNN(let pass):
            pass.backward(dy, input: input, memory: memory, weights: weights, gradient: gradient, dx: dx)
        }
    }
}

/// A ``Bidirectional`` layer: both directions, and the merge of their outputs.
///
/// If the layer does not return sequences, it merges the last output of each direction: the forward layer's output at
/// the last timestep, and the backward layer's output at the first.
///
/// `memory` holds, in this order:
/// - the merged outputs, shape (steps, units, lanes)
/// - the gradients of the two layers' outputs, shape (steps, width, lanes) each
/// - the backward layer's part of the input's gradient
/// - the values that each of the two layers keeps in its own `memory`
struct BidirectionalPass<Arithmetic: TileArithmetic>: TrainingPass {
    typealias Scalar = Arithmetic.Scalar

    let forwardPass: AnyRecurrentPass<Arithmetic>
    let backwardPass: AnyRecurrentPass<Arithmetic>
    let features: Int
    let merge: Bidirectional.Merge
    let returnsSequences: Bool
    /// The number of weights in the forward layer, which precede the backward layer's weights.
    let forwardWeights: Int
    let lanes: Int

    /// Creates the pass; nil if one of the two layers is of another kind. `features`, the width of the input, may
    /// differ from the layer's own.
    init?(_ layer: Bidirectional, features: Int, _ arithmetic: Arithmetic) {
        guard
            let forward = AnyRecurrentPass(layer.forward, features: features, order: .forward, arithmetic),
            let backward = AnyRecurrentPass(
                layer.backward, features: features, order: .backwardInPlace, arithmetic)
        else { return nil }
        forwardPass = forward
        backwardPass = backward
        self.features = features
        lanes = arithmetic.lanes
        merge = layer.merge
        returnsSequences = layer.returnsSequences
        let kernel = layer.forward.weights[0]
        forwardWeights = layer.forward.parameters - kernel.values.count + features * kernel.shape[1]
    }

    var stateSize: Int { forwardPass.stateSize + backwardPass.stateSize }
    /// The width of one direction.
    private var width: Int { forwardPass.units }
    var units: Int { merge == .concat ? 2 * width : width }

    func memorySize(steps: Int) -> Int {
        steps * (units + 2 * width + features) * lanes + forwardPass.memorySize(steps: steps)
            + backwardPass.memorySize(steps: steps)
    }

    private struct Memory {
        let outputs, dForward, dBackward, dx, forward, backward: Values<Scalar>
    }

    private func parts(of memory: Values<Scalar>, steps: Int) -> Memory {
        let dForward = memory + steps * units * lanes
        let dBackward = dForward + steps * width * lanes
        let dx = dBackward + steps * width * lanes
        let forward = dx + steps * features * lanes
        return Memory(
            outputs: memory, dForward: dForward, dBackward: dBackward, dx: dx, forward: forward,
            backward: forward + forwardPass.memorySize(steps: steps))
    }

    /// Returns, for each output, the timesteps of the two directions that are merged into it.
    private func merged(_ steps: Int) -> [(forward: Int, backward: Int)] {
        returnsSequences ? (0..<steps).map { ($0, $0) } : [(steps - 1, 0)]
    }

    func forward(
        _ input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        let memory = parts(of: memory, steps: input.steps)
        let forward = forwardPass.forward(
            input, memory: memory.forward, weights: weights, state: state, context: context)
        let backward = backwardPass.forward(
            input, memory: memory.backward, weights: weights + forwardWeights,
            state: state + forwardPass.stateSize * lanes, context: context)
        let count = width * lanes
        for (index, at) in merged(input.steps).enumerated() {
            let y = memory.outputs + index * units * lanes
            let (a, b) = (forward.values + at.forward * count, backward.values + at.backward * count)
            switch merge {
            case .concat:
                y.copy(a, count: count)
                (y + count).copy(b, count: count)
            case .sum: for k in 0..<count { y[k] = a[k] + b[k] }
            case .ave: for k in 0..<count { y[k] = (a[k] + b[k]) / 2 }
            case .mul: for k in 0..<count { y[k] = a[k] * b[k] }
            }
        }
        return returnsSequences ? input.with(memory.outputs) : Signal(values: memory.outputs, steps: 1)
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        let memory = parts(of: memory, steps: input.steps)
        let count = width * lanes
        memory.dForward.fill(0, count: input.steps * count)
        memory.dBackward.fill(0, count: input.steps * count)
        for (index, at) in merged(input.steps).enumerated() {
            let d = dy + index * units * lanes
            let (da, db) = (memory.dForward + at.forward * count, memory.dBackward + at.backward * count)
            // Each direction's outputs are at the beginning of its own `memory`.
            let (a, b) = (memory.forward + at.forward * count, memory.backward + at.backward * count)
            for k in 0..<count {
                switch merge {
                case .concat: (da[k], db[k]) = (d[k], d[count + k])
                case .sum: (da[k], db[k]) = (d[k], d[k])
                case .ave: (da[k], db[k]) = (d[k] / 2, d[k] / 2)
                case .mul: (da[k], db[k]) = (d[k] * b[k], d[k] * a[k])
                }
            }
        }
        forwardPass.backward(
            memory.dForward, input: input, memory: memory.forward, weights: weights, gradient: gradient, dx: dx)
        backwardPass.backward(
            memory.dBackward, input: input, memory: memory.backward, weights: weights + forwardWeights,
            gradient: gradient + forwardWeights, dx: dx == nil ? nil : memory.dx)
        dx?.add(memory.dx, count: input.steps * features * lanes)
    }
}
