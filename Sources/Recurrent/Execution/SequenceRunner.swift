/// Runs a model over whole sequences, each for itself and from the zero state: what a model needs that must know the
/// end of a sequence before it can say anything about its beginning, and what a window over a stream needs.
///
/// A causal model is stepped, timestep by timestep, just as a ``StatePool`` steps it. Of any other, each layer goes over the
/// whole sequence before the next does. Keeps its memory from run to run. One owner, one thread; it is not `Sendable`.
@safe
public final class SequenceRunner {
    /// The weights that every sequence is run with.
    public let model: Model

    private let state: UnsafeMutablePointer<Float>
    private let outputs: UnsafeMutablePointer<Float>
    private let scratch: UnsafeMutablePointer<Float>
    /// Nil until the first run of a model that is not causal.
    private var sequence: LayerSequence?

    /// A runner.
    public init(model: Model) {
        self.model = model
        let stateSize = max(model.stateSize, model.passes.map(\.stateSize).max() ?? 0) + Kernels.padding
        unsafe state = .allocate(capacity: stateSize)
        unsafe state.initialize(repeating: 0, count: stateSize)
        unsafe outputs = .allocate(capacity: model.outputs)
        unsafe outputs.initialize(repeating: 0, count: model.outputs)
        unsafe scratch = .allocate(capacity: max(1, model.scratchSize))
        unsafe scratch.initialize(repeating: 0, count: max(1, model.scratchSize))
    }

    deinit {
        unsafe state.deallocate()
        unsafe outputs.deallocate()
        unsafe scratch.deallocate()
    }

    /// The model's answer to one whole sequence.
    ///
    /// - Parameter timesteps: Timesteps side by side, shape (n, features), n at least 1.
    /// - Returns: Shape (outputs), valid until the next run.
    @_lifetime(borrow self)
    public func answer(to timesteps: Span<Float>) -> Span<Float> {
        let (count, rest) = timesteps.count.quotientAndRemainder(dividingBy: model.features)
        precondition(count >= 1 && rest == 0)
        unsafe timesteps.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            if model.isCausal {
                unsafe step(start, count: count)
            } else {
                unsafe pass(start, count: count)
            }
        }
        let span = unsafe Span(_unsafeStart: outputs, count: model.outputs)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    private func step(_ timesteps: UnsafePointer<Float>, count: Int) {
        unsafe state.update(repeating: 0, count: model.stateSize)
        for index in 0..<count {
            unsafe model.step(
                input: timesteps + index * model.features, state: state, output: outputs, scratch: scratch)
        }
    }

    private func pass(_ timesteps: UnsafePointer<Float>, count: Int) {
        if sequence == nil || sequence?.capacity ?? 0 < count {
            sequence = LayerSequence(width: max(model.features, model.widestOutput), capacity: count)
        }
        guard let sequence else { return }
        unsafe sequence.begin(timesteps, count: count, features: model.features)
        let last = model.passes.lastIndex(where: \.hasMemory) ?? 0
        for (index, pass) in model.passes.enumerated() {
            // After the last layer that looks at other timesteps, only the answer's own matters.
            if index > last { sequence.keepLast() }
            switch pass.way {
            case .forwards(let step): unsafe sequence.run(step, state: state, scratch: scratch)
            case .backwards(let step): unsafe sequence.run(step, backwards: true, state: state, scratch: scratch)
            case .bothWays(let pass): unsafe sequence.run(pass, state: state, scratch: scratch)
            }
        }
        unsafe outputs.update(from: sequence.last, count: model.outputs)
    }
}
