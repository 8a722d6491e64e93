import Recurrent
public import Wire

/// Every stream with its state, and the step from a message of timesteps to the decisions on them.
///
/// One owner, one thread: the daemon's hot loop. Time is handed in, storage is asked for and given back as
/// ``StreamSlice``s, so the table knows neither clocks nor files nor sockets.
///
///     id bytes ──StreamIndex──▶ slot ──▶ Stream {sequence, step, label, …}
///                                           │ model, row
///                                           ▼
///                           StatePool of that model: | state … | last outputs |
///                     or TimestepBuffers of that model: | timesteps … | last outputs |
public struct StreamTable: ~Copyable {
    /// The most timesteps that wait for one paused stream.
    public static let maximumWaiting = 65_536

    /// What is served, in the order in which it was given.
    public internal(set) var models: [ServedModel]
    /// What happened since the start.
    public internal(set) var counters = StreamCounters()

    /// Whether streams can be read back from a store: without one a fault has no checkpoint to go back to.
    public var hasStore = false
    /// The most streams that there may be before new ones are refused; nil: no limit.
    public var maximumStreams: Int?
    /// What happened to streams and was not told yet, in order.
    public internal(set) var events: [StreamEvent] = []

    var memories: [StreamMemory]
    let router: Router
    var index = StreamIndex()
    /// By slot. A free slot's entry means nothing.
    var streams: [Stream] = []
    /// Slots of streams that changed since the last checkpoint took them.
    var changed = SlotSet()
    /// Slots that were given up since, also where another stream has them by now.
    var removed = SlotSet()
    /// What waits for streams that are paused, or that are read from the store, by slot.
    var waiting: [Int: WaitingTimesteps] = [:]
    /// Slots of streams that are to be read from the store.
    var wakeRequests: [Int] = []
    /// Slots of streams that go back to their last checkpoint when it is read.
    var faulty: Set<Int> = []
    /// What happened to streams, by slot; none is here to which nothing did.
    var tallies: [Int: StreamTally] = [:]
    /// When streams were restored, by slot: they count as idle from then on.
    var restoreTimes: [Int: Int64] = [:]
    /// Streams whose state is in the store alone.
    public internal(set) var asleepCount = 0
    /// One message's timesteps, shape (k, features). Keeps its memory from message to message.
    var inputs: [Float] = []

    /// The number of the last record, over the life of the stored state.
    public internal(set) var position: UInt64 = 0
    /// What was recorded and not taken yet.
    public internal(set) var records = JournalRecords()
    /// What the journal calls the weights of each of ``models``; nil where nothing is recorded.
    var weightsNumbers: [UInt16]?
    /// While a start puts everything in place: up to which record each stream is loaded, by slot.
    var loadedPositions: [UInt64] = []

    /// An empty table.
    ///
    /// - Parameter models: At least one.
    public init(models: [ServedModel]) {
        self.models = models
        memories = models.map { StreamMemory($0) }
        router = Router(models.map(\.policy.prefixes))
    }

    /// Streams in the table.
    public var count: Int { index.count }
    /// Streams that are paused.
    public var pausedCount: Int { waiting.values.count { $0.isPaused } }
    /// Streams that changed since ``copyChanged(from:limit:)`` took them. Counts them.
    public var changedCount: Int { changed.count }

    /// Takes one binary message: all of its timesteps, or none.
    ///
    /// - Parameters:
    ///   - frames: How many frames the message has: 2, or 3 with a header.
    ///   - id: The first frame.
    ///   - payload: The second frame.
    ///   - header: The third frame; without meaning where there are two.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The records to publish are added here; none for a paused stream.
    /// - Throws: ``DropCause``: the message changes no state. But for ``DropCause/tooLong``, where the message is taken and its
    ///   sequence given up, and ``DropCause/paused``, where what there is room for waits.
    public mutating func consume(
        frames: Int, id: Span<UInt8>, payload: RawSpan, header: RawSpan, time: Int64,
        into decisions: inout DecisionRecords
    ) throws(DropCause) {
        guard frames == 2 || frames == 3 else { throw .frames }
        let place = try place(of: id)
        let header = frames == 3 ? try TimestepHeader(header) : TimestepHeader()
        let count =
            switch models[place.model].rule.input {
            case .values(let features): try Timesteps.read(payload, features: features, into: &inputs)
            case .tokens: try Timesteps.readTokens(payload, into: &inputs)
            }
        try take(count, of: id, at: place, header, time: time, into: &decisions)
    }

