/// A trained network: layers and their weights, immutable and shared by all streams.
///
/// The first layer reads one timestep of ``features`` floats. Each of the other layers reads the output of the layer
/// before it. The last layer writes ``outputs`` floats at every timestep. If the first layer is an ``Embedding``, a
/// timestep is one token, whose number is stored as a float. A ``StatePool`` holds the state of each stream.
///
/// `@unchecked Sendable`: the pointers in `steps` point into `weights`, which are constant after `init`.
@safe
package final class Model: @unchecked Sendable {
    /// The meaning of a timestep's floats.
    package enum Input: Equatable, Sendable {
        /// The given number of values.
        case values(Int)
        /// One token of a vocabulary of the given size, as a whole number from 0. The caller checks tokens from
        /// external input. A step with any other number is safe, but its output is meaningless.
        case tokens(Int)
    }

    /// The layers in the order in which a timestep passes through them.
    package let layers: [any Layer]
    /// The meaning of a timestep's floats.
    package let input: Input
    /// The number of floats in one timestep of input; 1 for a token.
    package let features: Int
    /// The size of the vocabulary; nil if a timestep is not a token.
    package var vocabulary: Int? {
        if case .tokens(let count) = input { count } else { nil }
    }
    /// The number of floats in one output.
    package let outputs: Int
    /// The number of floats in one stream's state, which consists of the states of all layers in order. Zero if the
    /// model is not causal.
    package let stateSize: Int
    /// The layout of a state: the kind and the number of floats of each layer that has a state. A model can continue
    /// from the states of another model if both have the same layout.
    package let stateLayout: String
    /// The number of weights.
    package let parameters: Int

    /// Whether no output depends on a later timestep, so that the model can step a stream timestep by timestep. Any
    /// other model needs a ``SequenceRunner``, which runs it over whole sequences.
    package let isCausal: Bool

    /// A part of the model that Keras computes anew in each call, even if the model is stateful; nil if there is none.
    package var perCall: PerCall? { layers.lazy.compactMap(\.perCall).first }

    /// Returns the number of timesteps of the last layer's output for a sequence.
    ///
    /// - Parameter count: The number of input timesteps, at least 1.
    /// - Returns: At least 1, or nil if the model cannot take a sequence of this length, if a layer's output would
    ///   exceed ``maximumSequenceFloats``, or if an attention would take too long.
    package func timesteps(of count: Int) -> Int? {
        var timesteps = count
        for layer in layers {
            guard let next = layer.timesteps(of: timesteps), Self.isInMemory(next, of: layer.units) else { return nil }
            timesteps = next
        }
        return timesteps
    }

    /// The maximum number of floats in a layer's output for a whole sequence. Layers that repeat or pad timesteps could
    /// otherwise ask for any amount of memory.
    package static let maximumSequenceFloats = 1 << 26

    /// Whether the output of a layer for a whole sequence may be in memory.
    static func isInMemory(_ timesteps: Int, of units: Int) -> Bool {
        let (floats, isTooLarge) = timesteps.multipliedReportingOverflow(by: units)
        return !isTooLarge && floats <= maximumSequenceFloats
    }

    /// The largest number of timesteps, up to a limit, that the model can take. The model must be able to take
    /// ``shortestSequence``.
    package func longestSequence(upTo limit: Int) -> Int {
        if limit <= shortestSequence || timesteps(of: limit) != nil { return limit }
        var (possible, impossible) = (shortestSequence, limit)
        while impossible - possible > 1 {
            let middle = possible + (impossible - possible) / 2
            if timesteps(of: middle) == nil { impossible = middle } else { possible = middle }
        }
        return possible
    }

    /// The smallest number of timesteps that the model can take.
    package var shortestSequence: Int {
        (1...Self.longestSearch).first { timesteps(of: $0) != nil } ?? Self.longestSearch
    }

    /// Whether the model's last layer has an output at every timestep, whatever the number of timesteps.
    package var keepsTimesteps: Bool {
        let shortest = shortestSequence
        // A window or a repetition that changes the number of timesteps does so for one of several adjacent numbers.
        return (shortest...(shortest + 64)).allSatisfy { timesteps(of: $0) == $0 }
    }

    /// A number of timesteps above which ``shortestSequence`` is not searched.
    private static let longestSearch = 1 << 17

    /// Whether streams are always stepped one at a time, because a layer generates masks or is a ``Graph``.
    let needsScalarPath: Bool

    /// The number of floats of working memory that a step needs: the scratch memory of one layer, then the outputs of
    /// two hidden layers.
    let scratchSize: Int
    /// The kernels that the model's steps use.
    package let kernels: Kernels

    /// Each layer's pass over a sequence.
    let passes: [LayerPass]
    /// The number of floats in the widest output of any layer, padded.
    let widestOutput: Int
    /// The number of floats in the largest scratch memory that any layer needs.
    let widestScratch: Int

    private let weights: WeightBuffer
    /// Each layer's step; incomplete if the model is not causal.
    let steps: [LayerStep]
    /// A copy of ``steps`` in plain memory, which the hot path reads without reference counting.
    private let firstStep: UnsafePointer<LayerStep>

    /// Builds a model.
    ///
    /// - Parameters:
    ///   - layers: At least one layer. The input of each layer must be as wide as the output of the previous layer.
    ///     Only the first layer may be an ``Embedding``.
    ///   - kernels: The kernels that the model's steps use.
    /// - Throws: ``ModelError`` if the widths of two adjacent layers do not match, if an ``Embedding`` is not the first
    ///   layer, or if there is no layer.
    package init(layers: [any Layer], kernels: Kernels = .best) throws(ModelError) {
        guard let first = layers.first, let last = layers.last else {
            throw ModelError(code: .empty, context: "the model has no layers")
        }
        for (before, after) in zip(layers, layers.dropFirst()) where before.units != after.features {
            throw ModelError(
                code: .shape,
                context: "a layer gives \(before.units) values a timestep, but the next one takes \(after.features)")
        }
        guard layers.dropFirst().allSatisfy({ $0.tokenCount == nil }) else {
            throw ModelError(code: .shape, context: "an embedding takes tokens, so it must be the first layer")
        }
        var weights = WeightBuffer(kernels: kernels)
        let passes = Self.passes(of: layers, in: &weights)
        self.layers = layers
        input = first.tokenCount.map(Input.tokens) ?? .values(first.features)
        features = first.features
        outputs = last.units
        parameters = layers.reduce(0) { $0 + $1.parameters }
        needsScalarPath = layers.contains { $0.maskRule == .generates || $0 is Graph }
        isCausal = passes.allSatisfy(\.isCausal)
        stateSize = isCausal ? passes.reduce(0) { $0 + $1.stateSize } : 0
        stateLayout = zip(layers, passes).filter { $1.stateSize > 0 }
            .map { "\($0.architecture.prefix { $0 != " " }) \($1.stateSize)" }.joined(separator: ", ")
        widestScratch = Kernels.padded(passes.map(\.scratchSize).max() ?? 0)
        widestOutput = Kernels.padded(layers.map(\.units).max() ?? 0)
        scratchSize = widestScratch + 2 * widestOutput
        steps = passes.compactMap { if case .forward(let step) = $0.direction { step } else { nil } }
        unsafe firstStep = weights.place(steps)
        self.passes = passes
        self.weights = weights
        self.kernels = kernels
        guard isCausal || timesteps(of: shortestSequence) != nil else {
            throw ModelError(
                code: .shape,
                context: "for every number of timesteps, a layer's output is too large or has the wrong shape")
        }
    }

    /// Returns each layer's pass over a sequence. A layer that no mask reaches steps every timestep.
    private static func passes(of layers: [any Layer], in weights: inout WeightBuffer) -> [LayerPass] {
        var isMasked = false
        return layers.map { layer in
            var pass = layer.makePass(in: &weights)
            if !isMasked { pass.ignoreMask() }
            switch layer.maskRule {
            case .generates: isMasked = true
            case .discards: isMasked = false
            case .propagates, .consumes: break
            }
            return pass
        }
    }

    deinit {
        weights.deallocate()
    }

    /// Steps one stream through one timestep, layer by layer. The model must be causal.
    ///
    /// - Parameters:
    ///   - input: Shape (features).
    ///   - state: Shape (stateSize); the step replaces it.
    ///   - output: Shape (outputs).
    ///   - scratch: Working memory, shape (scratchSize).
    /// - Returns: Whether the state is finite.
    @discardableResult
    @inline(__always)
    func step(
        input: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>,
        output: UnsafeMutablePointer<Float>, scratch: UnsafeMutablePointer<Float>
    ) -> Bool {
        unsafe step(
            firstLayers: steps.count, input: input, state: state, output: output, outputs: outputs, scratch: scratch)
    }

    /// Steps one stream through one timestep of the first `count` layers.
    ///
    /// - Parameters:
    ///   - count: The number of layers.
    ///   - input: Shape (features).
    ///   - state: Shape (stateSize); the step replaces the part that belongs to these layers.
    ///   - output: Receives the output of the last of these layers, shape (outputs).
    ///   - outputs: The width of `output`.
    ///   - scratch: Working memory, shape (scratchSize).
    /// - Returns: Whether the state of these layers is finite.
    func step(
        firstLayers count: Int, input: UnsafePointer<Float>, state: UnsafeMutablePointer<Float>,
        output: UnsafeMutablePointer<Float>, outputs: Int, scratch: UnsafeMutablePointer<Float>
    ) -> Bool {
        var x = unsafe input
        var state = unsafe state
        var y = unsafe scratch + widestScratch
        var spare = unsafe y + widestOutput
        var isMasked = false
        var isFinite = true
        for index in 0..<count {
            let step = unsafe firstStep + index
            unsafe x = step.pointee.output(
                for: x, state: state, y: y, scratch: scratch, isMasked: &isMasked, isFinite: &isFinite)
            unsafe state += step.pointee.stateSize
            unsafe swap(&y, &spare)
        }
        unsafe output.copy(x, count: outputs)
        return isFinite
    }
}
