import Recurrent
import Wire

/// Restores streams from a snapshot, all or none. First, each stream is checked and recorded, which changes nothing.
/// Then the restoration takes effect on all streams at one point in the order of timesteps and requests. Each stream is
/// restored when its values arrive.
///
///     beginChecking ──▶ check, check … ──▶ beginRestoring ──▶ restore, timesteps, sweep, restore … ──▶ end
///
/// The snapshot is read twice, a few streams at a time, so that only a few are in memory. If a timestep arrives for a
/// stream that is not restored yet, the timestep waits and the stream's values are requested. A crash before the effect
/// is recorded leaves all streams unchanged; a later crash leaves all of them restored.
extension StreamTable {
    /// Begins the check of streams. No stream changes before ``beginRestoring()``.
    ///
    /// - Precondition: No operation is under way.
    public mutating func beginChecking() {
        precondition(sweep == nil && !restoration.isBegun, "one operation after another")
        restoration = StreamRestoration()
        restoration.stage = .checking
        journal.restorationBegin()
    }

    /// Checks and records some of the streams.
    ///
    /// - Parameters:
    ///   - slice: Streams that were not checked before.
    ///   - numbers: The indices of the streams in the slice.
    /// - Throws: ``StreamsError`` as in ``restore(_:)``. The caller then cancels the restoration.
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
            journal.prepared(image, model: model)
        }
    }

    /// The number of streams that were checked and are not restored yet.
    public var checkedCount: Int { restoration.left }

    /// Discards the checked streams.
    public mutating func cancelRestoration() { restoration = StreamRestoration() }

    /// Makes the restoration take effect on all checked streams.
    ///
    /// - Throws: ``StreamsError`` if there would be too many streams. The caller then cancels the restoration.
    public mutating func beginRestoring() throws(StreamsError) {
        // Timesteps may have created some of the new streams since the check.
        try checkRoom(forNew: restoration.newCount)
        restoration.stage = .effective
        journal.restored()
        phase.flip()
        sweep = StreamSweep(.restore, .all, end: index.slots.count)
    }

    /// Restores some of the checked streams. Streams that are already restored stay unchanged.
    ///
    /// - Parameters:
    ///   - slice: The streams, as they were at the check.
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
            goOn(slot)
        }
    }

    /// Hands over the ids of streams whose values are needed first, because timesteps wait for them. Each stream is
    /// requested once.
    ///
    /// - Parameter limit: The maximum number of ids to return.
    /// - Returns: The ids.
    public mutating func takeRestoreRequests(limit: Int) -> [String] {
        let taken = restoration.requests.prefix(limit)
        restoration.requests.removeFirst(taken.count)
        return taken.filter { isToBeRestored(Int($0)) }.map { id(of: Int($0)) }
    }

    /// Whether ``takeRestoreRequests(limit:)`` has ids to return.
    public var hasRestoreRequests: Bool { !restoration.requests.isEmpty }

    /// Whether streams are still to be restored.
    public var isRestoring: Bool { restoration.stage == .effective && restoration.left > 0 }

    /// Records whether the snapshot is unreadable for now. While it is, other streams' timesteps are accepted.
    public mutating func setRestorationStuck(_ isStuck: Bool) { restoration.isStuck = isStuck }

    /// Ends the restoration, because the snapshot no longer has the checked streams. The remaining streams of the table
    /// begin at zero.
    ///
    /// - Returns: The ids of the remaining streams.
    public mutating func giveUpRestoring() -> [String] {
        var lost: [String] = []
        for slot in index.slots where index.isTaken(slot) {
            reach(slot)
            guard isToBeRestored(slot) else { continue }
            reachRestored(slot)
            lost.append(id(of: slot))
            journal.reset(.stream(id(of: slot)))
            reset(slot)
            goOn(slot)
        }
        restoration.left = 0
        restoration.newCount = 0
        return lost
    }

    /// Whether a restoration that has taken effect has yet to restore the stream. During a restoration, call
    /// ``reach(_:)`` first.
    func isToBeRestored(_ slot: Int) -> Bool {
        restoration.stage == .effective && !streams[slot].isReached(in: phase)
    }

    /// Makes the timesteps of a stream wait until it is restored.
    mutating func startRestoring(_ slot: Int) {
        startWaiting(slot)
        requestRestoring(slot)
    }

    /// Requests the values of a stream if its timesteps wait only for them.
    mutating func requestRestoring(_ slot: Int) {
        guard streams[slot].waits, !streams[slot].isPaused else { return }
        restoration.requests.append(UInt32(slot))
        restoration.awaited += 1
    }

    /// Inserts a stream that belongs to the restoration under way.
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
