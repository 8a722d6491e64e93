public import Wire

/// Streams whose state is in the store and not in memory, since no timestep has come for long. Their place in the sequence
/// stays in memory: every control request sees them.
extension StreamTable {
    /// Streams that ``putToSleep(from:limit:idleFor:now:)`` or ``forget(from:limit:idleFor:now:)`` found.
    public struct Idle {
        /// The streams.
        public var ids: [String] = []
        /// Where the next call begins; nil: all slots were looked at.
        public var next: Int?
    }

    /// Takes the state of streams out of memory that the last checkpoint has as it is.
    ///
    /// - Parameters:
    ///   - first: Where to begin: 0 at first, then what the call before returned.
    ///   - limit: How many slots to look at.
    ///   - period: Nanoseconds for which a stream must have been seen idle.
    ///   - now: Nanoseconds for which streams were watched so far.
    /// - Returns: Those that are asleep from here on.
    /// - Precondition: No checkpoint is being written: one that failed would lack their state.
    public mutating func putToSleep(from first: Int, limit: Int, idleFor period: Int64, now: Int64) -> Idle {
        var idle = Idle()
        for slot in idleSlots(from: first, limit: limit, idleFor: period, now: now, &idle) {
            guard !streams[slot].isAsleep, !changed.contains(slot) else { continue }
            fallAsleep(slot)
            idle.ids.append(id(of: slot))
        }
        return idle
    }

    /// Removes streams for good.
    ///
    /// - Parameters:
    ///   - first: Where to begin: 0 at first, then what the call before returned.
    ///   - limit: How many slots to look at.
    ///   - period: Nanoseconds for which a stream must have been seen idle.
    ///   - now: Nanoseconds for which streams were watched so far.
    /// - Returns: Those that are gone; the next checkpoint forgets their stored state.
    public mutating func forget(from first: Int, limit: Int, idleFor period: Int64, now: Int64) -> Idle {
        var idle = Idle()
        for slot in idleSlots(from: first, limit: limit, idleFor: period, now: now, &idle) {
            let id = id(of: slot)
            recordRemove(.stream(id))
            remove(slot)
            idle.ids.append(id)
        }
        return idle
    }

    /// Streams to be read from the store, for which timesteps wait. Each is asked for once.
    public mutating func takeWakeRequests() -> [String] {
        defer { wakeRequests.removeAll(keepingCapacity: true) }
        return wakeRequests.filter { index.isTaken($0) && isAwaited($0) }.map { id(of: $0) }
    }

    /// The keys by which the store has streams.
    public func keys(of ids: [String]) -> [UInt32] {
        ids.compactMap { index.find($0.utf8.span).map { UInt32($0) } }
    }

    /// Whether there is something that ``takeWakeRequests()`` or ``takeEvents()`` has not given yet.
    public var hasNews: Bool { !events.isEmpty || !wakeRequests.isEmpty }

    /// Gives away what happened.
    public mutating func takeEvents() -> [StreamEvent] {
        guard !events.isEmpty else { return [] }
        defer { events = [] }
        return events
    }

