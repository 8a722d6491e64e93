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
        if !slots.isEmpty { recordReset(selection) }
        for slot in slots { reset(slot) }
        return slots.count
    }

    /// Forgets streams, and what waits for them.
    ///
    /// - Parameter selection: Which streams.
    /// - Returns: Their keys, so that stored state can be forgotten too; the next checkpoint does that in any case.
    /// - Throws: ``ControlError`` where the one stream named is not known.
    public mutating func remove(_ selection: ControlCommand.Selection) throws(ControlError) -> [UInt32] {
        let slots = try slots(of: selection)
        if !slots.isEmpty { recordRemove(selection) }
        for slot in slots { remove(slot) }
        return slots.map { UInt32($0) }
    }

    mutating func reset(_ slot: Int) {
        precondition(!streams[slot].isAsleep, "whoever resets streams wakes them first")
        memories[streams[slot].model].reset(streams[slot].row)
        streams[slot].step = 0
        markChanged(slot)
    }

    mutating func remove(_ slot: Int) {
        if streams[slot].isAsleep {
            asleepCount -= 1
        } else {
            memories[streams[slot].model].remove(streams[slot].row)
        }
        waiting[slot] = nil
        tallies[slot] = nil
        faulty.remove(slot)
        index.remove(slot: slot)
        changed.remove(slot)
        removed.insert(slot)
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

    /// Streams as they stand, by their ids: one look-up each, however many streams there are.
    ///
    /// - Parameters:
    ///   - ids: The streams, in any order.
    ///   - time: Nanoseconds since the Unix epoch.
    /// - Returns: Those that are known, in the order of `ids`.
    public func statuses(of ids: [String], time: Int64) -> [StreamStatus] {
        ids.compactMap { id in index.find(id.utf8.span).map { status(of: $0, id: id, time: time) } }
    }

    func status(of slot: Int, id: String, time: Int64) -> StreamStatus {
        let stream = streams[slot]
        let outputs = stream.isAsleep ? [] : memories[stream.model].outputs(of: stream.row)
        return StreamStatus(
            stream: id, model: models[stream.model].name, sequence: stream.sequence, step: stream.step,
            probability: StreamStatus.Probability(outputs),
            label: stream.label ?? 0, idleSeconds: Double(max(0, time - stream.time)) / 1e9,
            paused: waiting[slot]?.isPaused ?? false, asleep: stream.isAsleep, waiting: waiting[slot]?.count ?? 0,
            tally: tallies[slot] ?? StreamTally())
    }

    private func slot(of id: String) throws(ControlError) -> Int {
        guard let slot = index.find(id.utf8.span) else {
            throw ControlError(.noSuchStream, "no stream '\(id.shortened)'; 'streams' lists those that there are")
        }
        return slot
    }

    func slots(ofModel model: Int) -> [Int] {
        index.slots.filter { index.isTaken($0) && streams[$0].model == model }
    }

    func slots(of selection: ControlCommand.Selection) throws(ControlError) -> [Int] {
        switch selection {
        case .stream(let id): [try slot(of: id)]
        case .prefix(let prefix):
            index.slots.filter { index.isTaken($0) && index.id(of: $0).begins(with: Array(prefix.utf8)) }
        case .all: index.slots.filter { index.isTaken($0) }
        }
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
