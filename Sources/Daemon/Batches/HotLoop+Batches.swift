import Streams
import Wire
import ZeroMQ

/// The path of messages in the codec `batch`. Each entry of a message is admitted like a message of its own.
extension HotLoop {
    /// The number of entries to admit between two checks of the turn's limits. Entries that are dropped, or that wait,
    /// take time although they never fill the table's batch.
    private static let entriesPerLook = 256

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
        while try enqueueEntries(of: socket, until: start + Self.timePerTurn, by: &memory), !isIngestFull,
            SteadyClock.now() - start < Self.timePerTurn, try socket.receiveBatch()
        {
            beginBatch(from: socket)
        }
        try decideAndPublish(&memory.decided)
        return true
    }

    /// Checks a message that was just received. If it is valid, its entries are admitted next.
    private mutating func beginBatch(from socket: IngestSocket) {
        do throws(DropCause) {
            try begin(&socket.batch.value)
        } catch {
            drop(error, id: Span(), from: socket)
        }
    }

    private mutating func begin(_ batch: inout ReceivedBatch) throws(DropCause) {
        if batch.exceeds(maximumMessageSize) { throw .tooLarge }
        let header = try BatchHeader(batch.header.rawBytes)
        switch header.kind {
        case .ids: try batch.begin(header)
        case .numbers:
            guard let numbered = dictionaries.find(header.dictionary) else { throw .dictionary }
            try batch.begin(header, numbered)
        case .dictionary:
            let known = dictionaries.find(header.dictionary)?.dictionary
            if let new = try batch.dictionary(header, known: known) { dictionaries.add(new) }
            if !dictionaries.areStored { storeDictionaries() }
        }
    }

    /// Adds the entries of a message to the table's batch. Whenever the batch is full, or holds timesteps of an entry's
    /// stream, it is decided first.
    ///
    /// - Parameters:
    ///   - socket: The socket that received the message.
    ///   - deadline: The time at which to leave the rest for the next turn, by the steady clock.
    ///   - memory: The memory for decisions.
    /// - Returns: Whether the message is finished.
    /// - Throws: `ZeroMQError` if a socket failed.
    private mutating func enqueueEntries(
        of socket: IngestSocket, until deadline: Int64, by memory: inout TurnMemory
    ) throws(ZeroMQError) -> Bool {
        while socket.batch.value.isUnderWay {
            if !admitEntries(of: socket) { try makeRoom(by: &memory.decided) }
            if isIngestFull || SteadyClock.now() > deadline { return !socket.batch.value.isUnderWay }
        }
        return true
    }

    /// Adds entries to the table's batch, or drops them: at most ``entriesPerLook``.
    ///
    /// - Returns: False if the batch must be decided before the next entry is admitted.
    private mutating func admitEntries(of socket: IngestSocket) -> Bool {
        for _ in 0..<Self.entriesPerLook {
            guard let layout = socket.batch.value.layout else { break }
            guard admitEntry(of: socket.batch.value, layout, from: socket) else { return false }
            socket.batch.value.advance()
        }
        return true
    }

    /// Adds one entry to the table's batch, or drops it.
    ///
    /// - Returns: False if the batch must be decided first.
    @inline(__always)
    private mutating func admitEntry(
        of batch: borrowing ReceivedBatch, _ layout: BatchLayout, from socket: IngestSocket
    ) -> Bool {
        let entry = batch.next
        let row = layout.row(of: entry, in: batch.values.rawBytes)
        let header = layout.header(of: entry, sequences: batch.sequences.rawBytes, flags: batch.flags.rawBytes)
        guard let numbered = batch.numbered else {
            let id = PaddedIDs.id(at: entry, in: batch.streams.bytes, width: layout.width)
            return admit(id, known: nil, row, header, layout.type, from: socket)
        }
        let number = layout.number(of: entry, in: batch.streams.rawBytes)
        let known = numbered.slot(of: number, removals: table.removals)
        let dictionary = numbered.dictionary
        let id = dictionary.id(number)
        let isAdmitted = admit(id, known: known, row, header, layout.type, from: socket)
        if known == nil, let slot = table.find(id) { numbered.note(slot, of: number) }
        return isAdmitted
    }

    /// Adds timesteps of one stream to the table's batch, or drops them.
    ///
    /// - Returns: False if the batch must be decided first.
    @inline(__always)
    private mutating func admit(
        _ id: Span<UInt8>, known slot: Int?, _ row: RawSpan, _ header: TimestepHeader, _ type: BatchHeader.ValueType,
        from socket: IngestSocket
    ) -> Bool {
        do throws(DropCause) {
            return try table.admit(id, known: slot, row: row, header: header, areTokens: type == .int32)
        } catch {
            drop(error, id: id, from: socket)
            return true
        }
    }
}
