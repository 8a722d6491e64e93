import Streams
import Wire
import ZeroMQ

/// The path of timesteps: receive, admit, enqueue, step, decide, publish.
extension HotLoop {
    /// The hot path: receives the messages that wait at a socket, steps their streams together, and publishes the
    /// decisions. Then repeats this for messages that have arrived in the meantime.
    ///
    /// If the first message is quick to step, it is decided at once: it may be the only one, and should not wait while
    /// the loop looks for others.
    ///
    /// - Parameters:
    ///   - socket: The socket to receive from.
    ///   - waits: Whether to wait for the first message, for at most ``ingestPatience``.
    ///   - memory: The buffers for messages and decisions.
    /// - Returns: Whether any message was received.
    /// - Throws: `ZeroMQError` if a socket failed.
    mutating func receiveTimesteps(
        from socket: IngestSocket, waits: Bool = false, by memory: inout TurnMemory
    ) throws(ZeroMQError) -> Bool {
        if socket.codec == .batch { return try receiveBatches(from: socket, waits: waits, by: &memory) }
        guard !isIngestFull, try socket.receive(into: &memory.message, waits: waits) else {
            return false
        }
        let start = SteadyClock.now()
        batchStart = start
        try enqueueMessage(from: socket, by: &memory)
        if table.isBatchSmall { try decideAndPublish(&memory.decided) }
        var count = 1
        var countBefore: Int
        repeat {
            countBefore = count
            // The limits of a turn apply here too, because messages of only a few streams are decided one by one and
            // never fill a batch.
            while !table.isBatchFull, !isIngestFull, count < Self.messagesPerTurn,
                batchStart - start < Self.timePerTurn,
                !table.hasBacklog || SteadyClock.now() - start < Self.timePerTurn,
                try socket.receive(into: &memory.message)
            {
                count += 1
                try enqueueMessage(from: socket, by: &memory)
            }
            try decideAndPublish(&memory.decided)
            // At most one message arrived since the last check, so the burst is over. Stop polling and give the
            // subscriber the core.
        } while count > countBefore + 1
        messages &+= UInt64(count)
        return true
    }

    /// Adds the received message to the batch. If the batch already holds a message of the same stream, the batch is
    /// decided first.
    ///
    /// The decisions are usually not published at once. They wait for the decisions on further messages, because libzmq
    /// takes longer if decisions are published one by one.
    private mutating func enqueueMessage(
        from socket: IngestSocket, by memory: inout TurnMemory
    ) throws(ZeroMQError) {
        while !admit(memory.message, from: socket) { try makeRoom(by: &memory.decided) }
    }

    /// Decides the batch, so that there is room for more messages.
    ///
    /// - Parameters:
    ///   - decided: The buffer for decisions.
    ///   - isWhole: False in the middle of a message of many streams, whose decisions should stay together.
    /// - Throws: `ZeroMQError` if a socket failed.
    mutating func makeRoom(by decided: inout DecidedBatch, isWhole: Bool = true) throws(ZeroMQError) {
        decide(&decided)
        let isLate = decidedAt - batchStart >= Self.publishingPatience
        // Publish now if there is an event, so that the event precedes its stream's later decisions.
        if isLate || decided.isLarge || table.hasEvents { try publish(&decided, isWhole: isWhole) }
    }

    /// Adds one message to the table's batch, or drops it.
    ///
    /// - Returns: False if the batch is full or holds a message of the same stream, so that it must be decided first.
    private mutating func admit(_ message: borrowing IngestMessage, from socket: IngestSocket) -> Bool {
        do throws(DropCause) {
            if message.exceeds(maximumMessageSize) { throw .tooLarge }
            guard socket.codec != .binary else {
                return try table.admit(
                    frames: message.frameCount, id: message.id.bytes, payload: message.payload.rawBytes,
                    header: message.header)
            }
            try parsed.read(
                socket.codec, frames: message.frameCount, first: message.id.bytes, second: message.payload.bytes)
            return try table.admit(parsed)
        } catch {
            drop(error, id: message.id.bytes, from: socket)
            return true
        }
    }

    /// Counts and logs a dropped message.
    mutating func drop(_ cause: DropCause, id: Span<UInt8>, from socket: IngestSocket) {
        table.countDrop(cause)
        dropLog.record(cause, id: id, from: socket.endpoint, at: SteadyClock.now())
    }

    mutating func decideAndPublish(_ decided: inout DecidedBatch) throws(ZeroMQError) {
        decide(&decided)
        try publish(&decided, isWhole: true)
    }

    /// Steps and decides the batch.
    private mutating func decide(_ decided: inout DecidedBatch) {
        guard !table.isBatchEmpty else { return }
        table.stepBatch()
        decidedAt = SteadyClock.now()
        table.decideBatch(time: clock.time(at: decidedAt), into: &decided)
    }

    /// Publishes the decisions: one message of decisions for each message of timesteps.
    ///
    /// - Parameters:
    ///   - decided: The decisions.
    ///   - isWhole: Whether decisions in the codec `batch` are published too, instead of waiting for further ones.
    /// - Throws: `ZeroMQError` if a socket failed.
    private mutating func publish(_ decided: inout DecidedBatch, isWhole: Bool) throws(ZeroMQError) {
        guard decided.time != nil else {
            if isWhole { try publishGathered() }
            return
        }
        if group.isOn {
            Self.hold(decided, idsFrom: table, in: &group.gathered.decisions)
        } else {
            for publisher in publishers { try publisher.publish(decided, idsFrom: table) }
        }
        if isWhole { try publishGathered() }
        if !decided.drops.isEmpty { countDrops(decided) }
        recordLatency(decisions: decided.records.count)
        table.countByModel(decided)
        table.recordHistory(decided)
        decided.removeAll()
        if table.hasEvents { announceEvents() }
    }

    /// Publishes the decisions gathered in the codec `batch`, without waiting for further ones.
    private mutating func publishGathered() throws(ZeroMQError) {
        guard gathersDecisions else { return }
        guard !group.isOn else { return group.gathered.decisions.endUnit() }
        for publisher in publishers { try publisher.publishGathered() }
    }

    /// Holds decisions back until the journal contains their records.
    private static func hold(
        _ decided: borrowing DecidedBatch, idsFrom table: borrowing StreamTable, in held: inout PendingDecisions
    ) {
        for message in 0..<decided.count {
            let slot = decided.slot(of: message)
            held.append(table.idBytes(of: slot), decided.records(of: message), of: table.model(of: slot))
        }
    }

    private mutating func countDrops(_ decided: borrowing DecidedBatch) {
        for drop in decided.drops {
            table.countDrop(drop.cause)
            let id = Array(copying: table.idBytes(of: drop.slot))
            dropLog.record(drop.cause, id: id.span, at: decidedAt)
        }
    }

    /// Records the latency of a batch. If the decisions wait for the journal, their latency is recorded when they are
    /// published.
    private mutating func recordLatency(decisions: Int) {
        let now = SteadyClock.now()
        if group.isOn {
            group.gathered.taken.append((batchStart, decisions))
        } else {
            latencies.record(now - batchStart, count: decisions)
        }
        batchStart = now
    }
}
