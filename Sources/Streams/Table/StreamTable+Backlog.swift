import Recurrent
import Wire

/// Timesteps that wait: for their stream to be resumed, for its state to be read, or for their turn. The last are the backlog.
///
/// What waits is kept by slot, and the stream's mark says that there is something, so that the hot path need not look. Nothing
/// of a stream overtakes what waits for it.
extension StreamTable {
    /// Whether timesteps wait for nothing but their turn.
    public var hasBacklog: Bool { backlog.count > 0 }
    /// Whether so much waits for its turn that no more messages should be taken.
    public var isBacklogFull: Bool { backlog.isFull || restoration.isFull }

    /// Timesteps that wait for paused streams.
    public var waitingCount: Int {
        waiting.reduce(0) { $0 + (streams[$1.key].isPaused ? $1.value.count : 0) }
    }

    /// Takes what waits for its turn into the batch, which is empty: of each stream the next message, or a piece of it where
    /// it is large.
    public mutating func takeBacklog() {
        precondition(isBatchEmpty, "what is in the batch is decided on first")
        backlog.pace = nil
        for _ in 0..<backlog.count where !batch.isFull && batch.work < DecisionRule.pieceWork {
            guard let slot = backlog.next() else { return }
            takePiece(slot)
        }
    }

    /// Learns how long a model takes, so that the next piece of a large message takes about as long as it should.
    ///
    /// - Parameter nanoseconds: How long it took to decide on what ``takeBacklog()`` has put into the batch.
    public mutating func learnPace(nanoseconds: Int64) {
        guard let pace = backlog.pace, pace.timesteps > 0 else { return }
        rules[pace.model].learn(nanoseconds, for: pace.timesteps)
    }

    /// Takes the next message of a stream, or a piece of it.
    private mutating func takePiece(_ slot: Int) {
        // The stream may have been removed since, and another have its slot; or it may have been paused, or have fallen asleep.
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
            take(
                slot, numbers, header.flags, count: pieceCount, hash: index.hash(index.id(of: slot)),
                rest: message.rest - pieceCount)
            // What has all been consumed already is not in the batch.
            guard streams[slot].isInBatch else { return settle(slot) }
            backlog.beingTaken.append(slot)
            backlog.count(pieceCount - numbers.duplicates, of: model)
        } catch {
            countDrop(error)
            backlog.byteCount -= waiting[slot]?.removeFirst() ?? 0
            queue(slot)
        }
    }

    /// Ends the pieces that were in the batch, which was decided on.
    mutating func settleBacklog() {
        for slot in backlog.beingTaken { settle(slot) }
        backlog.beingTaken.removeAll(keepingCapacity: true)
    }

    private mutating func settle(_ slot: Int) {
        backlog.byteCount -= waiting[slot]?.settle() ?? 0
        guard !streams[slot].isAsleep else { return }
        if waiting[slot]?.isEmpty ?? true { stopWaiting(slot) } else { queue(slot) }
    }

    /// Lets what waits for a stream have its turn, unless it is paused or asleep.
    mutating func goOn(_ slot: Int) {
        guard streams[slot].waits, !streams[slot].isPaused, !streams[slot].isAsleep else { return }
        queue(slot)
    }

    private mutating func queue(_ slot: Int) {
        guard !(waiting[slot]?.isQueued ?? true) else { return }
        waiting[slot]?.isQueued = true
        backlog.append(slot)
    }

    /// Lets the bytes that wait for a stream count among the backlog's: those of a paused stream do not.
    mutating func count(_ slot: Int) {
        guard let entry = waiting[slot], entry.isCounted == streams[slot].isPaused else { return }
        waiting[slot]?.isCounted = !streams[slot].isPaused
        backlog.byteCount += streams[slot].isPaused ? -entry.byteCount : entry.byteCount
    }

    /// Forgets what waits for a stream.
    mutating func stopWaiting(_ slot: Int) {
        if let entry = waiting.removeValue(forKey: slot), entry.isCounted { backlog.byteCount -= entry.byteCount }
        streams[slot].waits = false
    }

    /// Lets the message whose values are the batch's ``MessageBatch/incoming`` wait, behind what waits for its stream already.
    ///
    /// For a paused stream no more waits than ``maximumWaiting``, and for one that waits for the store where the backlog is full;
    /// what does not fit is dropped from its end.
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
        // The last dropped timestep is counted by whoever catches the error.
        countDrop(.paused, UInt64(count - kept - 1))
        throw .paused
    }

    /// Makes the place for what waits for a stream.
    mutating func startWaiting(_ slot: Int) {
        var entry = WaitingTimesteps()
        entry.isCounted = !streams[slot].isPaused
        waiting[slot] = entry
        streams[slot].waits = true
    }
}
