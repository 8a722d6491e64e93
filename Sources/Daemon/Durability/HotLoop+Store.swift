import Logging
import Store
import Streams
import Wire

/// The hot loop's work for the store, and how it goes on with the answers.
extension HotLoop {
    /// Does what is due of checkpoints and of a journal that failed.
    mutating func keepDurable() {
        tryJournal()
        if group.isOverSize && checkpoints.failure == nil { checkpoints.hasten() }
        if checkpoints.isDue { startCheckpoint() } else { continueCheckpoint() }
    }

    /// Starts a checkpoint of all that changed, unless one is being written; then the next waits for its end. It has an
    /// operation on many streams as a whole.
    mutating func startCheckpoint() {
        guard isDurable, checkpoints.run == nil, operation.end == nil else { return }
        checkpoints.begin(at: table.position)
        group.beginCheckpoint()
        if checkpoints.folderLoss != nil { renewFolder() } else { continueCheckpoint() }
    }

    /// Does something once a checkpoint has all that was done so far, or where a stop ends without one.
    mutating func whenCheckpointed(_ action: @escaping CheckpointSchedule.DurableAnswer) {
        checkpoints.waiting.append(action)
        // One that has just failed is tried again when its time comes.
        if checkpoints.failure == nil { startCheckpoint() }
    }

    /// Copies the next slice of the running checkpoint and hands it to the store, if there is room for it.
    mutating func continueCheckpoint() {
        // What an operation copies, it copies of all streams at one point; so does the store, of those that are asleep.
        guard operation.end == nil, checkpoints.hasRoom, let first = checkpoints.run?.next else {
            return
        }
        let (slice, next) = table.copyChanged(from: first, limit: CheckpointSchedule.streamsPerSlice)
        checkpoints.run?.next = next
        guard !slice.isEmpty else {
            if checkpoints.run?.isOver ?? false { endCheckpoint() }
            return
        }
        checkpoints.run?.unanswered += 1
        checkpoints.run?.hasWritten = true
        checkpoints.run?.streams += slice.entries.count
        // The store must not know of records that the journal does not have yet.
        whenRecorded { loop in
            loop.startWriteJob { store throws(StoreError) in
                try store.write(slice)
            } then: { loop, result in
                loop.endSlice(slice, result)
            }
        }
    }

    private mutating func endSlice(_ slice: StreamSlice, _ result: Result<Void, StoreError>) {
        checkpoints.run?.unanswered -= 1
        if case .failure(let error) = result {
            // Nothing is lost yet: the next checkpoint takes all of it again.
            table.markChanged(slice)
            checkpoints.run?.failure = error
            checkpoints.run?.next = nil
        }
        if checkpoints.run?.isOver ?? false { endCheckpoint() }
    }

    /// Goes on with a checkpoint that has waited for faulty streams, once they are read.
    ///
    /// - Parameter error: Why they could not be read; nil where they were.
    mutating func resumeCheckpoint(_ error: StoreError?) {
        guard checkpoints.run?.awaitsFaulty ?? false else { return }
        if let error {
            checkpoints.run?.failure = error
        } else if table.hasFaulty {
            return
        }
        checkpoints.run?.awaitsFaulty = false
        if error != nil { return endCheckpoint() }
        checkpoints.run?.next = 0
        continueCheckpoint()
    }

    /// All slices of the running checkpoint are written, or one of them failed.
    private mutating func endCheckpoint() {
        guard let run = checkpoints.run else { return }
        if let error = run.failure { return failCheckpoint(run, error) }
        if table.hasFaulty && run.timesAwaited < CheckpointSchedule.mostTimesAwaited {
            checkpoints.run?.awaitsFaulty = true
            checkpoints.run?.timesAwaited += 1
            return
        }
        // After one that failed, what its slices wrote may not be durable yet.
        guard
            run.hasWritten || !run.requests.isEmpty || !run.waiting.isEmpty || checkpoints.failure != nil
                || run.position > checkpoints.lastPosition
        else { return checkFolder(run) }
        startWriteJob { store throws(StoreError) in
            try store.endCheckpoint(at: run.position)
        } then: { loop, result in
            switch result {
            case .success:
                if let error = loop.checkpoints.run?.failure { return loop.failCheckpoint(run, error) }
                loop.checkpoints.lastPosition = run.position
                loop.endJournal(through: run.position)
                loop.succeedCheckpoint(run)
            case .failure(let error): loop.failCheckpoint(run, error)
            }
        }
    }