    /// Takes one message of another codec: all of its timesteps, or none.
    ///
    /// - Parameters:
    ///   - message: What it says.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The records to publish are added here; none for a paused stream.
    /// - Throws: ``DropCause``: the message changes no state. But for ``DropCause/tooLong``, where the message is taken and its
    ///   sequence given up, and ``DropCause/paused``, where what there is room for waits.
    public mutating func consume(
        _ message: ParsedTimesteps, time: Int64, into decisions: inout DecisionRecords
    ) throws(DropCause) {
        let place = try place(of: message.id.span)
        let count = try message.timesteps(features: models[place.model].model.features, into: &inputs)
        try take(count, of: message.id.span, at: place, message.header, time: time, into: &decisions)
    }

    /// Where a message goes to.
    private struct Place {
        /// Nil for a stream that is not known yet.
        let slot: Int?
        let model: Int
    }

    private func place(of id: Span<UInt8>) throws(DropCause) -> Place {
        if let slot = index.find(id) { return Place(slot: slot, model: streams[slot].model) }
        guard StreamID.isValid(id) else { throw .id }
        guard let model = router.model(for: id) else { throw .unrouted }
        return Place(slot: nil, model: model)
    }

    /// Takes the message that was read into `inputs`, whatever its codec.
    private mutating func take(
        _ count: Int, of id: Span<UInt8>, at place: Place, _ header: TimestepHeader, time: Int64,
        into decisions: inout DecisionRecords
    ) throws(DropCause) {
        if case .tokens(let vocabulary) = models[place.model].rule.input {
            guard inputs.allSatisfy({ $0 >= 0 && $0 < Float(vocabulary) && $0 == $0.rounded() }) else { throw .token }
        }
        if let slot = place.slot, !waiting.isEmpty, waiting[slot] != nil {
            try wait(slot, header, count: count)
            return
        }
        if let slot = place.slot, streams[slot].isAsleep {
            startWaking(slot)
            try wait(slot, header, count: count)
            return
        }
        if place.slot == nil, let maximumStreams, index.count >= maximumStreams { throw .tooManyStreams }
        let consumed = place.slot.map { streams[$0].sequence } ?? 0
        let numbers = try SequenceNumbers(header, count: count, consumed: consumed)
        let slot = place.slot ?? insert(id, model: place.model)
        try take(slot, numbers, header.flags, count: count, time: time, into: &decisions)
    }

    /// The hot path: steps one stream through the new timesteps in `inputs` and decides on each.
    mutating func take(
        _ slot: Int, _ numbers: SequenceNumbers, _ flags: TimestepHeader.Flags, count: Int, time: Int64,
        into decisions: inout DecisionRecords
    ) throws(DropCause) {
        if numbers.duplicates > 0 { countDuplicates(numbers.duplicates, of: slot) }
        guard numbers.duplicates < count else { return }
        var stream = streams[slot]
        let memory = memories[stream.model]
        let rule = models[stream.model].rule
        let recordsBefore = decisions.count

        if numbers.gap {
            countGap(of: slot)
            stream.gapPending = true
        }
        let starts = flags.contains(.start) && numbers.duplicates == 0
        if starts || (numbers.gap && rule.resetsAtGap) {
            memory.reset(stream.row)
            stream.step = 0
        }
        var areAllKept = true
        var end = count
        switch memory {
        case .state(let pool):
            for timestep in numbers.duplicates..<count {
                stream.sequence = numbers.first + UInt64(timestep)
                stream.step += 1
                pool.step(stream.row, inputs: inputs.span, index: timestep)
                let isLast = timestep == count - 1
                let isFinal = (isLast && flags.contains(.end)) || stream.step == rule.lastStep
                stream.decide(
                    on: pool.outputs(of: stream.row), isLast: isLast, isFinal: isFinal, rule, time: time,
                    into: &decisions)
                if isFinal {
                    pool.reset(stream.row)
                    stream.step = 0
                } else if !pool.isFinite(stream.row) {
                    quarantine(slot, &stream, in: pool, time: time)
                    // What follows waits until the last checkpoint's state is there.
                    if stream.isAsleep {
                        end = timestep + 1
                        break
                    }
                }
            }
        case .timesteps(let buffers):
            areAllKept = stream.keep(
                inputs.span, numbers, count: count, ends: flags.contains(.end), in: buffers, rule, time: time,
                into: &decisions)
        }

        stream.time = time
        if let weightsNumbers { record(slot, numbers, flags, end: end, of: count, time: time, as: weightsNumbers) }
        streams[slot] = stream
        if end < count { postpone(from: end, of: count, numbers, flags, for: slot) }
        if !stream.isAsleep { markChanged(slot) }
        counters.timesteps += UInt64(end - numbers.duplicates)
        counters.decisions += UInt64(decisions.count - recordsBefore)
        guard areAllKept else { throw .tooLong }
    }

