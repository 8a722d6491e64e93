import Store
import Streams
import Wire
import ZeroMQ

/// The hot loop's work for the journal. Whatever is published or answered while a journal is kept waits for the commit of
/// the records behind it.
extension HotLoop {
    /// Does something once the journal has all that was recorded so far: at once, where none is kept or none can be written.
    mutating func whenRecorded(_ action: @escaping Mailbox.Letter) {
        if group.isOn && (group.isCommitting || table.records.count > 0) {
            group.gathered.actions.append(action)
        } else {
            action(&self)
        }
    }

    /// Does something once a crash does not undo what was done so far: the journal has it and misses nothing before it, or a
    /// checkpoint has it. At once, where all state is in memory. Where a stop ends without that, the action is told so.
    mutating func whenDurable(_ action: @escaping CheckpointWaiters.DurableAnswer) {
        if !group.isWhole && isDurable {
            whenCheckpointed(action)
        } else if group.isWhole && (group.isCommitting || table.records.count > 0) {
            group.gathered.answers.append(action)
        } else {
            action(&self, .success(()))
        }
    }

    /// Refuses what could not be made durable, before anything is done.
    ///
    /// - Throws: ``ControlError`` with the code `storeFailed`.
    func requireDurability() throws(ControlError) {
        guard isDurable, let failure = checkpoints.failure else { return }
        // A journal that has not been written since the folder was lost is as little there as the rest of it.
        guard !group.isWhole || checkpoints.folderLoss != nil else { return }
        throw ControlError(
            .storeFailed,
            "nothing was done, as it could not be made durable; try again when checkpoints succeed: \(failure)")
    }

    /// Publishes decisions once the records behind them are durable.
    mutating func publishWhenDurable(_ held: HeldDecisions) throws(ZeroMQError) {
        if group.isOn {
            group.gathered.decisions.append(contentsOf: held)
        } else {
            try publish(held)
        }
    }

    /// Has the journal commit what was gathered, unless it is at it still; then what is gathered meanwhile is one group.
    mutating func commitGroup() throws(ZeroMQError) {
        guard group.isOn, !group.isCommitting else { return }
        swap(&group.gathered, &group.committing)
        guard table.records.count > 0 else { return try releaseGroup() }
        group.isCommitting = true
        table.takeRecords(&group.spare)
        let records = group.spare
        let first = table.position - UInt64(records.count) + 1
        startJournalJob { [folderWatch] journal throws(StoreError) in
            try folderWatch?.check()
            try journal.append(records, first: first)
        } then: { loop, result in
            loop.group.spare.removeAll()
            loop.group.isCommitting = false
            switch result {
            case .success: loop.group.addCommitted(records.bytes.count)
            case .failure(let error): loop.loseJournal(error)
            }
            do throws(ZeroMQError) {
                try loop.releaseGroup()
            } catch {
                loop.logger.error("decisions could not be published: \(error)")
            }
        }
    }

    /// Publishes and does what waited for the last commit.
    private mutating func releaseGroup() throws(ZeroMQError) {
        var released = GroupCommit.Group()
        swap(&released, &group.committing)
        try publish(released.decisions)
        recordLatencies(released.taken)
        for action in released.actions { action(&self) }
        for answer in released.answers { answer(&self, .success(())) }
        released.removeAll()
        swap(&released, &group.committing)
    }

    private mutating func recordLatencies(_ taken: [(time: Int64, decisions: Int)]) {
        guard !taken.isEmpty else { return }
        let now = SteadyClock.now()
        for batch in taken { latencies.record(now - batch.time, count: batch.decisions) }
    }

    private func publish(_ held: HeldDecisions) throws(ZeroMQError) {
        try held.forEach { id, records throws(ZeroMQError) in try publisher.publish(id, records: records) }
    }

    /// The journal cannot be written: goes on without it, as the states in memory are whole, and tries again later.
    mutating func loseJournal(_ error: StoreError) {
        if group.failure == nil {
            logger.error(
                """
                the journal failed, and is tried again each second; decisions are published without it, so that a crash \
                now loses what changed since the last checkpoint: \(error)
                """)
        }
        noteJournal(isWhole: false)
        group.fail(error, at: SteadyClock.now())
        table.stopRecording()
        group.committing.decisions.append(contentsOf: group.gathered.decisions)
        group.committing.taken += group.gathered.taken
        group.committing.actions += group.gathered.actions
        // They say that something is durable, which only a checkpoint can make it now.
        checkpointWaiters.answers += group.committing.answers + group.gathered.answers
        group.committing.answers = []
        if !checkpointWaiters.answers.isEmpty { checkpoints.hasten() }
        group.gathered.removeAll()
    }

    /// Sees whether the journal can be written again. If so, records are made again; they are of use once a checkpoint has
    /// what the journal misses.
    mutating func tryJournal(at now: Int64) {
        guard group.triesAgain(at: now) else { return }
        group.postponeTry(at: now)
        startJournalJob { [folderWatch] journal throws(StoreError) in
            try folderWatch?.check()
            try journal.probe()
        } then: { loop, result in
            switch result {
            case .success:
                guard !loop.group.isOn else { return }
                // A position of its own: a checkpoint that has begun already is not the one that is waited for.
                loop.table.skipPositions(through: loop.table.position + 1)
                loop.table.startRecording(loop.group.weights)
                loop.group.recover(from: loop.table.position)
                loop.checkpoints.hasten()
            case .failure(let error):
                loop.group.fail(error, at: SteadyClock.now())
            }
        }
    }

    /// A checkpoint of all that changed up to a position has ended: the journal needs its records up to there no longer.
    mutating func endJournal(through position: UInt64) {
        if group.endCheckpoint(at: position) {
            logger.notice("the journal is whole again")
            noteJournal(isWhole: true)
        }
        group.cutPosition = position
        if !group.isCutting { cutJournal() }
    }

    /// Has the seal tell the next start whether the database may be ahead of the journal. The store does it before it writes
    /// what the journal lacks, since it does one thing after another.
    private mutating func noteJournal(isWhole: Bool) {
        startWriteJob { store throws(StoreError) in
            try store.noteJournal(isWhole: isWhole)
        } then: { loop, result in
            // A folder that is lost is said already, and written anew with what is noted.
            guard case .failure(let error) = result, error.code != .folderLost else { return }
            loop.logger.error("whether the journal is whole could not be noted: \(error)")
        }
    }

    private mutating func cutJournal() {
        let position = group.cutPosition
        group.isCutting = group.worker != nil
        startJournalJob { [folderWatch] journal throws(StoreError) in
            try folderWatch?.check()
            return try journal.cut(through: position)
        } then: { loop, result in
            loop.group.isCutting = false
            switch result {
            case .success(let hasMore):
                // Some at a time, so that commits come between.
                if hasMore || loop.group.cutPosition > position { loop.cutJournal() }
            // The next checkpoint cuts them too.
            case .failure(let error): loop.logger.debug("the journal is not cut: \(error)")
            }
        }
    }

    /// Has the journal do something, and goes on with what came of it on the hot loop; does nothing where there is none.
    mutating func startJournalJob<Value: Sendable>(
        _ work: @escaping @Sendable (Journal) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Result<Value, StoreError>) -> Void
    ) {
        guard let worker = group.worker else { return }
        outsideJobs += 1
        worker.start(work) { loop, result in
            loop.outsideJobs -= 1
            then(&loop, result)
        }
    }
}
