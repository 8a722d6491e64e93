public import Wire

/// Carries out control requests on many streams. Each request takes effect on all streams at one point in the order of
/// timesteps and requests, but the work is done a few streams at a time.
///
///     begin ──▶ sweep, timesteps, sweep, timesteps … sweep ──▶ end
///
/// If a stream's phase differs from the table's during an operation, the operation has not reached the stream yet. Its
/// next timestep, or any other use, reaches the stream first. One operation sweeps at a time, and other requests on
/// streams must wait for its end.
extension StreamTable {
    /// Whether an operation is under way. Until its end, no other request on streams may be carried out.
    public var isSweeping: Bool { sweep != nil }

    /// Makes an operation take effect. An operation on one stream is carried out at once; otherwise ``sweep(limit:)``
    /// carries it out.
    ///
    /// - Parameters:
    ///   - operation: The operation.
    ///   - selection: The streams, out of the existing ones. Wake hibernated streams before a reset: otherwise they
    ///     begin at zero and lose their last outputs.
    /// - Returns: The number of selected streams, including those that need no change.
    /// - Throws: ``StreamsError`` if a single stream was selected and is unknown.
    /// - Precondition: No operation is under way.
    public mutating func begin(
        _ operation: StreamOperation, on selection: ControlCommand.Selection
    ) throws(StreamsError) -> Int {
        precondition(sweep == nil && !restoration.isBegun, "one operation after another")
        removedKeys = []
        copied = emptySlice()
        copiedAsleep = []
        if case .stream(let id) = selection {
            let slot = try slot(of: id)
            record(operation, on: selection)
            carryOut(operation, with: slot)
            return 1
        }
        let begun = StreamSweep(operation, selection, end: index.slots.count)
        let count = count(of: begun)
        guard count > 0 else { return 0 }
        record(operation, on: selection)
        if operation == .copy { copied = emptySlice(capacity: min(count, Self.copiesPerSlice)) }
        phase.flip()
        sweep = begun
        return count
    }

    /// Continues the operation that is under way.
    ///
    /// - Parameter limit: The maximum number of slots to sweep. The sweep ends early if there are enough copies.
    /// - Returns: Whether no operation is under way any more.
    public mutating func sweep(limit: Int) -> Bool {
        guard isSweeping else { return true }
        var left = limit
        repeat {
            guard let slots = sweep?.advance(min(left, Self.slotsPerStep)) else { break }
            for slot in slots where index.isTaken(slot) { reach(slot) }
            left -= slots.count
        } while left > 0 && !hasFullCopies && !(sweep?.isOver ?? true)
        guard sweep?.isOver ?? true, restoration.left == 0 else { return false }
        sweep = nil
        exchange = nil
        restoration = StreamRestoration()
        return true
    }

    /// Whether ``sweep(limit:)`` can make progress. If not, the operation waits for streams to be restored.
    public var canSweep: Bool { sweep.map { !$0.isOver || restoration.left == 0 } ?? false }

    /// The number of slots swept between two checks for enough copies.
    private static let slotsPerStep = 16
    /// The number of copies, and the size of copies in bytes, that are enough for one slice.
    private static let copiesPerSlice = 4096
    private static let copiedBytes = 1 << 20

    /// Whether there are enough copies for one slice.
    public var hasFullCopies: Bool {
        copied.entries.count >= Self.copiesPerSlice || copied.byteCount >= Self.copiedBytes
            || copiedAsleep.count >= Self.copiesPerSlice
    }

    /// Hands over the copies so far, and the keys of the hibernated streams in the selection. The store has these
    /// streams unchanged until the next checkpoint.
    public mutating func takeCopies() -> (slice: StreamSlice, asleep: [UInt32]) {
        var slice = isSweeping ? emptySlice(capacity: Self.copiesPerSlice) : emptySlice()
        swap(&slice, &copied)
        defer { copiedAsleep = [] }
        return (slice, copiedAsleep)
    }

    /// Hands over the keys of the streams that the last operation removed or doomed, so that the store can remove them
    /// too. The next checkpoint removes the streams of the operation `remove` in any case.
    public mutating func takeRemovedKeys() -> [UInt32] {
        defer { removedKeys = [] }
        return removedKeys
    }

    /// Carries out the operation under way on a stream that it has not reached yet. The stream may be gone afterwards.
    /// If the stream is to be restored, it is reached only when its values arrive.
    mutating func reach(_ slot: Int) {
        guard let operation = sweep?.operation, !streams[slot].isReached(in: phase) else { return }
        if operation == .restore, restoration.has(slot, index.id(of: slot)) { return }
        streams[slot].reach(phase)
        guard sweep?.selects(index.id(of: slot)) ?? false else { return }
        carryOut(operation, with: slot)
    }

    private mutating func carryOut(_ operation: StreamOperation, with slot: Int) {
        switch operation {
        case .reset: reset(slot)
        case .doom:
            doomed.insert(slot)
            removedKeys.append(UInt32(slot))
        case .remove:
            remove(slot)
            removedKeys.append(UInt32(slot))
        case .pause: pause(slot)
        case .resume: resume(slot)
        case .copy: copy(slot)
        case .exchange: goOver(slot)
        case .restore: break
        }
    }

    private mutating func record(_ operation: StreamOperation, on selection: ControlCommand.Selection) {
        switch operation {
        case .reset: journal.reset(selection)
        case .remove: journal.remove(selection)
        case .doom, .pause, .resume, .copy, .exchange, .restore: break
        }
    }

    private func count(of sweep: StreamSweep) -> Int {
        guard !sweep.prefix.isEmpty else { return index.count }
        return index.slots.count { index.isTaken($0) && sweep.selects(index.id(of: $0)) }
    }

    /// Ends the preparation of removals, whether the store has removed the streams or failed.
    public mutating func spare() { doomed = SlotSet() }

    mutating func reset(_ slot: Int) {
        if streams[slot].isAsleep {
            // A reset stream no longer returns to its last checkpoint after a fault.
            hibernation.clearFault(slot)
            giveRow(slot)
            goOn(slot)
        } else {
            memories[streams[slot].model].reset(streams[slot].row)
        }
        streams[slot].step = 0
        markChanged(slot)
    }

    mutating func remove(_ slot: Int) {
        if streams[slot].isAsleep {
            hibernation.countAwake()
        } else {
            memories[streams[slot].model].remove(streams[slot].row)
        }
        if streams[slot].isPaused { pausedCount -= 1 }
        if streams[slot].waits { stopWaiting(slot) }
        ledger.remove(slot)
        hibernation.clearFault(slot)
        doomed.remove(slot)
        index.remove(slot: slot)
        changed.remove(slot)
        removed.insert(slot)
    }

    private mutating func copy(_ slot: Int) {
        guard !streams[slot].isAsleep else { return copiedAsleep.append(UInt32(slot)) }
        // The copies leave the table during the append, because the copied values are borrowed from the table.
        var slice = StreamSlice(fingerprints: [])
        swap(&slice, &copied)
        copy(slot, into: &slice)
        swap(&slice, &copied)
    }

    private mutating func pause(_ slot: Int) {
        guard !streams[slot].isPaused else { return }
        streams[slot].isPaused = true
        pausedCount += 1
        count(slot)
    }

    private mutating func resume(_ slot: Int) {
        guard streams[slot].isPaused else { return }
        streams[slot].isPaused = false
        pausedCount -= 1
        guard streams[slot].waits else { return }
        count(slot)
        if streams[slot].isAsleep { requestWaking(slot) } else { goOn(slot) }
    }
}
