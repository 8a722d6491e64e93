import Recurrent
public import Wire

/// What control requests do with streams, each between two timesteps.
extension StreamTable {
    /// Sets the state of streams to zero and their step to 0; their sequence numbers go on.
    ///
    /// - Parameter selection: Which streams; none of them asleep.
    /// - Returns: How many.
    /// - Throws: ``ControlError`` where the one stream named is not known.
    public mutating func reset(_ selection: ControlCommand.Selection) throws(ControlError) -> Int {
        let slots = try slots(of: selection)
        for slot in slots {
            precondition(!streams[slot].isAsleep, "whoever resets streams wakes them first")
            memories[streams[slot].model].reset(streams[slot].row)
            streams[slot].step = 0
            markChanged(slot)
        }
        return slots.count
    }

    /// Forgets streams, and what waits for them.
    ///
    /// - Parameter selection: Which streams.
    /// - Returns: Their ids, so that stored state can be forgotten too.
    /// - Throws: ``ControlError`` where the one stream named is not known.
    public mutating func remove(_ selection: ControlCommand.Selection) throws(ControlError) -> [String] {
        let slots = try slots(of: selection)
        return remove(slots)
    }

    mutating func remove(_ slots: [Int]) -> [String] {
        let ids = slots.compactMap { index.id(of: $0) }
        let removed = Set(slots)
        for slot in slots {
            if streams[slot].isAsleep {
                asleepCount -= 1
            } else {
                memories[streams[slot].model].remove(streams[slot].row)
            }
            waiting[slot] = nil
            tallies[slot] = nil
            restoreTimes[slot] = nil
            faulty.remove(slot)
            index.remove(slot: slot)
        }
        wakeRequests.removeAll { removed.contains($0) }
        dirtySlots.removeAll { removed.contains($0) }
        return ids
    }

    /// Lets the timesteps of streams wait from now on.
    ///
    /// - Parameter selection: Which streams, of those that are known now.
    /// - Returns: How many, those included that were paused already.
    /// - Throws: ``ControlError`` where the one stream named is not known.
    public mutating func pause(_ selection: ControlCommand.Selection) throws(ControlError) -> Int {
        let slots = try slots(of: selection)
        for slot in slots { waiting[slot, default: WaitingTimesteps(isPaused: true)].isPaused = true }
        return slots.count
    }

    /// Takes what waited, and from now on what comes.
    ///
    /// - Parameters:
    ///   - selection: Which streams.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - publish: See ``Publish``.
    /// - Returns: How many, of which some may not have been paused.
    /// - Throws: ``ControlError`` where the one stream named is not known.
    public mutating func resume(
        _ selection: ControlCommand.Selection, time: Int64, publish: Publish
    ) throws(ControlError) -> Int {
        let slots = try slots(of: selection)
        for slot in slots {
            guard let paused = waiting[slot], paused.isPaused else { continue }
            if streams[slot].isAsleep {
                waiting[slot]?.isPaused = false
                if paused.count == 0 { waiting[slot] = nil } else { requestWaking(slot) }
            } else {
                waiting[slot] = nil
                takeWaiting(slot, paused.messages, time: time, publish: publish)
            }
        }
        return slots.count
    }

    /// Called for each message that leads to decisions or events: the stream's id, the decisions, and what happened after them.
    public typealias Publish = (String, borrowing DecisionRecords, [StreamEvent]) -> Void

    /// Timesteps that wait for paused streams.
    public var waitingCount: Int {
        waiting.values.reduce(0) { $0 + ($1.isPaused ? $1.count : 0) }
    }

    /// One stream as it stands.
    ///
    /// - Parameters:
    ///   - id: The stream.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: Its place and its last answer.
    /// - Throws: ``ControlError`` where it is not known.
    public func status(of id: String, time: Int64) throws(ControlError) -> StreamStatus {
        status(of: try slot(of: id), id: id, time: time)
    }

    /// A page of streams, ordered by the bytes of their ids.
    ///
    /// - Parameters:
    ///   - prefix: Only ids that begin so; nil: all.
    ///   - after: Only ids after this one; nil: from the first.
    ///   - limit: At most so many.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: The page, and where the next one begins.
    public func page(prefix: String?, after: String?, limit: Int, time: Int64) -> StreamPage {
        var found: [(id: String, slot: Int)] = []
        for slot in index.slots {
            guard let id = index.id(of: slot), id.utf8.starts(with: (prefix ?? "").utf8) else { continue }
            if let after, !after.utf8.lexicographicallyPrecedes(id.utf8) { continue }
            found.append((id, slot))
        }
        found.sort { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
        let page = found.prefix(limit)
        return StreamPage(
            streams: page.map { status(of: $0.slot, id: $0.id, time: time) },
            next: found.count > limit ? page.last?.id : nil)
    }

    private func status(of slot: Int, id: String, time: Int64) -> StreamStatus {
        let stream = streams[slot]
        let outputs = stream.isAsleep ? [] : memories[stream.model].outputs(of: stream.row)
        return StreamStatus(
            stream: id, model: models[stream.model].name, sequence: stream.sequence, step: stream.step,
            probability: StreamStatus.Probability(outputs),
            label: stream.label ?? 0, idleSeconds: Double(max(0, time - stream.time)) / 1e9,
            paused: waiting[slot]?.isPaused ?? false, asleep: stream.isAsleep, tally: tallies[slot] ?? StreamTally())
    }

    private func slot(of id: String) throws(ControlError) -> Int {
        guard let slot = index.find(id.utf8.span) else {
            throw ControlError(.noSuchStream, "no stream '\(id)'; 'streams' lists those that there are")
        }
        return slot
    }

    func slots(of selection: ControlCommand.Selection) throws(ControlError) -> [Int] {
        switch selection {
        case .stream(let id): [try slot(of: id)]
        case .prefix(let prefix): index.slots.filter { index.id(of: $0)?.utf8.starts(with: prefix.utf8) ?? false }
        case .all: index.slots.filter { index.id(of: $0) != nil }
        }
    }

    func slots(ofModel model: Int) -> [Int] {
        index.slots.filter { index.id(of: $0) != nil && streams[$0].model == model }
    }
}

extension [Float] {
    /// The span's elements as an array of their own.
    init(copying span: Span<Float>) {
        self.init()
        reserveCapacity(span.count)
        for index in span.indices { append(span[index]) }
    }
}
