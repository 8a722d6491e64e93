import Store
import Streams
import Wire

/// Decisions, actions and answers that wait for the journal. While the journal commits one group of records, the next
/// group is gathered. Owned by the hot loop.
///
///     take ──▶ gathered: records, decisions, actions ──commit──▶ committing ──answer──▶ publish, act
struct GroupCommit {
    /// The state of the journal: whether changes are recorded, and whether decisions wait for the commit.
    enum State {
        /// The daemon keeps no journal.
        case off
        case on
        /// The journal could not be written, so the daemon decides without it. The daemon tries the journal again at
        /// this moment of the ``SteadyClock``.
        case failed(nextTry: Int64)
        /// Records are written again, but earlier ones are missing. The journal becomes whole at the end of a
        /// checkpoint that began at this position or later.
        case recovering(from: UInt64)

        var holdsDecisions: Bool {
            switch self {
            case .on, .recovering: true
            case .off, .failed: false
            }
        }
    }

    /// The decisions, actions and answers that follow the commit of a group of records.
    struct Group {
        var decisions = PendingDecisions()
        /// For each batch, the time when receiving began, by the steady clock, and the number of decisions.
        var taken: [(time: Int64, decisions: Int)] = []
        /// Actions such as writing slices of a checkpoint. The store must never be ahead of the journal.
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

    /// The bytes of gathered records and decisions at which the hot loop stops receiving timesteps.
    private static let fullBytes = 8 << 20
    /// Nanoseconds until a failed journal is tried again.
    static let retryInterval: Int64 = 1_000_000_000

    /// Whether decisions and answers wait for a commit. The value is stored, because the hot path reads it for every
    /// message.
    private(set) var isOn: Bool
    var gathered = Group()
    /// The journal's worker; nil if there is no journal. A journal may be left over from an earlier configuration.
    let worker: StoreWorker<Journal>?
    /// The journal's numbers for the weights of the models.
    var weights: [UInt16]
    /// The number of bytes of records at which a checkpoint starts early, so that the journal can be cut.
    private let sizeLimit: Int

    private(set) var state: State {
        didSet { isOn = state.holdsDecisions }
    }
    private(set) var failure: StoreError?
    /// The number of bytes of committed records that are not cut yet.
    private(set) var byteCount: Int
    /// The part of ``byteCount`` that existed when the running checkpoint began.
    private var bytesBeforeCheckpoint = 0

    var committing = Group()
    var isCommitting = false
    /// Memory for the next records.
    var spare = JournalRecords()
    /// Whether old records up to ``cutPosition`` are being deleted.
    var isCutting = false
    var cutPosition: UInt64 = 0

    /// - Parameters:
    ///   - worker: The worker of the journal, if there is one.
    ///   - weights: The journal's number for the weights of each model; nil if nothing is to be recorded.
    ///   - byteCount: The bytes of records that the journal already has.
    ///   - sizeLimit: The bytes of records at which a checkpoint starts early.
    init(_ worker: StoreWorker<Journal>?, weights: [UInt16]?, byteCount: Int, sizeLimit: Int) {
        self.worker = worker
        self.weights = weights ?? []
        self.byteCount = byteCount
        self.sizeLimit = sizeLimit
        state = weights == nil ? .off : .on
        isOn = state.holdsDecisions
    }

    /// Whether the daemon keeps a journal, even if the journal has failed.
    var keepsJournal: Bool { if case .off = state { false } else { true } }

    /// Whether a start would find all committed records. While the journal recovers, its records follow a gap.
    var isWhole: Bool { if case .on = state { true } else { false } }

    var isOverSize: Bool { byteCount > sizeLimit && isOn }

    /// Whether to stop receiving timesteps until a commit has ended.
    func isFull(_ records: borrowing JournalRecords) -> Bool {
        isOn && records.bytes.count + gathered.decisions.byteCount > Self.fullBytes
    }

    /// The journal as `status` shows it; nil if the daemon keeps no journal.
    var status: DaemonStatus.Journal? {
        if case .off = state { return nil }
        return DaemonStatus.Journal(bytes: byteCount, hasFailed: failure != nil, error: failure?.description)
    }

    /// Whether it is time to try a failed journal again. `now` is a moment of the ``SteadyClock``.
    func triesAgain(at now: Int64) -> Bool {
        if case .failed(let nextTry) = state { now >= nextTry } else { false }
    }

    /// The milliseconds until the next attempt to write the journal; nil if the journal has not failed. `now` is a
    /// moment of the ``SteadyClock``.
    func millisecondsUntilTry(at now: Int64) -> Int? {
        guard case .failed(let nextTry) = state else { return nil }
        return max(1, Int((nextTry - now) / 1_000_000) + 1)
    }

    mutating func addCommitted(_ bytes: Int) { byteCount += bytes }

    /// Records that a checkpoint begins. After this checkpoint, the current records can be cut.
    mutating func beginCheckpoint() { bytesBeforeCheckpoint = byteCount }

    /// Records the success of a checkpoint that began at a position.
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
    ///   - now: A moment of the ``SteadyClock``.
    mutating func fail(_ error: StoreError, at now: Int64) {
        failure = error
        state = .failed(nextTry: now + Self.retryInterval)
    }

    /// Postpones the next attempt, because an attempt has begun.
    mutating func postponeTry(at now: Int64) {
        if case .failed = state { state = .failed(nextTry: now + Self.retryInterval) }
    }

    /// Records that the journal commits records again, from a position on.
    mutating func recover(from position: UInt64) { state = .recovering(from: position) }
}
