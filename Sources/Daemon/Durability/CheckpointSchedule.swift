import Store
import Wire

/// Decides when a checkpoint begins, and what the running checkpoint does next.
///
/// The hot loop owns the schedule. The loop asks for the next action, carries it out and reports the result. The
/// schedule itself knows nothing of the store, the streams or the clock. Callers pass in the current time, in
/// nanoseconds of the ``SteadyClock``.
///
///     idle ──begin──▶ copying ──▶ copied ──▶ committing ──▶ idle
///           │          ▲    ▲        │
///           ▼          │    │        ▼
///        renewing ─────┘    └── awaiting faulty streams
struct CheckpointSchedule {
    /// A step of the running checkpoint.
    enum Action: Equatable {
        /// Write everything again, because the state folder was lost. Report the result with ``didRenewFolder(_:)``.
        case renewFolder
        /// Copy the changed streams from this slot on, and hand the copies to the store. Report this with
        /// ``didCopy(streams:isEmpty:next:)``, and the store's answer with ``didWrite(_:)``.
        case copySlice(from: Int)
        /// Make the written slices durable as a checkpoint at this position of the journal. Report the result with
        /// ``end(_:at:time:)``.
        case commit(position: UInt64)
        /// Only check that the state folder still exists, because there was nothing to write. Report the result with
        /// ``end(_:at:time:)``.
        case checkFolder
        /// Abandon the checkpoint. Report this with ``end(_:at:time:)``.
        case giveUp(StoreError)
    }

    /// The outcome of a checkpoint.
    enum Ending: Equatable {
        /// The checkpoint succeeded. `result` is nil if there was nothing to write. `recovers` is true if the previous
        /// checkpoint failed.
        case succeeded(result: CheckpointResult?, position: UInt64, recovers: Bool)
        /// The checkpoint failed. `isNew` is false if this failure has already been logged.
        case failed(StoreError, isNew: Bool)
    }

    private enum Phase: Equatable {
        case renewing(isAsked: Bool)
        case copying(next: Int)
        case copied
        case awaitingFaulty
        case committing(hasWritten: Bool)
    }

    /// A checkpoint that is being written.
    private struct Run {
        var phase: Phase
        /// The position of the journal's last record when the checkpoint began.
        let position: UInt64
        let start: Int64
        /// Whether requests are waiting for the checkpoint. If so, it must be committed even if it writes nothing.
        let isAwaited: Bool
        /// The number of slices that are still waiting for the store's answer.
        var unanswered = 0
        var streams = 0
        var hasWritten = false
        var failure: StoreError?
        var timesAwaited = 0
    }

    /// The number of streams in a slice. Copying a slice takes about a millisecond.
    static let streamsPerSlice = 4096
    /// The maximum number of times that one checkpoint waits for faulty streams. Without a maximum, a stream that
    /// repeatedly turns NaN or infinite could hold up the checkpoint forever.
    static let mostTimesAwaited = 8
    /// The maximum number of slices waiting for the store. With two, the store writes one while the loop copies the
    /// other.
    static let unansweredSlices = 2
    /// The time until a failed checkpoint is retried, in nanoseconds, unless the interval is shorter.
    static let retryInterval: Int64 = 1_000_000_000

    private let interval: Int64
    private var due: Int64
    private var run: Run?
    /// The position of the last checkpoint that was committed.
    private var lastPosition: UInt64 = 0
    /// The last successful checkpoint that wrote something.
    private(set) var last: DaemonStatus.Checkpoint?
    /// The wall-clock time of the last successful checkpoint, in nanoseconds since the Unix epoch. Before the first
    /// checkpoint, this is the start time.
    private(set) var lastGoodTime: Int64
    /// The reason why the last checkpoint failed; nil if it succeeded.
    private(set) var failure: StoreError?

    /// - Parameters:
    ///   - interval: The time between two checkpoints.
    ///   - now: The start time, as read from the ``SteadyClock``.
    ///   - time: The wall-clock time, in nanoseconds since the Unix epoch.
    init(interval: Duration, now: Int64, time: Int64) {
        self.interval = Int64(interval / .nanoseconds(1))
        due = now + self.interval
        lastGoodTime = time
    }

    /// Whether a checkpoint is being written.
    var isRunning: Bool { run != nil }

    /// The reason why the state folder counts as lost; nil if it is not lost.
    var folderLoss: String? { failure?.code == .folderLost ? failure?.description : nil }

    /// Whether the next checkpoint should begin.
    func isDue(at now: Int64) -> Bool { run == nil && now >= due }

    /// Whether another slice can be copied.
    var canCopy: Bool {
        guard let phase = run?.phase, case .copying = phase else { return false }
        return (run?.unanswered ?? 0) < Self.unansweredSlices
    }

    /// The time until a checkpoint has work to do, in milliseconds.
    func millisecondsUntilDue(at now: Int64) -> Int { canCopy ? 0 : max(1, Int((due - now) / 1_000_000) + 1) }

    /// Makes the next checkpoint due at once.
    mutating func hasten() { due = .min / 2 }

    // MARK: - A checkpoint

    /// Begins a checkpoint. No other checkpoint may be running.
    ///
    /// - Parameters:
    ///   - position: The position of the journal's last record.
    ///   - isAwaited: Whether requests are waiting for the checkpoint.
    ///   - now: The current time of the ``SteadyClock``.
    mutating func begin(at position: UInt64, isAwaited: Bool, now: Int64) {
        due = now + interval
        let phase: Phase = folderLoss == nil ? .copying(next: 0) : .renewing(isAsked: false)
        run = Run(phase: phase, position: position, start: now, isAwaited: isAwaited)
    }

