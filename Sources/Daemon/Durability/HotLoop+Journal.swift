import Store
import Streams
import Wire
import ZeroMQ

/// Records changes in the journal. While the daemon keeps a journal, decisions and answers wait until their records
/// have been committed.
extension HotLoop {
    /// Runs an action once the journal contains all records made so far. If the daemon keeps no journal, or cannot
    /// write to it, the action runs at once.
    mutating func whenRecorded(_ action: @escaping Mailbox.Action) {
        if group.isOn && (group.isCommitting || table.journal.records.count > 0) {
            group.gathered.actions.append(action)
        } else {
            action(&self)
        }
    }

    /// Runs an action once a crash can no longer undo the changes made so far, because a complete journal or a
    /// checkpoint contains them.
    ///
    /// If all state is in memory, the action runs at once. If the daemon stops without making the changes durable, the
    /// action receives an error.
    mutating func whenDurable(_ action: @escaping CheckpointWaiters.DurableAnswer) {
        if !group.isWhole && isDurable {
            whenCheckpointed(action)
        } else if group.isWhole && (group.isCommitting || table.journal.records.count > 0) {
            group.gathered.answers.append(action)
        } else {
            action(&self, .success(()))
        }
    }

    /// Refuses a request whose effect could not be made durable. Call this before anything is changed.
    ///
    /// - Throws: ``ControlError`` with the code `storeFailed`.
    func requireDurability() throws(ControlError) {
        guard isDurable, let failure = checkpoints.failure else { return }
        // A lost folder takes its journal with it, even if no write to the journal has failed yet.
        guard !group.isWhole || checkpoints.folderLoss != nil else { return }
        throw ControlError(
            .storeFailed,
            "nothing was done, as the change could not be made durable; try again when checkpoints succeed: \(failure)")
    }

    /// Publishes decisions once their records are durable.
    mutating func publishWhenDurable(_ held: PendingDecisions) throws(ZeroMQError) {
        if group.isOn {
            group.gathered.decisions.append(contentsOf: held)
        } else {
            try publish(held)
        }
    }

    /// Starts to commit the gathered group, unless a commit is already running. Later records form the next group.
    mutating func commitGroup() throws(ZeroMQError) {
        guard group.isOn, !group.isCommitting else { return }
        swap(&group.gathered, &group.committing)
        guard table.journal.records.count > 0 else { return try releaseGroup() }
        group.isCommitting = true
        table.journal.take(&group.spare)
        let records = group.spare
        let first = table.journal.position - UInt64(records.count) + 1
        startJournalJob { journal throws(StoreError) in
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

    /// Publishes the decisions and runs the actions of the committed group.
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

    private func publish(_ held: PendingDecisions) throws(ZeroMQError) {
        for (number, publisher) in publishers.enumerated() { try publisher.publish(held, number: number) }
    }

    /// Handles a failure of the journal. The states in memory are intact, so the daemon continues without the journal
    /// and retries it later.
    mutating func loseJournal(_ error: StoreError) {
        if group.failure == nil {
            logger.error(
                """
                the journal failed and is tried again each second; decisions are published without it, so a crash \
                now loses all changes since the last checkpoint: \(error)
                """)
        }
        noteJournal(isWhole: false)
        group.fail(error, at: SteadyClock.now())
        table.journal.stop()
        group.committing.decisions.append(contentsOf: group.gathered.decisions)
        group.committing.taken += group.gathered.taken
        group.committing.actions += group.gathered.actions
        // These answers confirm that a change is durable. Without the journal, only a checkpoint can make the change
        // durable.
        checkpointWaiters.answers += group.committing.answers + group.gathered.answers
        group.committing.answers = []
        if !checkpointWaiters.answers.isEmpty { checkpoints.hasten() }
        group.gathered.removeAll()
    }

    /// Retries a failed journal. If it can be written again, recording resumes. A later start can use the new records
    /// only after a checkpoint contains the changes that the journal lacks.
    mutating func tryJournal(at now: Int64) {
        guard group.triesAgain(at: now) else { return }
        group.postponeTry(at: now)
        startJournalJob { journal throws(StoreError) in
            try journal.probe()
        } then: { loop, result in
            switch result {
            case .success:
                guard !loop.group.isOn else { return }
                // A skipped position marks the gap. A checkpoint that began before that position does not make the
                // journal whole.
                loop.table.journal.skip(through: loop.table.journal.position + 1)
                loop.table.journal.start(loop.group.weights)
                loop.group.recover(from: loop.table.journal.position)
                loop.checkpoints.hasten()
            case .failure(let error):
                loop.group.fail(error, at: SteadyClock.now())
            }
        }
    }

    /// Deletes the journal's records up to a position. Call this when a checkpoint contains all changes up to that
    /// position.
    mutating func endJournal(through position: UInt64) {
        if group.endCheckpoint(at: position) {
            logger.notice("the journal is whole again")
            noteJournal(isWhole: true)
        }
        group.cutPosition = position
        if !group.isCutting { cutJournal() }
    }

    /// Records in the seal, for the next start, whether the database may have changes that the journal lacks. The
    /// store's jobs run in order, so the seal is written before any such change.
    private mutating func noteJournal(isWhole: Bool) {
        startWriteJob { store throws(StoreError) in
            try store.noteJournal(isWhole: isWhole)
        } then: { loop, result in
            // If the folder was lost, the loss has already been logged, and the new folder's seal will record the same
            // state.
            guard case .failure(let error) = result, error.code != .folderLost else { return }
            loop.logger.error("the state of the journal could not be recorded: \(error)")
        }
    }

    private mutating func cutJournal() {
        let position = group.cutPosition
        group.isCutting = group.worker != nil
        startJournalJob { journal throws(StoreError) in
            try journal.cut(through: position)
        } then: { loop, result in
            loop.group.isCutting = false
            switch result {
            case .success(let hasMore):
                // Delete only a few records at a time, so that commits can run in between.
                if hasMore || loop.group.cutPosition > position { loop.cutJournal() }
            // The next checkpoint will cut these records too.
            case .failure(let error): loop.logger.debug("the journal could not be cut: \(error)")
            }
        }
    }

    /// Runs a job on the journal, and passes the result to `then` on the hot loop. The job fails if the state folder
    /// was lost. Does nothing if there is no journal.
    mutating func startJournalJob<Value: Sendable>(
        _ work: @escaping @Sendable (Journal) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Result<Value, StoreError>) -> Void
    ) {
        guard let worker = group.worker else { return }
        outsideJobs += 1
        worker.start { [folderWatch] journal throws(StoreError) in
            try folderWatch?.check()
            return try work(journal)
        } then: { loop, result in
            loop.outsideJobs -= 1
            then(&loop, result)
        }
    }
}
