import Wire

/// Requests and answers that wait for a checkpoint. Owned by the hot loop.
struct CheckpointWaiters {
    /// Receives the outcome of a checkpoint that was asked for.
    typealias Request = @Sendable (inout HotLoop, Result<CheckpointResult, ControlError>) -> Void
    /// Receives whether a change, which is made already, survives a crash.
    typealias DurableAnswer = @Sendable (inout HotLoop, Result<Void, ControlError>) -> Void

    /// Requests for the next checkpoint.
    var requests: [Request] = []
    /// Answers that wait for the next checkpoint that succeeds.
    var answers: [DurableAnswer] = []
    /// Those that wait for the running checkpoint.
    private var running: (requests: [Request], answers: [DurableAnswer]) = ([], [])

    var areWaiting: Bool { !requests.isEmpty || !answers.isEmpty }

    /// Has all waiters wait for the checkpoint that begins now.
    mutating func begin() {
        running = (requests, answers)
        (requests, answers) = ([], [])
    }

    /// Returns the waiters of a checkpoint that succeeded.
    mutating func succeed() -> (requests: [Request], answers: [DurableAnswer]) {
        defer { running = ([], []) }
        return running
    }

    /// Returns the requests of a checkpoint that failed. The answers wait for the next one: the changes are made, so the answers
    /// must not call them failed.
    mutating func fail() -> [Request] {
        defer { running = ([], []) }
        answers = running.answers + answers
        return running.requests
    }
}
