import Wire

/// The requests and answers that wait for a checkpoint. The hot loop owns them.
struct CheckpointWaiters {
    /// A closure that receives the outcome of a requested checkpoint.
    typealias Request = @Sendable (inout HotLoop, Result<CheckpointResult, ControlError>) -> Void
    /// A closure that learns whether a change that has already been made is durable.
    typealias DurableAnswer = @Sendable (inout HotLoop, Result<Void, ControlError>) -> Void

    /// The requests that wait for the next checkpoint.
    var requests: [Request] = []
    /// The answers that wait for the next successful checkpoint.
    var answers: [DurableAnswer] = []
    /// The requests and answers that wait for the running checkpoint.
    private var running: (requests: [Request], answers: [DurableAnswer]) = ([], [])

    var areWaiting: Bool { !requests.isEmpty || !answers.isEmpty }

    /// Assigns all waiters to the checkpoint that is beginning.
    mutating func begin() {
        running = (requests, answers)
        (requests, answers) = ([], [])
    }

    /// Ends a successful checkpoint. Returns the requests and answers that waited for it.
    mutating func succeed() -> (requests: [Request], answers: [DurableAnswer]) {
        defer { running = ([], []) }
        return running
    }

    /// Ends a failed checkpoint. Returns the requests that waited for it; they report the failure. The waiting answers
    /// move to the next checkpoint: they must not report a failure, because the changes that they confirm have already
    /// been made.
    mutating func fail() -> [Request] {
        defer { running = ([], []) }
        answers = running.answers + answers
        return running.requests
    }
}
