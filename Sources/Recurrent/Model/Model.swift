/// A trained network: layers and their weights, immutable and shared by all streams.
///
/// The first layer takes one timestep of ``features`` floats; each further layer takes what the one before gives; the
/// last gives ``outputs`` floats, at every timestep. What a stream remembers between two timesteps is kept apart from
/// the model, in a ``StatePool``. Where the first layer is an ``Embedding``, a timestep is one token, which travels as
/// the float of its number.
///
/// `@unchecked Sendable`: the pointers within `steps` lead into `weights`, which nobody writes once `init` has ended.
@safe
public final class Model: @unchecked Sendable {
    /// What a timestep is.
    public enum Input: Equatable, Sendable {
        /// So many numbers.
        case values(Int)
        /// The number of one token of a vocabulary of so many: a whole number from 0. Whoever takes tokens from outside
        /// checks that they are; a step with another number is safe, but its answer means nothing.
        case tokens(Int)
    }

    /// The layers in the order in which a timestep passes them.
    package let layers: [any Layer]
    /// What a timestep is.
    public let input: Input
    /// Floats in one timestep of input; 1 for a token.
    public let features: Int
    /// How many tokens there are, where a timestep is a token.
    public var vocabulary: Int? {
        if case .tokens(let count) = input { count } else { nil }
    }
    /// Floats in one answer.
    public let outputs: Int
    /// Floats that a stream remembers: the state of each layer, one layer after another; none where the model is not
    /// causal.
    public let stateSize: Int
    /// What ``stateSize`` is made of: the kind of each layer that has a state, with its floats. A state of one model has the
    /// same meaning in another, though not the same value, where this is the same.
    public let stateLayout: String
    /// How many weights the model has.
    public let parameters: Int

    /// Whether the model can answer after each timestep, from a state; if not, it must be given whole sequences, by a
    /// ``SequenceRunner``.
    public let isCausal: Bool

    /// Whether a layer takes a mean or a maximum over the timesteps of a sequence.
    public var hasPooling: Bool { layers.contains { $0 is GlobalAveragePooling || $0 is GlobalMaxPooling } }

    /// Whether a layer says which timesteps are masked.
    let hasMasks: Bool

    /// Floats of working memory during a step: the widest layer's own, then two outputs of hidden layers.
    let scratchSize: Int
    /// The inner loops that the model runs with.
    package let kernels: Kernels

    /// How each layer goes over a sequence.
    let passes: [LayerPass]
    /// Floats of the widest output of a layer, with the room that kernels need.
    let widestOutput: Int
    /// Floats of the working memory of the layer that needs most.
    let widestScratch: Int

    private let weights: WeightBuffer
    /// Each layer's step, where the model is causal.
    let steps: [LayerStep]
    /// The same where the hot path reads them, without counting references.
    private let firstStep: UnsafePointer<LayerStep>

    /// Builds a model.
    ///
    /// - Parameters:
    ///   - layers: At least one; each must take the width that the one before gives. An ``Embedding`` only as the first.
    ///   - kernels: The inner loops to run with.
    /// - Throws: ``ModelError`` where two layers in a row do not fit.
    package init(layers: [any Layer], kernels: Kernels = .best) throws(ModelError) {
        guard let first = layers.first, let last = layers.last else {
            throw ModelError(code: .empty, context: "the model has no layers")
        }
        for (before, after) in zip(layers, layers.dropFirst()) where before.units != after.features {
            throw ModelError(
                code: .shape,
                context: "a layer gives \(before.units) values a timestep, but the next one takes \(after.features)")
        }
        guard !layers.dropFirst().contains(where: { $0 is Embedding }) else {
            throw ModelError(code: .shape, context: "an embedding takes tokens, so it must be the first layer")
        }
        var weights = WeightBuffer(kernels: kernels)
        let passes = Self.passes(of: layers, in: &weights)
        self.layers = layers
        if let embedding = first as? Embedding {
            input = .tokens(embedding.vocabulary)
        } else {
            input = .values(first.features)
        }
        features = first.features
        outputs = last.units
        parameters = layers.reduce(0) { $0 + $1.parameters }
        hasMasks = layers.contains { $0.maskRule == .makes }
        isCausal = passes.allSatisfy(\.isCausal)
        stateSize = isCausal ? passes.reduce(0) { $0 + $1.stateSize } : 0
        stateLayout = zip(layers, passes).filter { $1.stateSize > 0 }
            .map { "\($0.architecture.prefix { $0 != " " }) \($1.stateSize)" }.joined(separator: ", ")
        widestScratch = Kernels.padded(passes.map(\.scratchSize).max() ?? 0)
        widestOutput = Kernels.padded(layers.map(\.units).max() ?? 0)
        scratchSize = widestScratch + 2 * widestOutput
        steps = passes.compactMap { if case .forwards(let step) = $0.way { step } else { nil } }
        unsafe firstStep = weights.place(steps)
        self.passes = passes
        self.weights = weights
        self.kernels = kernels
    }

    /// Each layer's way over a sequence, with its weights; layers that no mask reaches take every timestep.
    private static func passes(of layers: [any Layer], in weights: inout WeightBuffer) -> [LayerPass] {
        var isMasked = false
        return layers.map { layer in
            var pass = layer.pass(in: &weights)
            if !isMasked { pass.ignoreMask() }
            switch layer.maskRule {
            case .makes: isMasked = true
            case .ends: isMasked = false
            case .passes, .heeds: break
            }
            return pass
        }
    }

    deinit {
        weights.deallocate()
    }

    /// Takes one timestep: every layer's equation in turn, each layer reading what the one before wrote.
    ///
    /// Only for a causal model.
    ///
    /// - Parameters:
    ///   - input: Shape (features).
    ///   - state: Shape (stateSize); replaced by the state after the timestep.
    ///   - output: Shape (outputs); the answer.
    ///   - scratch: Shape (scratchSize), contents undefined before and after.
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

    /// Takes one timestep through the first layers only.
    ///
    /// - Parameters:
    ///   - count: How many layers.
    ///   - input: Shape (features).
    ///   - state: Shape (stateSize); those layers' part is replaced by the state after the timestep.
    ///   - output: Shape (outputs); the output of the last of those layers.
    ///   - outputs: The width of that output.
    ///   - scratch: Shape (scratchSize), contents undefined before and after.
    /// - Returns: Whether those layers' state is finite.
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
