import Recurrent
public import Wire

/// Streams that are put as a snapshot has them, all or none: first each is checked and recorded, which changes nothing; then
/// it takes effect for all of them at one point of the order, and each is put when its values come.
///
///     beginChecking ──▶ check, check … ──▶ beginRestoring ──▶ restore, timesteps, sweep, restore … ──▶ end
///
/// The snapshot is gone through twice, some streams at a time, so that no more than these are in memory. A stream that was not
/// put yet lets its timesteps wait, and asks for its values. A crash before the effect is recorded leaves none of the streams
/// changed, one after it all.
extension StreamTable {
    /// Begins to check streams. None of them is changed before ``beginRestoring()``.
    ///
    /// - Precondition: No operation is under way.
    public mutating func beginChecking() {
        precondition(sweep == nil && !restoration.isBegun, "one operation after another")
        restoration = StreamRestoration()
        restoration.stage = .checking
        recordRestorationBegin()
    }

    /// Checks and records some of the streams.
    ///
    /// - Parameters:
    ///   - slice: The streams, none of which was checked before.
    ///   - numbers: Which of the slice's.
    /// - Throws: ``ControlError``, as ``restore(_:)``. Whoever catches it cancels the restoration.
    public mutating func check(_ slice: StreamSlice, _ numbers: Range<Int>) throws(ControlError) {
        for number in numbers {
            let image = slice.image(number)
            let model = try model(for: image)
            if let slot = index.find(slice.id(number)) {
                restoration.slots.insert(slot)
            } else {
                _ = restoration.newIDs.insert(slice.id(number))
                restoration.newCount += 1
            }
            restoration.left += 1
            recordPrepared(image, model: model)
        }
    }

    /// Streams that were checked and are not put.
    public var checkedCount: Int { restoration.left }

    /// Gives up what was checked.
    public mutating func cancelRestoration() { restoration = StreamRestoration() }

    /// Has the restoration take effect on all streams that were checked.
    ///
    /// - Throws: ``ControlError`` where there would be more streams than may be. Whoever catches it cancels the restoration.
    public mutating func beginRestoring() throws(ControlError) {
        // Some of the streams may have come since they were checked.
        try checkRoom(forNew: restoration.newCount)
        restoration.stage = .effective
        recordRestored()
        phase.flip()
        sweep = StreamSweep(.restore, .all, end: index.slots.count)
    }

    /// Puts some of the streams that were checked; those that are put already stay as they are.
    ///
    /// - Parameters:
    ///   - slice: The streams, as they were when they were checked.
    ///   - numbers: Which of the slice's.
    public mutating func restore(_ slice: StreamSlice, _ numbers: Range<Int>) {
        for number in numbers {
            guard let slot = slotToRestore(slice.id(number)), isToBeRestored(slot) else { continue }
            let image = slice.image(number)
            guard (try? model(for: image)) != nil else { continue }
            reachRestored(slot)
            if streams[slot].isAsleep { giveRow(slot) }
            if !faulty.isEmpty { faulty.remove(slot) }
            put(image, at: slot)
            goOn(slot)
        }
    }

    /// Streams whose values are needed before the others', since timesteps wait for them. Each is asked for once.
    ///
    /// - Parameter limit: At most so many.
    /// - Returns: The streams' ids.
    public mutating func takeRestoreRequests(limit: Int) -> [String] {
        let taken = restoration.requests.prefix(limit)
        restoration.requests.removeFirst(taken.count)
        return taken.filter { isToBeRestored(Int($0)) }.map { id(of: Int($0)) }
    }

    /// Whether ``takeRestoreRequests(limit:)`` has something to give.
    public var hasRestoreRequests: Bool { !restoration.requests.isEmpty }

    /// Whether there are streams that are not put yet.
    public var isRestoring: Bool { restoration.stage == .effective && restoration.left > 0 }

    /// Notes whether the snapshot cannot be read for now: other streams' timesteps are taken meanwhile.
    public mutating func setRestorationStuck(_ isStuck: Bool) { restoration.isStuck = isStuck }

    /// Puts no more streams: the snapshot does not have them any more as they were checked. Those that the table has begin at
    /// zero.
    ///
    /// - Returns: Their ids.
    public mutating func giveUpRestoring() -> [String] {
        var lost: [String] = []
        for slot in index.slots where index.isTaken(slot) {
            reach(slot)
            guard isToBeRestored(slot) else { continue }
            reachRestored(slot)
            lost.append(id(of: slot))
            recordReset(.stream(id(of: slot)))
            reset(slot)
            goOn(slot)
        }
        restoration.left = 0
        restoration.newCount = 0
        return lost
    }

    /// Whether a restoration has taken effect on a stream that is not put yet. Where it is under way, the stream was given to
    /// ``reach(_:)``.
    func isToBeRestored(_ slot: Int) -> Bool {
        restoration.stage == .effective && !streams[slot].isReached(in: phase)
    }

    /// Lets the timesteps of a stream wait until it is put.
    mutating func startRestoring(_ slot: Int) {
        startWaiting(slot)
        requestRestoring(slot)
    }

    /// Asks for the values of a stream, where timesteps wait for nothing but them.
    mutating func requestRestoring(_ slot: Int) {
        guard streams[slot].waits, !streams[slot].isPaused else { return }
        restoration.requests.append(UInt32(slot))
        restoration.awaited += 1
    }

    /// Gives a stream its place that comes with the restoration under way.
    mutating func insertToRestore(_ id: Span<UInt8>, model: Int) -> Int {
        let slot = insert(id, model: model)
        streams[slot].leave(phase)
        restoration.slots.insert(slot)
        restoration.newCount -= 1
        return slot
    }

    private mutating func slotToRestore(_ id: Span<UInt8>) -> Int? {
        if let slot = index.find(id) {
            reach(slot)
            return slot
        }
        guard restoration.brings(id) else { return nil }
        return router.model(for: id).map { insertToRestore(id, model: $0) }
    }

    private mutating func reachRestored(_ slot: Int) {
        streams[slot].reach(phase)
        restoration.left -= 1
        if streams[slot].waits, !streams[slot].isPaused { restoration.awaited = max(0, restoration.awaited - 1) }
    }
}
