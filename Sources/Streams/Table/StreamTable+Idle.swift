public import Wire

/// Hibernates and wakes streams. A stream hibernates when it has been idle for a long time: its state is then only in
/// the store, not in memory. Its position stays in memory, so control requests still find the stream.
extension StreamTable {
    /// The result of ``putToSleep(from:limit:idleFor:now:)`` or ``forget(from:limit:idleFor:now:)``.
    public struct Idle {
        /// The ids of the streams that were changed.
        public var ids: [String] = []
        /// The slot at which the next call should start; nil if there are no more slots.
        public var next: Int?
    }

    /// Hibernates idle streams whose state is in the last checkpoint.
    ///
    /// - Parameters:
    ///   - first: The slot to start at: 0 for the first call, then the ``Idle/next`` that the previous call returned.
    ///   - limit: The maximum number of slots to look at.
    ///   - period: The minimum idle time, in nanoseconds.
    ///   - now: The total time that streams have been watched so far, in nanoseconds.
    /// - Returns: The streams that were hibernated.
    /// - Precondition: No checkpoint is being written. Otherwise, the hibernated streams would lose their state if the
    ///   checkpoint failed.
    public mutating func putToSleep(from first: Int, limit: Int, idleFor period: Int64, now: Int64) -> Idle {
        var idle = Idle()
        for slot in idleSlots(from: first, limit: limit, idleFor: period, now: now, &idle) {
            guard !streams[slot].isAsleep, !changed.contains(slot) else { continue }
            fallAsleep(slot)
            idle.ids.append(id(of: slot))
        }
        return idle
    }

    /// Removes idle streams for good.
    ///
    /// - Parameters:
    ///   - first: The slot to start at: 0 for the first call, then the ``Idle/next`` that the previous call returned.
    ///   - limit: The maximum number of slots to look at.
    ///   - period: The minimum idle time, in nanoseconds.
    ///   - now: The total time that streams have been watched so far, in nanoseconds.
    /// - Returns: The removed streams. The next checkpoint removes their stored state.
    public mutating func forget(from first: Int, limit: Int, idleFor period: Int64, now: Int64) -> Idle {
        var idle = Idle()
        for slot in idleSlots(from: first, limit: limit, idleFor: period, now: now, &idle) {
            let id = id(of: slot)
            journal.recordRemoval(.stream(id))
            remove(slot)
            idle.ids.append(id)
        }
        return idle
    }

    /// Finds idle streams, and changes nothing.
    ///
    /// - Parameters:
    ///   - first: The slot to start at: 0 for the first call, then the ``Idle/next`` that the previous call returned.
    ///   - limit: The maximum number of slots to look at.
    ///   - period: The minimum idle time, in nanoseconds.
    ///   - now: The total time that streams have been watched so far, in nanoseconds.
    /// - Returns: The idle streams.
    package mutating func findIdle(from first: Int, limit: Int, idleFor period: Int64, now: Int64) -> Idle {
        var idle = Idle()
        for slot in idleSlots(from: first, limit: limit, idleFor: period, now: now, &idle) {
            idle.ids.append(id(of: slot))
        }
        return idle
    }

    /// Returns the ids of streams that must be read from the store, because timesteps are waiting for them. Each
    /// request is returned only once.
    public mutating func takeWakeRequests() -> [String] {
        hibernation.takeRequests().filter { index.isTaken($0) && isAwaited($0) }.map { id(of: $0) }
    }

    /// Returns the keys under which the store holds the given streams. Unknown streams are omitted.
    public func keys(of ids: [String]) -> [UInt32] {
        ids.compactMap { index.find($0.utf8.span).map { UInt32($0) } }
    }

    /// Whether ``takeWakeRequests()`` or ``takeEvents()`` may have results to return.
    public var hasEvents: Bool { !events.isEmpty || hibernation.hasRequests }

    /// Returns the events since the last call.
    public mutating func takeEvents() -> [StreamEvent] {
        guard !events.isEmpty else { return [] }
        defer { events = [] }
        return events
    }

    /// Returns some of the hibernating streams in a selection.
    ///
    /// - Parameters:
    ///   - selection: The selection.
    ///   - first: The slot to start at: 0 for the first call, then the `next` that the previous call returned.
    ///   - limit: The maximum number of streams to return.
    /// - Returns: The ids, and the slot at which the next call should start.
    /// - Throws: ``StreamsError`` if the selection is a single stream and the stream is unknown.
    public func asleep(
        _ selection: ControlCommand.Selection, from first: Int = 0, limit: Int
    ) throws(StreamsError) -> (ids: [String], next: Int) {
        switch selection {
        case .all: return asleep(from: first, limit: limit) { _ in true }
        case .prefix(let text):
            let prefix = Array(text.utf8)
            return asleep(from: first, limit: limit) { index.id(of: $0).begins(with: prefix) }
        case .stream(let id):
            let slot = try slot(of: id)
            return (streams[slot].isAsleep ? [id] : [], 0)
        }
    }

