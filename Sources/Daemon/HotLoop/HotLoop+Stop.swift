import Glibc
import Store
import Wire
import ZeroMQ

/// Performs the orderly stop: consumes the received messages, and makes all state durable.
extension HotLoop {
    /// The maximum time to spend on consuming received timesteps.
    private static let drainTime = Duration.seconds(2)
    /// The conditions under which a producer is told to hang up. Each entry applies until the given time after the stop
    /// began. At first, a producer must be silent. Later, it is enough that the producer is between two messages. After
    /// the last entry, no condition applies.
    private static let hangUpMoments: [(until: Duration, moment: PeerConnections.Moment)] = [
        (.milliseconds(250), .quiet(.milliseconds(10))),
        (.milliseconds(350), .quiet(.milliseconds(2))),
        (.milliseconds(1000), .betweenMessages(orQuiet: .microseconds(250))),
    ]
    /// The time between two checks of the producers while one of them may soon be silent, in microseconds.
    static let lookPause: UInt32 = 100

    /// Returns the condition under which a producer is told to hang up.
    ///
    /// - Parameter elapsed: The time since the stop began.
    /// - Returns: The condition.
    static func hangUpMoment(after elapsed: Duration) -> PeerConnections.Moment {
        hangUpMoments.first { elapsed < $0.until }?.moment ?? .any
    }

    /// Consumes the timesteps that producers had sent before the stop, for at most ``drainTime``, and carries out the
    /// last requests.
    mutating func drain(_ memory: inout TurnMemory) throws(ZeroMQError) {
        // From here on, no producer completes a handshake. A producer that connects now cannot send anything. It tries
        // again until another daemon is running.
        access.closeIngest()
        for socket in ingest { socket.beginDrain() }
        // The poller now waits only for the mailbox: the sockets are read until they are empty anyway, and the
        // mailbox's closures make room in a full journal.
        for item in ingestItems { poller.watch(item, false) }
        let start = ContinuousClock.now
        var elapsed = Duration.zero
        var hasTaken = [Bool](repeating: true, count: ingest.count)
        repeat {
            let waitsForQuiet = ingest.contains { $0.waitsForQuiet }
            let isBusy = waitsForQuiet || hasTaken.contains(true)
            try poller.wait(milliseconds: group.isFull(table.journal.records) ? 10 : isBusy ? 0 : 1)
            let moment = Self.hangUpMoment(after: elapsed)
            if waitsForQuiet, case .quiet = moment { usleep(Self.lookPause) }
            clock.synchronize()
            readMail()
            for (index, socket) in ingest.enumerated() where !socket.isDrained {
                hasTaken[index] = try receiveTimesteps(from: socket, by: &memory)
                socket.hangUp(at: moment, hasReceived: hasTaken[index])
            }
            wakeRequested()
            try finishWork(by: &memory)
            try commitGroup()
            elapsed = ContinuousClock.now - start
        } while (ingest.contains { !$0.isDrained } || table.hasBacklog) && elapsed < Self.drainTime
        try discardRest(by: &memory)
        try takeLastRequests()
        try finishWork(by: &memory)
        dropLog.flush()
        if table.waitingCount > 0 {
            let streams = table.pausedCount
            logger.warning(
                "\(table.waitingCount) timesteps of \(streams) paused streams were still waiting and are not consumed")
        }
    }

    /// Counts, discards and logs the messages that could not be consumed in time.
    private func discardRest(by memory: inout TurnMemory) throws(ZeroMQError) {
        var messages = 0
        var bytes = 0
        for socket in ingest where !socket.isDrained {
            messages += try socket.discard(by: &memory.message)
            bytes += socket.unreadBytes
        }
        guard messages > 0 || bytes > 0 else { return }
        logger.warning(
            """
            \(messages) messages could not be consumed within \(Self.drainTime), and \(bytes) bytes were not \
            received; they are lost
            """)
    }

    /// Waits for the jobs of the store and of other threads, and then for a final checkpoint.
    mutating func makeStateDurable() throws(DaemonError) {
        finishOperations()
        do throws(ZeroMQError) {
            try commitGroup()
            try waitForOthers()
            if operation.unfinished == nil { try writeAll() }
            refuseWaiting()
        } catch {
            throw DaemonError(.software, error.description)
        }
        if let failure = operation.unfinished, isDurable {
            let rest = group.isWhole ? "the next start completes it" : "all changes since the last checkpoint are lost"
            throw DaemonError(.inputOutput, "the restore of a snapshot was not completed; \(rest): \(failure)")
        }
        if let failure = checkpoints.failure, isDurable, group.isOn, group.failure == nil {
            logger.error("the last checkpoint failed; the journal has the changes since: \(failure)")
            return
        }
        guard !isDurable || checkpoints.failure == nil else {
            throw DaemonError(
                .inputOutput, "the changes since the last checkpoint are lost, as the checkpoint at the stop failed")
        }
    }

    private mutating func writeAll() throws(ZeroMQError) {
        startCheckpoint()
        try waitForOthers()
        if checkpoints.folderLoss != nil {
            // The first checkpoint noticed that the folder is lost. If the folder's path is usable, a second checkpoint
            // writes everything again.
            startCheckpoint()
            try waitForOthers()
        }
        sealFolder()
        try waitForOthers()
    }

    /// Refuses the requests that wait for a checkpoint, because no other checkpoint will follow.
    private mutating func refuseWaiting() {
        let waiting = checkpointWaiters.answers
        checkpointWaiters.answers = []
        let reason = checkpoints.failure.map { ": \($0)" } ?? ""
        let error = ControlError(
            .storeFailed,
            "the daemon stops without a last checkpoint, so this and all other changes since the previous one are lost\(reason)"
        )
        for answer in waiting { answer(&self, .failure(error)) }
    }

    /// Records that nothing more will be written, so that the next start expects exactly this state.
    private mutating func sealFolder() {
        startWriteJob { store throws(StoreError) in
            try store.end()
        } then: { loop, result in
            guard case .failure(let error) = result else { return }
            loop.logger.error("the orderly stop could not be recorded: \(error)")
        }
    }

    private mutating func waitForOthers() throws(ZeroMQError) {
        // Poll only the mailbox. Producers that are still sending would end every wait on the sockets at once.
        var poller = Poller()
        _ = poller.add(mailbox.wakeup)
        while outsideJobs > 0 || checkpoints.isRunning {
            try poller.wait(milliseconds: checkpoints.canCopy ? 0 : -1)
            readMail()
            finishOperations()
            continueCheckpoint()
            try commitGroup()
        }
    }
}
