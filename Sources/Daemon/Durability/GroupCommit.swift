import Store
import Streams
import Wire

/// Decisions, actions and answers that wait for the journal. While the journal commits one group of records, the next
/// group is gathered. The hot loop owns the groups.
///
///     take ──▶ gathered: records, decisions, actions ──commit──▶ committing ──answer──▶ publish, act
struct GroupCommit {
    /// The state of the journal: whether changes are recorded, and whether decisions wait for the commit.
    enum State {
        /// The daemon keeps no journal.
        case off
        case on
        /// The journal could not be written, so the daemon decides without it. The daemon retries the journal at this
        /// time of the ``SteadyClock``.
        case failed(nextTry: Int64)
        /// Records are written again, but earlier ones are missing. The journal becomes whole when a checkpoint that
        /// began at this position or later succeeds.
        case recovering(from: UInt64)

        var holdsDecisions: Bool {
            switch self {
            case .on, .recovering: true
            case .off, .failed: false
            }
        }
    }

    /// The decisions, actions and answers that follow once a group of records is committed.
    struct Group {
        var decisions = PendingDecisions()
        /// For each batch, the ``SteadyClock`` time at which receiving began, and the number of decisions.
        var taken: [(time: Int64, decisions: Int)] = []
        /// Actions that must wait for the commit, such as writing slices of a checkpoint. The store must never contain
        /// changes that the journal lacks.
        var actions: [Mailbox.Action] = []
        /// Answers that confirm that a change is durable.
        var answers: [CheckpointWaiters.DurableAnswer] = []

        mutating func removeAll() {
            decisions.removeAll()
            taken.removeAll(keepingCapacity: true)
            actions.removeAll(keepingCapacity: true)
            answers.removeAll(keepingCapacity: true)
        }
    }

    /// The total size of gathered records and decisions, in bytes, at which the hot loop stops receiving timesteps.
    private static let fullBytes = 8 << 20
    /// The time until a failed journal is retried, in nanoseconds.
    static let retryInterval: Int64 = 1_000_000_000

    /// Whether decisions and answers wait for a commit. It is a stored property, because the hot path reads it for
    /// every message.
    private(set) var isOn: Bool
    var gathered = Group()
    /// The journal's worker; nil if there is no journal. The journal may be left over from an earlier configuration.
    let worker: StoreWorker<Journal>?
    /// For each model, the number that identifies its weights in the journal.
    var weights: [UInt16]
    /// The size of the records, in bytes, at which a checkpoint starts early so that the journal can be cut.
    private let sizeLimit: Int

    private(set) var state: State {
        didSet { isOn = state.holdsDecisions }
    }
    private(set) var failure: StoreError?
    /// The size of the committed records that have not been cut yet, in bytes.
    private(set) var byteCount: Int
    /// The part of ``byteCount`` that already existed when the running checkpoint began.
    private var bytesBeforeCheckpoint = 0

    var committing = Group()
    var isCommitting = false
    /// A buffer to reuse for the next records.
    var spare = JournalRecords()
    /// Whether the records up to ``cutPosition`` are being deleted.
    var isCutting = false
    var cutPosition: UInt64 = 0

    /// - Parameters:
    ///   - worker: The worker of the journal, if there is one.
    ///   - weights: For each model, the number that identifies its weights in the journal; nil to record nothing.
    ///   - byteCount: The size of the records that the journal already contains, in bytes.
    ///   - sizeLimit: The size of the records, in bytes, at which a checkpoint starts early.
    init(_ worker: StoreWorker<Journal>?, weights: [UInt16]?, byteCount: Int, sizeLimit: Int) {
        self.worker = worker
        self.weights = weights ?? []
        self.byteCount = byteCount
        self.sizeLimit = sizeLimit
        state = weights == nil ? .off : .on
        isOn = state.holdsDecisions
    }

    /// Whether the daemon keeps a journal, even if writing to it has failed.
    var keepsJournal: Bool { if case .off = state { false } else { true } }

    /// Whether the next start can use all committed records. This is not the case while the journal recovers, because
    /// its records then follow a gap.
    var isWhole: Bool { if case .on = state { true } else { false } }

    var isOverSize: Bool { byteCount > sizeLimit && isOn }

    /// Whether the hot loop must stop receiving timesteps until a commit has ended.
    func isFull(_ records: borrowing JournalRecords) -> Bool {
        isOn && records.bytes.count + gathered.decisions.byteCount > Self.fullBytes
    }

    /// The journal's status, in the form that `status` reports; nil if the daemon keeps no journal.
    var status: DaemonStatus.Journal? {
        if case .off = state { return nil }
        return DaemonStatus.Journal(bytes: byteCount, hasFailed: failure != nil, error: failure?.description)
    }

    /// Whether it is time to retry a failed journal. `now` is the current time of the ``SteadyClock``.
    func triesAgain(at now: Int64) -> Bool {
        if case .failed(let nextTry) = state { now >= nextTry } else { false }
    }

    /// Returns the time until the next attempt to write the journal, in milliseconds; nil if the journal has not
    /// failed. `now` is the current time of the ``SteadyClock``.
    func millisecondsUntilTry(at now: Int64) -> Int? {
        guard case .failed(let nextTry) = state else { return nil }
        return max(1, Int((nextTry - now) / 1_000_000) + 1)
    }

    mutating func addCommitted(_ bytes: Int) { byteCount += bytes }

    /// Records that a checkpoint is beginning. Once it succeeds, the records made so far can be deleted.
    mutating func beginCheckpoint() { bytesBeforeCheckpoint = byteCount }

    /// Records that a checkpoint that began at a position has succeeded.
    ///
    /// - Returns: Whether the checkpoint made an incomplete journal whole again.
    mutating func endCheckpoint(at position: UInt64) -> Bool {
        byteCount -= bytesBeforeCheckpoint
        bytesBeforeCheckpoint = 0
        guard case .recovering(let from) = state, position >= from else { return false }
        state = .on
        failure = nil
        return true
    }

    /// Records that the journal could not be written.
    ///
    /// - Parameters:
    ///   - error: The reason.
    ///   - now: The current time of the ``SteadyClock``.
    mutating func fail(_ error: StoreError, at now: Int64) {
        failure = error
        state = .failed(nextTry: now + Self.retryInterval)
    }

    /// Postpones the next attempt, because one has just begun.
    mutating func postponeTry(at now: Int64) {
        if case .failed = state { state = .failed(nextTry: now + Self.retryInterval) }
    }

    /// Records that the journal commits records again, starting at a position.
    mutating func recover(from position: UInt64) { state = .recovering(from: position) }
}
