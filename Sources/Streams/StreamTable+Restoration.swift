import Recurrent
public import Wire

/// Streams that are put as a snapshot has them, all or none: first each is checked and recorded, which changes nothing; then
/// it takes effect for all of them at one point of the order, and each is put when it is reached.
///
///     prepare ──▶ goOnPreparing … ──▶ beginRestoring ──▶ sweep, timesteps, sweep … ──▶ end
///
/// A crash before the effect is recorded leaves none of the streams changed, one after it all.
extension StreamTable {
    /// Begins to check streams. None of them is changed before ``beginRestoring()``.
    ///
    /// - Parameter restoration: The streams.
    /// - Precondition: No operation is under way.
    public mutating func prepare(_ restoration: StreamRestoration) {
        precondition(sweep == nil && self.restoration == nil, "one operation after another")
        self.restoration = restoration
        recordRestorationBegin()
    }

    /// Checks and records some more of the streams.
    ///
    /// - Parameter limit: How many.
    /// - Returns: Whether all were checked: ``beginRestoring()`` is next.
    /// - Throws: ``ControlError``, as ``restore(_:)``: nothing is changed, and nothing is under way.
    public mutating func goOnPreparing(limit: Int) throws(ControlError) -> Bool {
        guard let first = restoration?.checked, let count = restoration?.count else { return true }
        do throws(ControlError) {
            for number in first..<(first + min(limit, count - first)) {
                guard let image = restoration?.slice.image(number) else { return true }
                let model = try model(for: image)
                restoration?.models.append(UInt16(model))
                if index.find(image.id.utf8.span) == nil { restoration?.newCount += 1 }
                restoration?.checked += 1
                recordPrepared(image, model: model)
            }
            guard restoration?.checked == count else { return false }
            try checkRoom(forNew: restoration?.newCount ?? 0)
            return true
        } catch {
            cancelRestoration()
            throw error
        }
    }

    /// Gives away the restoration that has ended: it takes a while to free its memory.
    public mutating func takeEndedRestoration() -> StreamRestoration? {
        defer { endedRestoration = nil }
        return endedRestoration
    }

    /// Gives up what was prepared.
    public mutating func cancelRestoration() { restoration = nil }

    /// Has the restoration take effect; ``sweep(limit:)`` does the work.
    public mutating func beginRestoring() {
        recordRestored()
        phase.flip()
        sweep = StreamSweep(.restore, .all, end: index.slots.count)
    }

    /// Puts some of the streams.
    ///
    /// - Parameter limit: How many to look at.
    /// - Returns: Whether all have been looked at.
    mutating func restoreSome(_ limit: Int) -> Bool {
        guard let next = restoration?.next, let count = restoration?.count else { return true }
        let end = next + min(limit, count - next)
        for number in next..<end { restore(number) }
        restoration?.next = end
        return end == count
    }

    /// Puts a stream as the restoration under way has it, if that was not done yet.
    mutating func restore(_ number: Int) {
        guard restoration?.put(number) ?? false, let image = restoration?.slice.image(number),
            let model = restoration?.models[number]
        else { return }
        let slot: Int
        if let known = index.find(image.id.utf8.span) {
            slot = known
        } else {
            slot = insert(image.id.utf8.span, model: Int(model))
            restoration?.newCount -= 1
        }
        streams[slot].reach(phase)
        if streams[slot].isAsleep { giveRow(slot) }
        goOn(slot)
        if !faulty.isEmpty { faulty.remove(slot) }
        put(image, at: slot)
    }
}
