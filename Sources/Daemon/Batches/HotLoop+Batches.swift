import Streams
import Wire
import ZeroMQ

/// The path of messages in the codec `batch`. Each entry of a message is admitted like a message of its own.
extension HotLoop {
    /// The number of entries to admit between two checks of the turn's limits. Entries that are dropped, or that wait,
    /// take time although they never fill the table's batch.
    private static let entriesPerLook = 256
    /// The number of entries after which the decisions on finished messages are published, even if more messages are
    /// waiting.
    private static let entriesPerAnswer = 256

    /// Receives the messages that wait at a socket, steps the streams of their entries together, and publishes the
    /// decisions. When the turn's time is up, the rest of a message waits for the next turn.
    ///
    /// - Parameters: Same as for ``receiveTimesteps(from:waits:by:)``.
    /// - Returns: Whether there was any message.
    /// - Throws: `ZeroMQError` if a socket failed.
    mutating func receiveBatches(
        from socket: IngestSocket, waits: Bool, by memory: inout TurnMemory
    ) throws(ZeroMQError) -> Bool {
        guard !isIngestFull else { return false }
        if !socket.batch.value.isUnderWay {
            guard try socket.receiveBatch(waits: waits) else { return false }
            beginBatch(from: socket)
        }
        let start = SteadyClock.now()
        batchStart = start
        var count = 0
        while try enqueueEntries(of: socket, until: start + Self.timePerTurn, by: &memory) {
            // In the codec `batch`, the decisions on one large message are published together, but not together with
            // decisions on later messages.
            count += socket.batch.value.next
            if count >= Self.entriesPerAnswer {
                try decideAndPublish(&memory.decided)
                count = 0
            }
            guard !isIngestFull, SteadyClock.now() - start < Self.timePerTurn, try socket.receiveBatch() else { break }
            beginBatch(from: socket)
        }
        try decideAndPublish(&memory.decided)
        return true
    }

    /// Checks a message that was just received. If it is valid, its entries are admitted next.
    private mutating func beginBatch(from socket: IngestSocket) {
        messages &+= 1
        do throws(DropCause) {
            let kind = try dictionaries.begin(&socket.batch.value, maximumSize: maximumMessageSize)
            if kind == .dictionary, !dictionaries.areStored { storeDictionaries() }
        } catch {
            drop(error, id: Span(), from: socket)
        }
    }

    /// Adds the entries of a message to the table's batch. If the batch is full, or already holds timesteps of the next
    /// entry's stream, the batch is decided first.
    ///
    /// - Parameters:
    ///   - socket: The socket that received the message.
    ///   - deadline: The ``SteadyClock`` time after which the rest is left for the next turn.
    ///   - memory: The buffers for decisions.
    /// - Returns: Whether the message is finished.
    /// - Throws: `ZeroMQError` if a socket failed.
    private mutating func enqueueEntries(
        of socket: IngestSocket, until deadline: Int64, by memory: inout TurnMemory
    ) throws(ZeroMQError) -> Bool {
        while socket.batch.value.isUnderWay {
            if table.isBatchFull || !admitEntries(of: socket) {
                try makeRoom(by: &memory.decided, isWhole: false)
            }
            if isIngestFull || SteadyClock.now() > deadline { return !socket.batch.value.isUnderWay }
        }
        return true
    }

    /// Adds the next entries to the table's batch, at most ``entriesPerLook`` of them. Drops invalid entries.
    ///
    /// - Returns: False if the batch must be decided before the next entry is admitted.
    private mutating func admitEntries(of socket: IngestSocket) -> Bool {
        guard let layout = socket.batch.value.layout else { return true }
        let first = socket.batch.value.next
        let range = first..<min(first + Self.entriesPerLook, layout.count)
        let looksAhead = first >= socket.batch.value.lookedAhead
        if looksAhead { socket.batch.value.lookedAhead = range.upperBound }
        switch admit(range, of: socket.batch.value, layout, looksAhead: looksAhead) {
        case .all: socket.batch.value.advance(to: range.upperBound)
        case .full(before: let entry):
            socket.batch.value.advance(to: entry)
            return false
        case .dropped(let entry, let cause):
            drop(cause, entry, of: socket.batch.value, layout, from: socket)
            socket.batch.value.advance(to: entry + 1)
        }
        return true
    }

    private mutating func admit(
        _ range: Range<Int>, of batch: borrowing ReceivedBatch, _ layout: BatchLayout, looksAhead: Bool
    ) -> StreamTable.EntryAdmission {
        let entries = StreamTable.Entries(
            layout, streams: batch.streams.bytes, values: batch.values.rawBytes, sequences: batch.sequences.rawBytes,
            flags: batch.flags.rawBytes)
        if looksAhead { table.lookAhead(range, of: entries, batch.numbered) }
        return table.admit(range, of: entries, batch.numbered)
    }

    private mutating func drop(
        _ cause: DropCause, _ entry: Int, of batch: borrowing ReceivedBatch, _ layout: BatchLayout,
        from socket: IngestSocket
    ) {
        if let dictionary = batch.numbered?.dictionary {
            drop(cause, id: dictionary.id(layout.number(of: entry, in: batch.streams.rawBytes)), from: socket)
        } else {
            drop(cause, id: PaddedIDs.id(at: entry, in: batch.streams.bytes, width: layout.width), from: socket)
        }
    }
}
