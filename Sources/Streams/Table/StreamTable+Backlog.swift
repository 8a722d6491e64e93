import Recurrent
import Wire

/// Manages waiting timesteps. A timestep waits until its stream is resumed, until the stream's state has been read, or
/// until its turn comes. The timesteps that wait only for their turn form the backlog.
///
/// Waiting timesteps are stored by slot. A mark on each stream shows whether the stream has waiting timesteps, so the
/// hot path need not look them up. A stream's new timesteps never overtake the waiting ones.
extension StreamTable {
    /// Whether any timesteps wait only for their turn.
    public var hasBacklog: Bool { backlog.count > 0 }
    /// Whether the backlog is so full that the daemon should stop receiving messages.
    public var isBacklogFull: Bool { backlog.isFull || restoration.isFull }

    /// The number of timesteps that wait because their stream is paused.
    public var waitingCount: Int {
        waiting.reduce(0) { $0 + (streams[$1.key].isPaused ? $1.value.count : 0) }
    }

    /// Moves timesteps from the backlog to the batch, which must be empty. Each stream contributes its next message, or
    /// only a piece of a large message.
    public mutating func takeBacklog() {
        precondition(isBatchEmpty, "what is in the batch is decided on first")
        backlog.pace = nil
        for _ in 0..<backlog.count where !batch.isFull && batch.work < DecisionRule.pieceWork {
            guard let slot = backlog.next() else { return }
            takePiece(slot)
        }
    }

    /// Learns the speed of a model, so that the next piece of a large message takes about the intended time.
    ///
    /// - Parameter nanoseconds: The time that it took to decide the batch that ``takeBacklog()`` filled.
    public mutating func learnPace(nanoseconds: Int64) {
        guard let pace = backlog.pace, pace.timesteps > 0 else { return }
        rules[pace.model].learn(nanoseconds, for: pace.timesteps)
    }

    /// Admits the next message of a stream, or only a piece of a large message.
    private mutating func takePiece(_ slot: Int) {
        // Since the stream was queued, it may have been paused or hibernated. It may even have been removed and its
        // slot reused.
        guard waiting[slot]?.isQueued ?? false else { return }
        waiting[slot]?.isQueued = false
        if isSweeping {
            reach(slot)
            guard waiting[slot] != nil else { return }
            if isToBeRestored(slot) { return requestRestoring(slot) }
        }
        guard !streams[slot].isPaused, !streams[slot].isAsleep else { return }
        guard let entry = waiting[slot], !entry.isEmpty else { return stopWaiting(slot) }
        let message = entry.first
        let model = streams[slot].model
        let pieceCount = min(message.rest, rules[model].pieceSize)
        do throws(DropCause) {
            if message.taken == 0 {
                _ = try SequenceNumbers(message.header, count: message.count, consumed: streams[slot].sequence)
            }
            let header = message.header(ofNext: pieceCount)
            let numbers = try SequenceNumbers(header, count: pieceCount, consumed: streams[slot].sequence)
            let features = rules[model].features
            batch.put(
                message.values.span.extracting((message.taken * features)..<((message.taken + pieceCount) * features)))
            waiting[slot]?.take(pieceCount)
            enqueue(
                slot, numbers, header.flags, count: pieceCount, hash: index.hash(index.id(of: slot)),
                rest: message.rest - pieceCount)
            // If all timesteps of the piece were duplicates, the piece is not in the batch.
            guard streams[slot].isInBatch else { return settle(slot) }
            backlog.beingTaken.append(slot)
            backlog.count(pieceCount - numbers.duplicates, of: model)
        } catch {
            countDrop(error)
            backlog.byteCount -= waiting[slot]?.removeFirst() ?? 0
            queue(slot)
        }
    }

    /// Completes the pieces in the batch after the batch has been decided.
    mutating func settleBacklog() {
        for slot in backlog.beingTaken { settle(slot) }
        backlog.beingTaken.removeAll(keepingCapacity: true)
    }

    private mutating func settle(_ slot: Int) {
        backlog.byteCount -= waiting[slot]?.settle() ?? 0
        guard !streams[slot].isAsleep else { return }
        if waiting[slot]?.isEmpty ?? true { stopWaiting(slot) } else { queue(slot) }
    }

    /// Queues a stream's waiting timesteps, unless the stream is paused or hibernating.
    mutating func goOn(_ slot: Int) {
        guard streams[slot].waits, !streams[slot].isPaused, !streams[slot].isAsleep else { return }
        queue(slot)
    }

    private mutating func queue(_ slot: Int) {
        guard !(waiting[slot]?.isQueued ?? true) else { return }
        waiting[slot]?.isQueued = true
        backlog.append(slot)
    }

    /// Adds the size of a stream's waiting timesteps to the backlog's size, or subtracts it if the stream is paused.
    mutating func count(_ slot: Int) {
        guard let entry = waiting[slot], entry.isCounted == streams[slot].isPaused else { return }
        waiting[slot]?.isCounted = !streams[slot].isPaused
        backlog.byteCount += streams[slot].isPaused ? -entry.byteCount : entry.byteCount
    }

    /// Removes the waiting timesteps of a stream.
    mutating func stopWaiting(_ slot: Int) {
        if let entry = waiting.removeValue(forKey: slot), entry.isCounted { backlog.byteCount -= entry.byteCount }
        streams[slot].waits = false
    }

    /// Makes the batch's ``MessageBatch/incoming`` message wait, behind any timesteps of its stream that are already
    /// waiting.
    ///
    /// At most ``maximumWaiting`` timesteps wait for a paused stream. While the backlog is full, this limit also
    /// applies to a stream that waits for the store. If a message exceeds the limit, its last timesteps are dropped.
    mutating func wait(_ slot: Int, _ header: TimestepHeader, count: Int) throws(DropCause) {
        let waitsForStore = streams[slot].isAsleep || isToBeRestored(slot)
        let isHeld = streams[slot].isPaused || (waitsForStore && backlog.byteCount > Backlog.fullBytes)
        let room = isHeld ? Self.maximumWaiting - (waiting[slot]?.count ?? 0) : count
        let kept = max(0, min(count, room))
        if kept > 0 {
            var header = header
            if kept < count { header.flags.remove(.end) }
            let features = batch.incoming.count / count
            let values = Array(copying: batch.incoming.extracting(..<(kept * features)))
            if waiting[slot] == nil { startWaiting(slot) }
            waiting[slot]?.append(header, values: values, count: kept)
            if waiting[slot]?.isCounted ?? false { backlog.byteCount += values.count * MemoryLayout<Float>.size }
        }
        guard kept < count else { return }
        // The caller catches the error and counts the last dropped timestep.
        countDrop(.paused, UInt64(count - kept - 1))
        throw .paused
    }

    /// Creates the entry for a stream's waiting timesteps.
    mutating func startWaiting(_ slot: Int) {
        var entry = WaitingTimesteps()
        entry.isCounted = !streams[slot].isPaused
        waiting[slot] = entry
        streams[slot].waits = true
    }
}