    /// Decides what the running checkpoint does next.
    ///
    /// - Parameters:
    ///   - mayCopy: False while an operation on many streams is in progress. A checkpoint contains either all of an
    ///     operation or none of it.
    ///   - hasFaulty: Whether faulty streams are waiting for the store to read their last checkpoint.
    /// - Returns: The action; nil if the checkpoint must wait.
    mutating func nextAction(mayCopy: Bool, hasFaulty: Bool) -> Action? {
        guard let phase = run?.phase else { return nil }
        switch phase {
        case .renewing(isAsked: false):
            run?.phase = .renewing(isAsked: true)
            return .renewFolder
        case .copying(let next):
            return mayCopy && canCopy ? .copySlice(from: next) : nil
        case .copied:
            return run?.unanswered == 0 ? actionAfterCopying(hasFaulty) : nil
        case .renewing(isAsked: true), .awaitingFaulty, .committing:
            return nil
        }
    }

    private mutating func actionAfterCopying(_ hasFaulty: Bool) -> Action? {
        guard let run else { return nil }
        if let failure = run.failure { return .giveUp(failure) }
        if hasFaulty && run.timesAwaited < Self.mostTimesAwaited {
            self.run?.phase = .awaitingFaulty
            self.run?.timesAwaited += 1
            return nil
        }
        // After a failed checkpoint, commit even if this one wrote nothing: some slices of the failed checkpoint may
        // have been written without being durable.
        let mustCommit = run.hasWritten || run.isAwaited || failure != nil || run.position > lastPosition
        self.run?.phase = .committing(hasWritten: mustCommit)
        return mustCommit ? .commit(position: run.position) : .checkFolder
    }

    /// Records that a slice was copied.
    ///
    /// - Parameters:
    ///   - streams: The number of streams in the slice.
    ///   - isEmpty: Whether the slice contains nothing for the store to do.
    ///   - next: The slot at which the next slice begins; nil if this slice was the last one.
    mutating func didCopy(streams: Int, isEmpty: Bool, next: Int?) {
        // If the checkpoint has failed in the meantime, copy nothing more.
        guard let phase = run?.phase, case .copying = phase else { return }
        run?.phase = next.map { .copying(next: $0) } ?? .copied
        guard !isEmpty else { return }
        run?.unanswered += 1
        run?.hasWritten = true
        run?.streams += streams
    }

    /// Records the store's answer to a slice.
    ///
    /// - Parameter failure: The reason why the slice was not written; nil if it was written.
    mutating func didWrite(_ failure: StoreError?) {
        run?.unanswered -= 1
        if let failure { fail(failure) }
    }

    /// Records whether the lost state folder has been written again.
    ///
    /// - Parameter failure: The reason why the folder could not be written; nil if it was written.
    mutating func didRenewFolder(_ failure: StoreError?) {
        if let failure { fail(failure) } else { run?.phase = .copying(next: 0) }
    }

    /// Records that the store has tried to read faulty streams.
    ///
    /// - Parameters:
    ///   - failure: The reason why the streams could not be read; nil if they were read.
    ///   - hasFaulty: Whether any streams are still faulty.
    mutating func didReadFaulty(_ failure: StoreError?, hasFaulty: Bool) {
        guard run?.phase == .awaitingFaulty else { return }
        if let failure { return fail(failure) }
        if !hasFaulty { run?.phase = .copying(next: 0) }
    }

    /// Marks the running checkpoint as failed, because some streams are missing from it. The checkpoint ends once none
    /// of its slices is waiting for the store's answer.
    mutating func fail(_ error: StoreError) {
        if run?.failure == nil { run?.failure = error }
        switch run?.phase {
        case .committing, nil: break
        case .renewing, .copying, .copied, .awaitingFaulty: run?.phase = .copied
        }
    }

    /// Ends the running checkpoint.
    ///
    /// - Parameters:
    ///   - outcome: The result of the last action.
    ///   - now: The current time of the ``SteadyClock``.
    ///   - time: The wall-clock time, in nanoseconds since the Unix epoch.
    /// - Returns: The outcome of the checkpoint; nil if no checkpoint was running.
    mutating func end(_ outcome: Result<Void, StoreError>, at now: Int64, time: Int64) -> Ending? {
        guard let run else { return nil }
        self.run = nil
        if case .failure(let error) = outcome { return fail(error, at: now) }
        if let error = run.failure { return fail(error, at: now) }
        let recovers = failure != nil
        failure = nil
        lastGoodTime = time
        guard run.phase == .committing(hasWritten: true) else {
            return .succeeded(result: nil, position: run.position, recovers: recovers)
        }
        lastPosition = run.position
        let result = CheckpointResult(streams: run.streams, durationMilliseconds: Double(now - run.start) / 1e6)
        last = DaemonStatus.Checkpoint(
            time: time, streams: result.streams, durationMilliseconds: result.durationMilliseconds)
        return .succeeded(result: result, position: run.position, recovers: recovers)
    }

    private mutating func fail(_ error: StoreError, at now: Int64) -> Ending {
        // A failed checkpoint is retried every second. Only a new failure, or a change in how the folder was lost, is
        // logged as an error.
        let isNew = failure == nil || (error.code == .folderLost && failure != error)
        failure = error
        due = now + min(interval, Self.retryInterval)
        return .failed(error, isNew: isNew)
    }
}