    /// Returns some of the hibernating streams of a model.
    ///
    /// - Parameters:
    ///   - model: The index in ``models``.
    ///   - first: The slot to start at: 0 for the first call, then the `next` that the previous call returned.
    ///   - limit: The maximum number of streams to return.
    /// - Returns: The ids, and the slot at which the next call should start.
    public func asleep(ofModel model: Int, from first: Int = 0, limit: Int) -> (ids: [String], next: Int) {
        asleep(from: first, limit: limit) { streams[$0].model == model }
    }

    private func asleep(from first: Int, limit: Int, where isMeant: (Int) -> Bool) -> (ids: [String], next: Int) {
        var ids: [String] = []
        guard asleepCount > 0 else { return (ids, first) }
        var slot = first
        while slot < index.slots.count, ids.count < limit {
            if index.isTaken(slot), streams[slot].isAsleep, isMeant(slot) { ids.append(id(of: slot)) }
            slot += 1
        }
        return (ids, slot)
    }

    /// Wakes streams, and queues the timesteps that were waiting for them.
    ///
    /// - Parameters:
    ///   - ids: The requested streams. Streams that have been removed or are already awake keep their state.
    ///   - images: The images from the store.
    /// - Returns: The streams for which the store has no suitable image. They start from zero state.
    public mutating func wake(_ ids: [String], _ images: [StreamImage]) -> [String] {
        var lost: [String] = []
        // If an operation has not reached these streams yet, carry it out on them now, while they are still
        // hibernating.
        for id in ids + images.map(\.id) {
            if let slot = index.find(id.utf8.span) { reach(slot) }
        }
        for image in images {
            guard let slot = index.find(image.id.utf8.span), streams[slot].isAsleep, !isToBeRestored(slot)
            else { continue }
            wake(slot, with: image)
        }
        for id in ids {
            guard let slot = index.find(id.utf8.span) else { continue }
            if isToBeRestored(slot) {
                requestRestoring(slot)
                continue
            }
            if streams[slot].isAsleep {
                if !hibernation.clearFault(slot) { lost.append(id) }
                // Record the reset even for a faulty stream, because the store may have an image of the stream when the
                // journal is replayed.
                journal.recordReset(.stream(id))
                giveRow(slot)
                streams[slot].step = 0
                markChanged(slot)
            }
            goOn(slot)
        }
        return lost
    }

    /// Repeats the requests for streams that could not be read.
    ///
    /// - Parameter ids: Streams that may have waiting timesteps.
    public mutating func requestWaking(_ ids: [String]) {
        for id in ids {
            guard let slot = index.find(id.utf8.span) else { continue }
            if isAwaited(slot) { requestWaking(slot) }
        }
    }

    /// Whether timesteps are waiting for a stream to be read. Also true if the stream has been restored since it was
    /// requested: such a stream is awake, but only the answer to the request queues its waiting timesteps.
    private func isAwaited(_ slot: Int) -> Bool {
        hibernation.isFaulty(slot) || (streams[slot].waits && (!streams[slot].isPaused || streams[slot].isAsleep))
    }

    /// Makes a stream's timesteps wait until the stream is awake.
    mutating func startWaking(_ slot: Int) {
        if !streams[slot].waits { startWaiting(slot) }
        requestWaking(slot)
    }

    mutating func requestWaking(_ slot: Int) {
        hibernation.request(slot)
    }

    mutating func fallAsleep(_ slot: Int) {
        memories[streams[slot].model].remove(streams[slot].row)
        streams[slot].row = Stream.noRow
        hibernation.countAsleep()
    }

    /// Gives a hibernating stream a row of zeros.
    mutating func giveRow(_ slot: Int) {
        streams[slot].row = memories[streams[slot].model].insert()
        hibernation.countAwake()
    }

    func id(of slot: Int) -> String { String(copying: index.id(of: slot)) }

    /// Puts a stream's state back into memory. A faulty stream returns to its last checkpoint, but keeps its current
    /// sequence number, time and pending gap.
    private mutating func wake(_ slot: Int, with image: StreamImage) {
        let served = models[streams[slot].model]
        let memory = memories[streams[slot].model]
        guard image.fingerprint == served.imageFingerprint,
            memory.fits(image.values.count, at: image.step, of: served),
            image.isSound(outputs: served.model.outputs)
        else { return }
        giveRow(slot)
        guard hibernation.clearFault(slot) else {
            return memory.replace(streams[slot].row, with: image.values.span)
        }
        var image = image
        image.sequence = streams[slot].sequence
        image.time = streams[slot].time
        image.gapPending = streams[slot].gapPending
        journal.recordPut(image, model: streams[slot].model)
        put(image, at: slot)
    }

    /// Finds idle streams among the next slots.
    private mutating func idleSlots(
        from first: Int, limit: Int, idleFor period: Int64, now: Int64, _ idle: inout Idle
    ) -> [Int] {
        let end = min(index.slots.count, first + limit)
        idle.next = end < index.slots.count ? end : nil
        guard first < end else { return [] }
        var found: [Int] = []
        for slot in first..<end where index.isTaken(slot) {
            if hibernation.isIdle(&streams[slot], in: slot, for: period, at: now) { found.append(slot) }
        }
        return found
    }
}
