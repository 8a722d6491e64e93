import Store
import Streams
import Wire

/// When the next checkpoint is due, how far the one is that is being written, and what came of the last. Owned by the hot
/// loop.
struct CheckpointSchedule {
    /// Called when a checkpoint has ended.
    typealias Request = @Sendable (inout HotLoop, Result<CheckpointResult, ControlError>) -> Void

    /// Called once it is known whether an operation survives a crash.
    typealias DurableAnswer = @Sendable (inout HotLoop, Result<Void, ControlError>) -> Void

    /// A checkpoint that is being written, slice by slice.
    struct Run {
        /// The journal's last record when it began.
        let position: UInt64
        let start = ContinuousClock.now
        /// Requests that wait for its end.
        let requests: [Request]
        /// Answers that wait until it has ended well.
        let waiting: [DurableAnswer]
        /// The slot at which the next slice begins; nil: all are copied.
        var next: Int? = 0
        /// Slices that are copied and not answered by the store yet.
        var unanswered = 0
        /// Streams in the slices so far.
        var streams = 0
        /// There was something to write.
        var hasWritten = false
        var failure: StoreError?
        /// The state folder was lost, and is to be written anew first.
        var awaitsFolder = false
        /// All is copied but streams that are to be read from the store first.
        var awaitsFaulty = false
        /// How often streams were waited for so. One that turns NaN or infinite again and again must not hold it up for ever.
        var timesAwaited = 0

        var isOver: Bool { next == nil && unanswered == 0 }
    }

    /// Streams in one slice: few enough to be copied in about a millisecond.
    static let streamsPerSlice = 4096
    /// How often a checkpoint waits for streams that are faulty.
    static let mostTimesAwaited = 8
    /// Slices that may wait for the store: one is written while another is ready.
    static let unansweredSlices = 2
    /// How soon one that failed is tried again, where the interval is longer.
    private static let retryInterval = Duration.seconds(1)

    private let interval: Duration
    private var due: Deadline

    /// The one that is being written. Its streams count as unchanged until it has failed.
    var run: Run?
    /// Requests that wait for the next one.
    var requests: [Request] = []
    /// Answers that wait for the next one that ends well: their operations are done already, and must not be called failed.
    var waiting: [DurableAnswer] = []
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
        due = Deadline(in: interval)
    }

    /// Why the state folder is not the one that it was; nil where it is.
    var folderLoss: String? { failure?.code == .folderLost ? failure?.description : nil }

    var isDue: Bool { run == nil && due.isPast }

    /// Something waits for the next one, and it need not wait for its time: after one that failed, only requests for one do not.
    var isWanted: Bool { !requests.isEmpty || (!waiting.isEmpty && failure == nil) }

    /// Another slice can be copied.
    var hasRoom: Bool {
        // Field by field: a copy of the whole would count references.
        run?.next != nil && (run?.unanswered ?? 0) < Self.unansweredSlices && !(run?.awaitsFolder ?? false)
    }

    /// How long the hot loop may wait for other things to do.
    var millisecondsUntilDue: Int {
        hasRoom ? 0 : due.millisecondsLeft
    }

    /// Makes the next one due at once.
    mutating func hasten() { due = Deadline(in: .zero) }

    /// Counts from now on.
    ///
    /// - Parameter position: The journal's last record.
    mutating func begin(at position: UInt64) {
        due = Deadline(in: interval)
        run = Run(position: position, requests: requests, waiting: waiting)
        requests = []
        waiting = []
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
        waiting = (run?.waiting ?? []) + waiting
        run = nil
        failure = error
        due = Deadline(in: min(interval, Self.retryInterval))
    }
}
