import Store
import Streams
import Wire

/// Decisions, actions and answers that wait for the journal: while one group of records is being committed, the next is gathered. Owned by the hot loop.
///
///     take ──▶ gathered: records, decisions, actions ──commit──▶ committing ──answer──▶ publish, act
struct GroupCommit {
    /// Whether changes are recorded, and whether what is published waits for that.
    enum State {
        /// No journal is kept.
        case off
        case on
        /// The journal could not be written: the daemon decides without it. It tries again at the moment of the ``SteadyClock``.
        case failed(nextTry: Int64)
        /// It is written again, but holds less than all until a checkpoint that began at this position or after it has
        /// ended.
        case recovering(from: UInt64)

        var holdsDecisions: Bool {
            switch self {
            case .on, .recovering: true
            case .off, .failed: false
            }
        }
    }

    /// Things to publish and to do when a group of records is committed.
    struct Group {
        var decisions = HeldDecisions()
        /// When the loop began to take the batches that they are on, by the steady clock, and how many they are.
        var taken: [(time: Int64, decisions: Int)] = []
        /// Slices for the store, which must never be ahead of the journal, and the like.
        var actions: [Mailbox.Letter] = []
        /// Answers that say that something is durable.
        var answers: [CheckpointWaiters.DurableAnswer] = []

        mutating func removeAll() {
            decisions.removeAll()
            taken.removeAll(keepingCapacity: true)
            actions.removeAll(keepingCapacity: true)
            answers.removeAll(keepingCapacity: true)
        }
    }

    /// Bytes of records and decisions that are gathered before the hot loop takes no more timesteps.
    private static let fullBytes = 8 << 20
    /// Nanoseconds until the journal is tried again.
    static let retryInterval: Int64 = 1_000_000_000

    /// Whether decisions and answers wait for a commit. Stored, since every message asks.
    private(set) var isOn: Bool
    var gathered = Group()
    /// Nil where there is no journal, not even an old one.
    let worker: StoreWorker<Journal>?
    /// The journal's numbers for the weights of each model.
    var weights: [UInt16]
    /// Bytes of records at which a checkpoint is started, so that the journal can be cut.
    private let sizeLimit: Int

    private(set) var state: State {
        didSet { isOn = state.holdsDecisions }
    }
    private(set) var failure: StoreError?
    /// Bytes of records that were committed and not cut since.
    private(set) var byteCount: Int
    /// As many of them as there were when the running checkpoint began.
    private var bytesBeforeCheckpoint = 0

    var committing = Group()
    var isCommitting = false
    /// Memory for the next records.
    var spare = JournalRecords()
    /// Old records are being deleted, up to that position.
    var isCutting = false
    var cutPosition: UInt64 = 0

    /// - Parameters:
    ///   - worker: Of the journal, if there is one.
    ///   - weights: What the journal calls the weights of each model; nil: no records are to be made.
    ///   - byteCount: Bytes of records that the journal has already.
    ///   - sizeLimit: Bytes of records at which a checkpoint is started.
    init(_ worker: StoreWorker<Journal>?, weights: [UInt16]?, byteCount: Int, sizeLimit: Int) {
        self.worker = worker
        self.weights = weights ?? []
        self.byteCount = byteCount
        self.sizeLimit = sizeLimit
        state = weights == nil ? .off : .on
        isOn = state.holdsDecisions
    }

    /// Whether a journal is kept, though it may have failed.
    var keepsJournal: Bool { if case .off = state { false } else { true } }

    /// Whether a start would have all that is committed. While the journal recovers, its records come after a gap.
    var isWhole: Bool { if case .on = state { true } else { false } }

    var isOverSize: Bool { byteCount > sizeLimit && isOn }

    /// No more timesteps are taken before a commit has come back.
    func isFull(_ records: borrowing JournalRecords) -> Bool {
        isOn && records.bytes.count + gathered.decisions.byteCount > Self.fullBytes
    }

    /// As `status` shows it; nil where no journal is kept.
    var status: DaemonStatus.Journal? {
        if case .off = state { return nil }
        return DaemonStatus.Journal(bytes: byteCount, hasFailed: failure != nil, error: failure?.description)
    }

    /// Whether it is time to try a failed journal again. `now` is a moment of the ``SteadyClock``.
    func triesAgain(at now: Int64) -> Bool {
        if case .failed(let nextTry) = state { now >= nextTry } else { false }
    }

    /// The milliseconds for which the hot loop may wait for other work; nil: for ever. `now` is a moment of the ``SteadyClock``.
    func millisecondsUntilTry(at now: Int64) -> Int? {
        guard case .failed(let nextTry) = state else { return nil }
        return max(1, Int((nextTry - now) / 1_000_000) + 1)
    }

    mutating func addCommitted(_ bytes: Int) { byteCount += bytes }

    /// A checkpoint begins, after which what is in the journal now can be cut.
    mutating func beginCheckpoint() { bytesBeforeCheckpoint = byteCount }

    /// A checkpoint that began at a position has ended well.
    ///
    /// - Returns: Whether the journal, which held less than all, is whole again.
    mutating func endCheckpoint(at position: UInt64) -> Bool {
        byteCount -= bytesBeforeCheckpoint
        bytesBeforeCheckpoint = 0
        guard case .recovering(let from) = state, position >= from else { return false }
        state = .on
        failure = nil
        return true
    }

    /// Notes that the journal could not be written.
    ///
    /// - Parameters:
    ///   - error: The reason.
    ///   - now: A moment of the ``SteadyClock``.
    mutating func fail(_ error: StoreError, at now: Int64) {
        failure = error
        state = .failed(nextTry: now + Self.retryInterval)
    }

    /// Puts the next try off, as one has begun.
    mutating func postponeTry(at now: Int64) {
        if case .failed = state { state = .failed(nextTry: now + Self.retryInterval) }
    }

    /// Notes that records are committed again, from a position on.
    mutating func recover(from position: UInt64) { state = .recovering(from: position) }
}
