/// Runs a model over whole sequences, each for itself and from the zero state: what a model needs that must know the
/// end of a sequence before it can say anything about its beginning, and what a window over a stream needs.
///
/// Keeps its memory from run to run. One owner, one thread; it is not `Sendable`.
@safe
public final class SequenceRunner {
    /// The weights that every sequence is run with.
    public let model: Model

    private let state: UnsafeMutablePointer<Float>
    private let outputs: UnsafeMutablePointer<Float>
    private let scratch: UnsafeMutablePointer<Float>

    /// A runner.
    public init(model: Model) {
        self.model = model
        unsafe state = .allocate(capacity: max(1, model.stateSize))
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
        unsafe state.update(repeating: 0, count: model.stateSize)
        unsafe timesteps.withUnsafeBufferPointer { buffer in
            guard let start = buffer.baseAddress else { return }
            for index in 0..<count {
                unsafe model.step(
                    input: start + index * model.features, state: state, output: outputs, scratch: scratch)
            }
        }
        let span = unsafe Span(_unsafeStart: outputs, count: model.outputs)
        return unsafe _overrideLifetime(span, borrowing: self)
    }
}
