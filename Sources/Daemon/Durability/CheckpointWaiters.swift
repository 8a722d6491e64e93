import Wire

/// Requests and answers that wait for a checkpoint. Owned by the hot loop.
struct CheckpointWaiters {
    /// Receives the outcome of a requested checkpoint.
    typealias Request = @Sendable (inout HotLoop, Result<CheckpointResult, ControlError>) -> Void
    /// Learns whether a change that is already made survives a crash.
    typealias DurableAnswer = @Sendable (inout HotLoop, Result<Void, ControlError>) -> Void

    /// Requests for the next checkpoint.
    var requests: [Request] = []
    /// Answers that wait for the next checkpoint that succeeds.
    var answers: [DurableAnswer] = []
    /// The requests and answers that wait for the running checkpoint.
    private var running: (requests: [Request], answers: [DurableAnswer]) = ([], [])

    var areWaiting: Bool { !requests.isEmpty || !answers.isEmpty }

    /// Assigns all waiters to the checkpoint that begins now.
    mutating func begin() {
        running = (requests, answers)
        (requests, answers) = ([], [])
    }

    /// Returns the waiters of a checkpoint that succeeded.
    mutating func succeed() -> (requests: [Request], answers: [DurableAnswer]) {
        defer { running = ([], []) }
        return running
    }

    /// Returns the requests of a checkpoint that failed. The answers wait for the next checkpoint. They must not report
    /// a failure, because their changes are already made.
    mutating func fail() -> [Request] {
        defer { running = ([], []) }
        answers = running.answers + answers
        return running.requests
    }
}
