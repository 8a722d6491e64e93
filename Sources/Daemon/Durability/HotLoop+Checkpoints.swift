import Logging
import Store
import Streams
import Wire

/// Carries out the actions that ``CheckpointSchedule`` returns.
extension HotLoop {
    /// Does all work that is due for checkpoints and for a failed journal.
    mutating func keepDurable() {
        let now = SteadyClock.now()
        tryJournal(at: now)
        if group.isOverSize && checkpoints.failure == nil { checkpoints.hasten() }
        if checkpoints.isDue(at: now) { startCheckpoint() } else { continueCheckpoint() }
    }

    /// Starts a checkpoint of all changes, unless one is already running or an operation on many streams is in
    /// progress. A checkpoint contains either all of an operation or none of it.
    mutating func startCheckpoint() {
        guard isDurable, !checkpoints.isRunning, operation.end == nil else { return }
        checkpoints.begin(at: table.journal.position, isAwaited: checkpointWaiters.areWaiting, now: SteadyClock.now())
        checkpointWaiters.begin()
        group.beginCheckpoint()
        storeDictionaries(beforeCheckpoint: true)
        continueCheckpoint()
    }

    /// Starts a checkpoint if a request or an answer is waiting for one. If the last checkpoint failed, only a request
    /// starts another one immediately. Answers then wait until the next checkpoint is due.
    mutating func startWantedCheckpoint() {
        let isWanted = checkpoints.failure == nil ? checkpointWaiters.areWaiting : !checkpointWaiters.requests.isEmpty
        if isWanted { startCheckpoint() }
    }

    /// Runs an action once a checkpoint contains all changes made so far. If the daemon stops without such a
    /// checkpoint, the action receives an error.
    mutating func whenCheckpointed(_ action: @escaping CheckpointWaiters.DurableAnswer) {
        checkpointWaiters.answers.append(action)
        startWantedCheckpoint()
    }

    /// Carries out the next step of the running checkpoint, unless the checkpoint must wait.
    mutating func continueCheckpoint() {
        let action = checkpoints.nextAction(mayCopy: operation.end == nil, hasFaulty: table.hasFaulty)
        switch action {
        case .renewFolder: renewFolder()
        case .copySlice(let first): copySlice(from: first)
        case .commit(let position):
            startWriteJob { store throws(StoreError) in
                try store.endCheckpoint(at: position)
            } then: { loop, result in
                loop.endCheckpoint(result)
            }
        case .checkFolder:
            startWriteJob { _ throws(StoreError) in
            } then: { loop, result in
                loop.endCheckpoint(result)
            }
        case .giveUp(let error): endCheckpoint(.failure(error))
        case nil: break
        }
    }

    private mutating func copySlice(from first: Int) {
        let (slice, next) = table.copyChanged(from: first, limit: CheckpointSchedule.streamsPerSlice)
        checkpoints.didCopy(streams: slice.entries.count, isEmpty: slice.isEmpty, next: next)
        guard !slice.isEmpty else {
            if next == nil { continueCheckpoint() }
            return
        }
        // The store must not contain changes that the journal lacks.
        whenRecorded { loop in
            loop.startWriteJob { store throws(StoreError) in
                try store.write(slice)
            } then: { loop, result in
                loop.endSlice(slice, result)
            }
        }
    }

    private mutating func endSlice(_ slice: StreamSlice, _ result: Result<Void, StoreError>) {
        switch result {
        case .success: checkpoints.didWrite(nil)
        case .failure(let error):
            // Nothing is lost, because the next checkpoint copies these streams again.
            table.markChanged(slice)
            checkpoints.didWrite(error)
        }
        continueCheckpoint()
    }

    /// Continues a checkpoint that is waiting for faulty streams.
    ///
    /// - Parameter error: The reason why the streams could not be read; nil if they were read.
    mutating func resumeCheckpoint(_ error: StoreError?) {
        checkpoints.didReadFaulty(error, hasFaulty: table.hasFaulty)
        continueCheckpoint()
    }

    /// Ends the running checkpoint.
    mutating func endCheckpoint(_ outcome: Result<Void, StoreError>) {
        switch checkpoints.end(outcome, at: SteadyClock.now(), time: WallClock.now()) {
        case .succeeded(let result, let position, let recovers):
            if recovers { logger.notice("checkpoints succeed again") }
            if let result { succeedCheckpoint(result, at: position) }
        case .failed(let error, let isNew):
            logger.log(level: isNew ? .error : .debug, "checkpoint failed; the daemon tries again: \(error)")
            for request in checkpointWaiters.fail() { request(&self, .failure(ControlError(error))) }
        case nil: break
        }
        startWantedCheckpoint()
    }

    private mutating func succeedCheckpoint(_ result: CheckpointResult, at position: UInt64) {
        logger.debug("checkpoint: \(result.streams) streams in \(result.durationMilliseconds) ms")
        endJournal(through: position)
        let waiters = checkpointWaiters.succeed()
        for answer in waiters.answers { answer(&self, .success(())) }
        for request in waiters.requests { request(&self, .success(result)) }
    }
}