    /// Takes what waited while a stream was paused, in the order in which it came.
    ///
    /// - Parameters:
    ///   - slot: The stream, paused no longer.
    ///   - messages: What waited.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - publish: See ``Publish``.
    mutating func takeWaiting(
        _ slot: Int, _ messages: [WaitingTimesteps.Message], time: Int64, publish: Publish
    ) {
        let id = String(copying: index.id(of: slot))
        var decisions = DecisionRecords()
        for message in messages {
            // A fault sent the stream back to its checkpoint, which is not read yet: the others wait on.
            guard waiting[slot] == nil else {
                waiting[slot]?.append(message)
                continue
            }
            inputs = message.values
            do throws(DropCause) {
                let numbers = try SequenceNumbers(
                    message.header, count: message.count, consumed: streams[slot].sequence)
                try take(slot, numbers, message.header.flags, count: message.count, time: time, into: &decisions)
            } catch {
                countDrop(error)
            }
            if decisions.count > 0 || !events.isEmpty { publish(id, decisions, takeEvents()) }
            decisions.removeAll()
        }
    }

    /// Puts a message that was read into `inputs` to the others that wait; what does not fit is dropped from its end.
    private mutating func wait(_ slot: Int, _ header: TimestepHeader, count: Int) throws(DropCause) {
        let room = Self.maximumWaiting - (waiting[slot]?.count ?? 0)
        let kept = min(count, room)
        // The last dropped timestep is counted by whoever catches the error.
        countDrop(.paused, UInt64(max(0, count - kept - 1)))
        if kept > 0 {
            var header = header
            if kept < count { header.flags.remove(.end) }
            let features = inputs.count / count
            waiting[slot]?.append(header, values: Array(inputs.prefix(kept * features)), count: kept)
        }
        if kept < count { throw .paused }
    }

    /// Counts what was dropped. A paused stream's drops count timesteps, all others messages.
    ///
    /// - Parameters:
    ///   - cause: Why.
    ///   - count: How many.
    public mutating func countDrop(_ cause: DropCause, _ count: UInt64 = 1) {
        counters.dropped[cause, default: 0] += count
    }

    mutating func insert(_ id: Span<UInt8>, model: Int) -> Int {
        let slot = index.insert(id)
        put(Stream(model: model, row: memories[model].insert()), at: slot)
        return slot
    }

    /// Sets the entry of a slot that a stream was just given.
    mutating func put(_ stream: Stream, at slot: Int) {
        // What lies between is not given out, or free.
        while streams.count <= slot { streams.append(stream) }
        streams[slot] = stream
    }

    mutating func markChanged(_ slot: Int) { changed.insert(slot) }
}

extension StreamTable.Stream {
    /// Decides on the timestep that was just taken, and writes the record if the policy publishes it.
    ///
    /// - Parameters:
    ///   - outputs: The model's answer, shape (outputs).
    ///   - isLast: No later timestep of its message is decided on.
    ///   - isFinal: The sequence ends with it.
    ///   - rule: How the model is served.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The record is added here.
    mutating func decide(
        on outputs: Span<Float>, isLast: Bool, isFinal: Bool, _ rule: DecisionRule, time: Int64,
        into decisions: inout DecisionRecords
    ) {
        // After a reset the label does not hang on what was decided before it, so that a sequence stands for itself.
        let newLabel = rule.threshold.label(for: outputs, before: step <= rule.firstDecision ? 0 : label ?? 0)
        let hasChanged = newLabel != label
        label = newLabel

        let isPublished =
            switch rule.emit {
            case .every: true
            case .last: isLast
            case .change: hasChanged
            case .final: isFinal
            }
        guard isPublished else { return }
        var flags: Decision.Flags = []
        if isFinal { flags.insert(.final) }
        if step == 1 { flags.insert(.first) }
        if gapPending { flags.insert(.gap) }
        if hasChanged { flags.insert(.changed) }
        gapPending = false
        decisions.append(
            sequence: sequence, step: step, time: time, flags: flags, label: newLabel, probabilities: outputs)
    }
}

extension String {
    /// The text of bytes that are known to be UTF-8.
    init(copying bytes: Span<UInt8>) {
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count)
        for index in bytes.indices { copy.append(bytes[index]) }
        self = String(decoding: copy, as: UTF8.self)
    }
}
