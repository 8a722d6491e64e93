public import Wire

/// What control requests do with many streams: each takes effect on all of them at one point of the order, but the work is
/// done some streams at a time.
///
///     begin ──▶ sweep, timesteps, sweep, timesteps … sweep ──▶ end
///
/// While an operation sweeps, a stream whose phase is not the table's was not reached yet. Its next timestep, and whatever else
/// needs it, has it reached first. One operation sweeps at a time; whoever has other requests on streams lets them wait.
extension StreamTable {
    /// Whether an operation is under way, so that no other request on streams may be carried out.
    public var isSweeping: Bool { sweep != nil }

    /// Has an operation take effect. On one stream it is done at once; on more, ``sweep(limit:)`` does it.
    ///
    /// - Parameters:
    ///   - operation: What to do.
    ///   - selection: With which streams of those that are there now. A stream that is asleep when it is reset begins at
    ///     zero with its last answer lost, so whoever resets streams wakes them first.
    /// - Returns: With how many streams it is done, those included with which nothing has to be done.
    /// - Throws: ``ControlError`` where the one stream named is not known.
    /// - Precondition: No operation is under way.
    public mutating func begin(
        _ operation: StreamOperation, on selection: ControlCommand.Selection
    ) throws(ControlError) -> Int {
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

    /// Goes on with the operation that is under way.
    ///
    /// - Parameter limit: How many slots to look at; fewer are where there are enough copies.
    /// - Returns: Whether it has ended, or none is under way.
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

    /// Whether ``sweep(limit:)`` has something to do. If not, streams are to be put first that the operation restores.
    public var canSweep: Bool { sweep.map { !$0.isOver || restoration.left == 0 } ?? false }

    /// Ends the operation that is under way without anything between, or does of it what can be done.
    public mutating func finishSweep() {
        while canSweep { _ = sweep(limit: .max) }
    }

    /// Slots that are looked at between two looks whether there are enough copies.
    private static let slotsPerStep = 16
    /// With so many copies, or so many bytes of them, there are enough for the store.
    private static let copiesPerSlice = 4096
    private static let copiedBytes = 1 << 20

    /// Whether there are as many copies as the store should get in one go.
    public var hasFullCopies: Bool {
        copied.entries.count >= Self.copiesPerSlice || copied.byteCount >= Self.copiedBytes
            || copiedAsleep.count >= Self.copiesPerSlice
    }

    /// Gives away what an operation has copied so far, and the keys of those of its streams that were asleep: the store has these
    /// as they were, until the next checkpoint.
    public mutating func takeCopies() -> (slice: StreamSlice, asleep: [UInt32]) {
        var slice = isSweeping ? emptySlice(capacity: Self.copiesPerSlice) : emptySlice()
        swap(&slice, &copied)
        defer { copiedAsleep = [] }
        return (slice, copiedAsleep)
    }

    /// Gives away the keys of the streams that the last operation removed or doomed, so that stored state can be forgotten too;
    /// of those that were removed, the next checkpoint does that in any case.
    public mutating func takeRemovedKeys() -> [UInt32] {
        defer { removedKeys = [] }
        return removedKeys
    }

    /// Brings a stream to where the operation that is under way leaves it, if that was not done yet. It may be gone then; and
    /// one that is restored is reached only when its values are there.
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
        case .reset: recordReset(selection)
        case .remove: recordRemove(selection)
        case .doom, .pause, .resume, .copy, .exchange, .restore: break
        }
    }

    private func count(of sweep: StreamSweep) -> Int {
        guard !sweep.prefix.isEmpty else { return index.count }
        return index.slots.count { index.isTaken($0) && sweep.selects(index.id(of: $0)) }
    }

    /// Ends that streams are doomed, whether the store has forgotten them or could not.
    public mutating func spare() { doomed = SlotSet() }

    mutating func reset(_ slot: Int) {
        if streams[slot].isAsleep {
            // One that waits for its last checkpoint does not go back to it any more.
            faulty.remove(slot)
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
            asleepCount -= 1
        } else {
            memories[streams[slot].model].remove(streams[slot].row)
        }
        if streams[slot].isPaused { pausedCount -= 1 }
        if streams[slot].waits { stopWaiting(slot) }
        if !tallies.isEmpty { tallies[slot] = nil }
        if !duplicateRuns.isEmpty { duplicateRuns[slot] = nil }
        if !faulty.isEmpty { faulty.remove(slot) }
        doomed.remove(slot)
        index.remove(slot: slot)
        changed.remove(slot)
        removed.insert(slot)
    }

    private mutating func copy(_ slot: Int) {
        guard !streams[slot].isAsleep else { return copiedAsleep.append(UInt32(slot)) }
        // Out of the table while it is added to: what is copied is borrowed from the table.
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
