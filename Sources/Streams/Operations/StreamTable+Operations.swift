public import Wire

/// Carries out control requests on many streams. Each request takes effect on all its streams at one point in the order
/// of timesteps and requests, although the work is done a few streams at a time.
///
///     begin ──▶ sweep, timesteps, sweep, timesteps … sweep ──▶ end
///
/// While an operation is in progress, a stream has not been reached yet if its phase differs from the table's phase.
/// The operation reaches the stream, at the latest, when the stream is next used, for example by a timestep. Only one
/// operation sweeps at a time, and other requests on streams must wait until it ends.
extension StreamTable {
    /// Whether an operation is in progress. Until it ends, no other request on streams may be carried out.
    public var isSweeping: Bool { sweep != nil }

    /// Makes an operation take effect. For a single stream, the operation is carried out at once; otherwise,
    /// ``sweep(limit:)`` carries it out.
    ///
    /// - Parameters:
    ///   - operation: The operation.
    ///   - selection: The selected streams. Wake hibernating streams before a reset; otherwise, they lose their last
    ///     outputs.
    /// - Returns: The number of selected streams, including any that need no change.
    /// - Throws: ``StreamsError`` if a single stream is selected and is unknown.
    /// - Precondition: No operation is in progress.
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

    /// Continues the current operation.
    ///
    /// - Parameter limit: The maximum number of slots to sweep. The sweep pauses early once there are enough copies for
    ///   one slice.
    /// - Returns: Whether the operation has ended, or there was none.
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

    /// The number of slots to sweep before checking again for enough copies.
    private static let slotsPerStep = 16
    /// The limits at which a slice has enough copies: their number, and their size in bytes.
    private static let copiesPerSlice = 4096
    private static let copiedBytes = 1 << 20

    /// Whether there are enough copies for one slice.
    public var hasFullCopies: Bool {
        copied.entries.count >= Self.copiesPerSlice || copied.byteCount >= Self.copiedBytes
            || copiedAsleep.count >= Self.copiesPerSlice
    }

    /// Returns the copies made so far and the keys of the hibernating streams found so far, and forgets both. The state
    /// of a hibernating stream is in the store and does not change there before the next checkpoint.
    public mutating func takeCopies() -> (slice: StreamSlice, asleep: [UInt32]) {
        var slice = isSweeping ? emptySlice(capacity: Self.copiesPerSlice) : emptySlice()
        swap(&slice, &copied)
        defer { copiedAsleep = [] }
        return (slice, copiedAsleep)
    }

    /// Returns the keys of the streams that the last operation removed or doomed, so that the store can remove the
    /// streams too. The next checkpoint also removes the streams of the operation `remove`.
    public mutating func takeRemovedKeys() -> [UInt32] {
        defer { removedKeys = [] }
        return removedKeys
    }

    /// Carries out the current operation on one stream, unless the operation has already reached the stream. The stream
    /// may be gone afterwards. During a restoration, a stream of the snapshot is not reached until its values arrive.
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
        case .reset: journal.recordReset(selection)
        case .remove: journal.recordRemoval(selection)
        case .doom, .pause, .resume, .copy, .exchange, .restore: break
        }
    }

    private func count(of sweep: StreamSweep) -> Int {
        guard !sweep.prefix.isEmpty else { return index.count }
        return index.slots.count { index.isTaken($0) && sweep.selects(index.id(of: $0)) }
    }

    /// Ends the preparation of a removal. Call this once the store has removed the streams or has failed to remove
    /// them.
    public mutating func spare() { doomed = SlotSet() }

    mutating func reset(_ slot: Int) {
        if streams[slot].isAsleep {
            // After a fault, a stream that was reset must not return to its last checkpoint.
            hibernation.clearFault(slot)
            giveRow(slot)
            goOn(slot)
        } else {
            memories[streams[slot].model].reset(streams[slot].row)
        }
        streams[slot].step = 0
        markChanged(slot)
        history.mark(.reset, of: slot, at: history.time)
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
        history.remove(slot)
        hibernation.clearFault(slot)
        doomed.remove(slot)
        index.remove(slot: slot)
        changed.remove(slot)
        removed.insert(slot)
    }

    private mutating func copy(_ slot: Int) {
        guard !streams[slot].isAsleep else { return copiedAsleep.append(UInt32(slot)) }
        // Move the copies out of the table during the append, because the values to copy are borrowed from the table.
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
