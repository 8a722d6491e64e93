import Recurrent
import Wire

/// Restores streams from a snapshot: either all of them or none. First, each stream is checked and recorded, which
/// changes nothing. Then the restoration takes effect on all streams at one point in the order of timesteps and
/// requests. Each stream is actually restored when its values arrive.
///
///     beginChecking ──▶ check, check … ──▶ beginRestoring ──▶ restore, timesteps, sweep, restore … ──▶ end
///
/// The snapshot is read twice, a few streams at a time, so that it never has to be in memory as a whole. If a timestep
/// arrives for a stream that is not restored yet, the timestep waits and the stream's values are requested. A crash
/// before the effect is recorded leaves all streams unchanged. After a later crash, all of them are restored.
extension StreamTable {
    /// Begins to check streams. No stream changes before ``beginRestoring()``.
    ///
    /// - Precondition: No operation is in progress.
    public mutating func beginChecking() {
        precondition(sweep == nil && !restoration.isBegun, "one operation after another")
        restoration = StreamRestoration()
        restoration.stage = .checking
        journal.recordRestorationBegin()
    }

    /// Checks and records some of the streams.
    ///
    /// - Parameters:
    ///   - slice: Streams that have not been checked yet.
    ///   - numbers: The indices of the streams in the slice.
    /// - Throws: ``StreamsError``, as in ``restore(_:)``. The caller must then cancel the restoration.
    public mutating func check(_ slice: StreamSlice, _ numbers: Range<Int>) throws(StreamsError) {
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
            journal.recordPrepared(image, model: model)
        }
    }

    /// The number of streams that have been checked but not restored yet.
    public var checkedCount: Int { restoration.left }

    /// Discards the checked streams.
    public mutating func cancelRestoration() { restoration = StreamRestoration() }

    /// Makes the restoration take effect on all checked streams.
    ///
    /// - Throws: ``StreamsError`` if there would be too many streams. The caller must then cancel the restoration.
    public mutating func beginRestoring() throws(StreamsError) {
        // Timesteps may have created some of the new streams since the check.
        try checkRoom(forNew: restoration.newCount)
        restoration.stage = .effective
        journal.recordRestored()
        phase.flip()
        sweep = StreamSweep(.restore, .all, end: index.slots.count)
    }

    /// Restores some of the checked streams. A stream that has already been restored is left as it is.
    ///
    /// - Parameters:
    ///   - slice: The streams, with the same content as when they were checked.
    ///   - numbers: The indices of the streams in the slice.
    public mutating func restore(_ slice: StreamSlice, _ numbers: Range<Int>) {
        for number in numbers {
            guard let slot = slotToRestore(slice.id(number)), isToBeRestored(slot) else { continue }
            let image = slice.image(number)
            guard (try? model(for: image)) != nil else { continue }
            reachRestored(slot)
            if streams[slot].isAsleep { giveRow(slot) }
            hibernation.clearFault(slot)
            put(image, at: slot)
            history.mark(.restored, of: slot, at: history.time)
            goOn(slot)
        }
    }

    /// Returns the ids of streams whose values are needed first, because timesteps wait for the values. Each stream is
    /// requested only once.
    ///
    /// - Parameter limit: The maximum number of ids to return.
    /// - Returns: The ids.
    public mutating func takeRestoreRequests(limit: Int) -> [String] {
        let taken = restoration.requests.prefix(limit)
        restoration.requests.removeFirst(taken.count)
        return taken.filter { isToBeRestored(Int($0)) }.map { id(of: Int($0)) }
    }

    /// Whether ``takeRestoreRequests(limit:)`` may have ids to return.
    public var hasRestoreRequests: Bool { !restoration.requests.isEmpty }

    /// Whether some streams have yet to be restored.
    public var isRestoring: Bool { restoration.stage == .effective && restoration.left > 0 }

    /// Records whether the snapshot is currently unreadable. While it is unreadable, timesteps of other streams are
    /// accepted, however many streams wait for their values.
    public mutating func setRestorationStuck(_ isStuck: Bool) { restoration.isStuck = isStuck }

    /// Ends the restoration early, because the snapshot no longer has the checked streams. Streams in the table that
    /// have not been restored yet start from zero state.
    ///
    /// - Returns: The ids of the streams that start from zero state.
    public mutating func giveUpRestoring() -> [String] {
        var lost: [String] = []
        for slot in index.slots where index.isTaken(slot) {
            reach(slot)
            guard isToBeRestored(slot) else { continue }
            reachRestored(slot)
            lost.append(id(of: slot))
            journal.recordReset(.stream(id(of: slot)))
            reset(slot)
            goOn(slot)
        }
        restoration.left = 0
        restoration.newCount = 0
        return lost
    }

    /// Whether a restoration has taken effect but has yet to restore the stream. During a restoration, call
    /// ``reach(_:)`` first.
    func isToBeRestored(_ slot: Int) -> Bool {
        restoration.stage == .effective && !streams[slot].isReached(in: phase)
    }

    /// Makes a stream's timesteps wait until the stream is restored.
    mutating func startRestoring(_ slot: Int) {
        startWaiting(slot)
        requestRestoring(slot)
    }

    /// Requests a stream's values if its timesteps wait for nothing else.
    mutating func requestRestoring(_ slot: Int) {
        guard streams[slot].waits, !streams[slot].isPaused else { return }
        restoration.requests.append(UInt32(slot))
        restoration.awaited += 1
    }

    /// Inserts a stream that belongs to the current restoration.
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