    /// Some of the streams of a selection that are asleep.
    ///
    /// - Parameters:
    ///   - selection: Which streams.
    ///   - first: Where to begin: 0 at first, then what the call before returned.
    ///   - limit: At most so many.
    /// - Returns: Their ids, and where the next call begins.
    /// - Throws: ``ControlError`` where the one stream named is not known.
    public func asleep(
        _ selection: ControlCommand.Selection, from first: Int = 0, limit: Int
    ) throws(ControlError) -> (ids: [String], next: Int) {
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

    /// Some of the streams of a model that are asleep.
    ///
    /// - Parameters:
    ///   - model: Which of ``models``.
    ///   - first: Where to begin: 0 at first, then what the call before returned.
    ///   - limit: At most so many.
    /// - Returns: Their ids, and where the next call begins.
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

    /// Puts the state of streams back into memory, and lets what waited for it have its turn.
    ///
    /// - Parameters:
    ///   - ids: Streams that were asked for. Those that are not there any more, or not asleep, stay as they are.
    ///   - images: What the store has of them.
    /// - Returns: Streams that the store has nothing of that fits: they begin at zero.
    public mutating func wake(_ ids: [String], _ images: [StreamImage]) -> [String] {
        var lost: [String] = []
        // Where an operation has taken effect that has not reached them, it does so as they were asleep.
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
                if faulty.remove(slot) == nil { lost.append(id) }
                // Also of one that is faulty: when this is replayed, the store may have it.
                recordReset(.stream(id))
                giveRow(slot)
                streams[slot].step = 0
                markChanged(slot)
            }
            goOn(slot)
        }
        return lost
    }

    /// Asks for streams again that could not be read.
    ///
    /// - Parameter ids: Streams for which timesteps may wait.
    public mutating func requestWaking(_ ids: [String]) {
        for id in ids {
            guard let slot = index.find(id.utf8.span) else { continue }
            if isAwaited(slot) { requestWaking(slot) }
        }
    }

    /// Whether something waits until a stream's state is read, or has been: one that was restored meanwhile is not asleep
    /// any more, but nobody else takes what waits for it.
    private func isAwaited(_ slot: Int) -> Bool {
        faulty.contains(slot) || (streams[slot].waits && (!streams[slot].isPaused || streams[slot].isAsleep))
    }

    /// Lets the timesteps of a stream wait until its state is there.
    mutating func startWaking(_ slot: Int) {
        if !streams[slot].waits { startWaiting(slot) }
        requestWaking(slot)
    }

    mutating func requestWaking(_ slot: Int) {
        wakeRequests.append(slot)
    }

    mutating func fallAsleep(_ slot: Int) {
        memories[streams[slot].model].remove(streams[slot].row)
        streams[slot].row = Stream.noRow
        asleepCount += 1
    }

    /// Gives a stream that is asleep a row of zeros.
    mutating func giveRow(_ slot: Int) {
        streams[slot].row = memories[streams[slot].model].insert()
        asleepCount -= 1
    }

    func id(of slot: Int) -> String { String(copying: index.id(of: slot)) }

    /// Puts a state back. A stream that is faulty goes back to what its last checkpoint has; its sequence goes on.
    private mutating func wake(_ slot: Int, with image: StreamImage) {
        let served = models[streams[slot].model]
        let memory = memories[streams[slot].model]
        guard image.fingerprint == served.imageFingerprint,
            memory.fits(image.values.count, at: image.step, of: served),
            image.isSound(outputs: served.model.outputs)
        else { return }
        giveRow(slot)
        guard faulty.remove(slot) != nil else {
            return memory.replace(streams[slot].row, with: image.values.span)
        }
        var image = image
        image.sequence = streams[slot].sequence
        image.time = streams[slot].time
        image.gapPending = streams[slot].gapPending
        recordPut(image, model: streams[slot].model)
        put(image, at: slot)
    }

    /// Looks at streams, and notes of those that have moved since the last look that they are idle from now on: a stream is idle
    /// for as long as it was seen so, whatever the time of day of its last timestep was.
    private mutating func idleSlots(
        from first: Int, limit: Int, idleFor period: Int64, now: Int64, _ idle: inout Idle
    ) -> [Int] {
        let end = min(index.slots.count, first + limit)
        idle.next = end < index.slots.count ? end : nil
        guard first < end else { return [] }
        while idleSince.count < end { idleSince.append(now) }
        var found: [Int] = []
        for slot in first..<end where index.isTaken(slot) {
            if streams[slot].isPaused || streams[slot].waits {
                // Timesteps of it may wait.
                streams[slot].isSeenIdle = false
            } else if !streams[slot].isSeenIdle {
                streams[slot].isSeenIdle = true
                idleSince[slot] = now
            } else if now - idleSince[slot] >= period {
                found.append(slot)
            }
        }
        return found
    }
}