    /// Ends a checkpoint that has nothing to write, if what was written before is still there.
    private mutating func checkFolder(_ run: CheckpointSchedule.Run) {
        startWriteJob { _ throws(StoreError) in
        } then: { loop, result in
            switch result {
            case .success: loop.checkpoints.succeed(nil)
            case .failure(let error): loop.failCheckpoint(run, error)
            }
        }
    }

    private mutating func succeedCheckpoint(_ run: CheckpointSchedule.Run) {
        let milliseconds = run.start.duration(to: .now) / .milliseconds(1)
        if checkpoints.failure != nil { logger.notice("checkpoints succeed again") }
        checkpoints.succeed(
            DaemonStatus.Checkpoint(time: WallClock.now(), streams: run.streams, durationMilliseconds: milliseconds))
        logger.debug("checkpoint: \(run.streams) streams in \(milliseconds) ms")
        for answer in run.waiting { answer(&self, .success(())) }
        answer(run, .success(CheckpointResult(streams: run.streams, durationMilliseconds: milliseconds)))
        if checkpoints.isWanted { startCheckpoint() }
    }

    mutating func failCheckpoint(_ run: CheckpointSchedule.Run, _ error: StoreError) {
        // Tried again each second: one line is enough for all that fail in a row, unless something else became of the folder.
        let isNew = checkpoints.failure == nil || (error.code == .folderLost && checkpoints.failure != error)
        let level: Logger.Level = isNew ? .error : .debug
        logger.log(level: level, "checkpoint failed, to be tried again: \(error)")
        checkpoints.fail(error)
        answer(run, .failure(ControlError(error)))
        if !checkpoints.requests.isEmpty { startCheckpoint() }
    }

    private mutating func answer(_ run: CheckpointSchedule.Run, _ outcome: Result<CheckpointResult, ControlError>) {
        for request in run.requests { request(&self, outcome) }
    }

    /// Has the store do something for a request, and answers the request when that is done.
    ///
    /// - Parameters:
    ///   - address: Where the answer goes.
    ///   - work: What to do with the store.
    ///   - then: What to do on the hot loop with what came of it; its value is the answer.
    mutating func startStoreJob<Value: Sendable, Answer: Codable & Sendable>(
        for address: ControlServer.ReturnAddress,
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Value) throws(ControlError) -> Answer
    ) {
        startStoreJob(work) { loop, result in
            do throws(ControlError) {
                switch result {
                case .success(let value): loop.reply(.success(try then(&loop, value)), to: address)
                case .failure(let error): throw ControlError(error)
                }
            } catch {
                loop.reply(Result<Answer, ControlError>.failure(error), to: address)
            }
        }
    }

    /// Has the store write something that is durable where it says so: the files are still in the state folder before and after.
    mutating func startWriteJob<Value: Sendable>(
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Result<Value, StoreError>) -> Void
    ) {
        startStoreJob(Self.checked(work, folderWatch), then: then)
    }

    private static func checked<Value: Sendable>(
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value, _ watch: StateFolderWatch?
    ) -> @Sendable (StateStore) throws(StoreError) -> Value {
        { store throws(StoreError) in
            try watch?.check()
            let value = try work(store)
            try watch?.check()
            return value
        }
    }

    /// The same, and answers a request when that is done, or where it may be done.
    mutating func startWriteJob<Value: Sendable, Answer: Codable & Sendable>(
        for address: ControlServer.ReturnAddress,
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Value) throws(ControlError) -> Answer
    ) {
        startStoreJob(
            for: address,
            { [folderWatch] store throws(StoreError) in
                try folderWatch?.check()
                let value = try work(store)
                do throws(StoreError) {
                    try folderWatch?.check()
                } catch {
                    throw error.afterWriting
                }
                return value
            }, then: then)
    }

    /// Has the store do something, and goes on with what came of it on the hot loop.
    mutating func startStoreJob<Value: Sendable>(
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Result<Value, StoreError>) -> Void
    ) {
        outsideJobs += 1
        worker.start(work) { loop, result in
            loop.outsideJobs -= 1
            then(&loop, result)
        }
    }
}

extension ControlError {
    /// The error that a controller gets where the store did not do its part.
    init(_ error: StoreError) {
        switch error.code {
        case .noSuchSnapshot: self.init(.noSuchSnapshot, error.description)
        case .snapshotExists: self.init(.invalidParams, error.description)
        case .cannotOpen, .inUse, .laterVersion, .damaged, .folderLost, .diskFull, .failed:
            self.init(.storeFailed, error.description)
        }
    }
}
