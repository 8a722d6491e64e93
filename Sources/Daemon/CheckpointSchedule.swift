import Wire

/// When the next checkpoint is due, and what came of the last. Owned by the hot loop.
struct CheckpointSchedule {
    /// What to do when a checkpoint has ended.
    typealias Request = @Sendable (inout HotLoop, Result<CheckpointResult, ControlError>) -> Void

    private let interval: Duration
    private var due: ContinuousClock.Instant

    /// One is being written: its streams count as unchanged until it has failed.
    var isRunning = false
    /// Requests that wait for the next one.
    var requests: [Request] = []
    /// Streams that were removed and may still be stored.
    var removed: [String] = []
    /// The last one that succeeded.
    private(set) var last: DaemonStatus.Checkpoint?
    /// The last one failed.
    private(set) var hasFailed = false

    init(interval: Duration) {
        self.interval = interval
        due = .now + interval
    }

    var isDue: Bool { ContinuousClock.now >= due }

    /// At least 1, so that a due checkpoint that must wait for the one before does not spin.
    var millisecondsUntilDue: Int {
        let rest = ContinuousClock.now.duration(to: due)
        return max(1, Int(rest / .milliseconds(1)) + 1)
    }

    /// Counts from now on.
    mutating func begin() {
        due = .now + interval
        isRunning = true
    }

    /// Notes how it went.
    ///
    /// - Parameter outcome: What it wrote, or nil where it failed.
    mutating func end(_ outcome: DaemonStatus.Checkpoint?) {
        isRunning = false
        hasFailed = outcome == nil
        last = outcome ?? last
    }
}
