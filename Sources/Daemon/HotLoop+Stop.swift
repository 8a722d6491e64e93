import Store
import ZeroMQ

/// The orderly end: what has come is taken, and all state is made durable.
extension HotLoop {
    /// How long it goes on taking what has come of timesteps.
    private static let drainTime = Duration.seconds(2)

    /// Takes what had come of producers before the end, at most as long as ``drainTime``, and the last requests.
    mutating func drain(_ memory: inout TurnMemory) throws(ZeroMQError) {
        for socket in ingest { socket.close() }
        // They are read until they are empty; only the mailbox, whose letters free a full journal, is waited for.
        for item in ingestItems { poller.watch(item, false) }
        let end = ContinuousClock.now + Self.drainTime
        repeat {
            try poller.wait(milliseconds: group.isFull(table.records) ? 10 : 1)
            clock.synchronize()
            readMail()
            for socket in ingest where !socket.isDrained {
                socket.hangUp()
                _ = try takeTimesteps(from: socket, by: &memory)
            }
            wakeRequested()
            try finishWork(by: &memory)
            try commitGroup()
        } while (ingest.contains { !$0.isDrained } || table.hasBacklog) && ContinuousClock.now < end
        var discarded = 0
        for socket in ingest where !socket.isDrained { discarded += try socket.discard(by: &memory.message) }
        if discarded > 0 {
            logger.warning(
                "\(discarded) messages had come that could not be taken within \(Self.drainTime); they are lost")
        }
        try takeLastRequests()
        try finishWork(by: &memory)
        dropLog.flush()
        if table.waitingCount > 0 {
            let streams = table.pausedCount
            logger.warning("\(table.waitingCount) timesteps of \(streams) paused streams waited and are not consumed")
        }
    }

    /// Waits for what the store and others have in hand, then for a last checkpoint.
    mutating func makeStateDurable() throws(DaemonError) {
        finishOperations()
        do throws(ZeroMQError) {
            try commitGroup()
            try waitForOthers()
            startCheckpoint()
            try waitForOthers()
            sealFolder()
            try waitForOthers()
        } catch {
            throw DaemonError(.software, error.description)
        }
        if let failure = checkpoints.failure, isDurable, group.isOn, group.failure == nil {
            logger.error("the last checkpoint failed; the journal has what changed since: \(failure)")
            return
        }
        guard !isDurable || checkpoints.failure == nil else {
            throw DaemonError(.inputOutput, "the state since the last checkpoint is lost: the last one failed")
        }
    }

    /// Notes that nothing comes after this, so that the next start expects all that is there now.
    private mutating func sealFolder() {
        startStoreJob { store throws(StoreError) in
            try store.end()
        } then: { loop, result in
            guard case .failure(let error) = result else { return }
            loop.logger.error("the orderly stop could not be noted: \(error)")
        }
    }

    private mutating func waitForOthers() throws(ZeroMQError) {
        // Only the mailbox: producers that still send would end every wait on the sockets at once.
        var poller = Poller()
        _ = poller.add(mailbox.wakeup)
        while outsideJobs > 0 || checkpoints.run != nil {
            try poller.wait(milliseconds: checkpoints.hasRoom ? 0 : -1)
            readMail()
            finishOperations()
            continueCheckpoint()
            try commitGroup()
        }
    }
}
