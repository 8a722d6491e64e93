/// Runs a model over whole sequences, each for itself and from the zero state: what a model needs that must know the
/// end of a sequence before it can say anything about its beginning, and what a window over a stream needs.
///
/// Keeps its memory from run to run. One owner, one thread; it is not `Sendable`.
public final class SequenceRunner {
    /// The weights that every sequence is run with.
    public let model: Model

    private let pool: StatePool
    private let row: Int

    /// A runner.
    public init(model: Model) {
        self.model = model
        pool = StatePool(model: model)
        row = pool.insert()
    }

    /// The model's answer to one whole sequence.
    ///
    /// - Parameter timesteps: Timesteps side by side, shape (n, features), n at least 1.
    /// - Returns: Shape (outputs), valid until the next run.
    @_lifetime(borrow self)
    public func answer(to timesteps: Span<Float>) -> Span<Float> {
        let (count, rest) = timesteps.count.quotientAndRemainder(dividingBy: model.features)
        precondition(count >= 1 && rest == 0)
        pool.reset(row)
        for index in 0..<count {
            pool.step(row, inputs: timesteps, index: index)
        }
        return unsafe _overrideLifetime(pool.outputs(of: row), borrowing: self)
    }
}
