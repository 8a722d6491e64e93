import Store
import Streams
import Wire

/// When the next checkpoint is due, how far the one is that is being written, and what came of the last. Owned by the hot
/// loop.
struct CheckpointSchedule {
    /// What to do when a checkpoint has ended.
    typealias Request = @Sendable (inout HotLoop, Result<CheckpointResult, ControlError>) -> Void

    /// A checkpoint that is being written, slice by slice.
    struct Run {
        /// The journal's last record when it began.
        let position: UInt64
        let start = ContinuousClock.now
        /// Requests that wait for its end.
        let requests: [Request]
        /// Where the next slice begins; nil: all are copied.
        var next: Int? = 0
        /// Slices that are copied and not answered by the store yet.
        var unanswered = 0
        /// Streams in the slices so far.
        var streams = 0
        /// There was something to write.
        var hasWritten = false
        var failure: StoreError?

        var isOver: Bool { next == nil && unanswered == 0 }
    }

    /// Streams in one slice: few enough to be copied in about a millisecond.
    static let streamsPerSlice = 4096
    /// Slices that may wait for the store: one is written while another is ready.
    static let unansweredSlices = 2
    /// How soon one that failed is tried again, where the interval is longer.
    private static let retryInterval = Duration.seconds(1)

    private let interval: Duration
    private var due: ContinuousClock.Instant

    /// The one that is being written. Its streams count as unchanged until it has failed.
    var run: Run?
    /// Requests that wait for the next one.
    var requests: [Request] = []
    /// The journal's last record when the last one that was ended in the store began.
    var lastPosition: UInt64 = 0
    /// The last one that succeeded.
    private(set) var last: DaemonStatus.Checkpoint?
    /// Nanoseconds since the Unix epoch when the last one ended that succeeded or had nothing to write; before the first, when
    /// stored state was loaded.
    private(set) var lastGoodTime = WallClock.now()
    /// Why the last one failed; nil where it did not.
    private(set) var failure: StoreError?

    init(interval: Duration) {
        self.interval = interval
        due = .now + interval
    }

    var isDue: Bool { ContinuousClock.now >= due && run == nil }

    /// Another slice can be copied.
    var hasRoom: Bool {
        guard let run else { return false }
        return run.next != nil && run.unanswered < Self.unansweredSlices
    }

    /// How long the hot loop may wait for other things to do.
    var millisecondsUntilDue: Int {
        if hasRoom { return 0 }
        let rest = ContinuousClock.now.duration(to: due)
        // At least 1, so that a due checkpoint that must wait for the one before does not spin.
        return max(1, Int(rest / .milliseconds(1)) + 1)
    }

    /// Makes the next one due at once.
    mutating func hasten() { due = .now }

    /// Counts from now on.
    ///
    /// - Parameter position: The journal's last record.
    mutating func begin(at position: UInt64) {
        due = .now + interval
        run = Run(position: position, requests: requests)
        requests = []
    }

    /// Ends the one that is being written.
    ///
    /// - Parameter outcome: What it wrote, or nil where there was nothing to write.
    mutating func succeed(_ outcome: DaemonStatus.Checkpoint?) {
        run = nil
        failure = nil
        last = outcome ?? last
        lastGoodTime = WallClock.now()
    }

    /// Ends the one that is being written.
    mutating func fail(_ error: StoreError) {
        run = nil
        failure = error
        due = .now + min(interval, Self.retryInterval)
    }
}
