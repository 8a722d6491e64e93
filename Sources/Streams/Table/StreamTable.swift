public import Recurrent
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
///
/// Messages are taken until none is there that could be taken without waiting, then stepped together, then decided on in the
/// order in which they came: see ``stepBatch()``.
public struct StreamTable: ~Copyable {
    /// The most timesteps that wait for one paused stream.
    public static let maximumWaiting = 65_536

    /// What is served, in the order in which it was given.
    public internal(set) var models: [ServedModel] {
        didSet { rules = models.map(\.rule) }
    }
    /// How each of ``models`` is served, as the hot path asks.
    var rules: [DecisionRule]
    /// What happened since the start.
    public internal(set) var counters = StreamCounters()

    /// Whether streams can be read back from a store: without one a fault has no checkpoint to go back to.
    public var hasStore = false
    /// The most streams that there may be before new ones are refused; nil: no limit.
    public var maximumStreams: Int?
    /// What happened to streams and was not told yet, in order.
    public internal(set) var events: [StreamEvent] = []

    let workers: StepWorkers
    var memories: [StreamMemory]
    let router: Router
    var index = StreamIndex()
    /// By slot. A free slot's entry means nothing.
    var streams = GrowingBuffer<Stream>()
    /// Slots of streams that changed since the last checkpoint took them.
    var changed = SlotSet()
    /// Slots that were given up since, also where another stream has them by now.
    var removed = SlotSet()
    /// Slots of streams that the store is being asked to forget: no checkpoint takes them meanwhile.
    var doomed = SlotSet()
    /// The operation on many streams that is under way.
    var sweep: StreamSweep?
    /// That of the streams which the operation under way has reached; of all, where none is.
    var phase = Stream.Phase()
    /// Weights to which streams are going over.
    var exchange: ModelExchange?
    /// Streams that are being put as a snapshot has them.
    var restoration = StreamRestoration()
    /// What an operation has copied, and which streams it found asleep.
    var copied = StreamSlice(fingerprints: [])
    var copiedAsleep: [UInt32] = []
    /// Keys of the streams that the last operation removed or doomed.
    var removedKeys: [UInt32] = []
    /// What waits for streams, by slot: where it does, the stream is marked.
    var waiting: [Int: WaitingTimesteps] = [:]
    /// Streams whose waiting timesteps have their turn next.
    var backlog = Backlog()
    /// Slots of streams that are to be read from the store.
    var wakeRequests: [Int] = []
    /// Slots of streams that go back to their last checkpoint when it is read.
    var faulty: Set<Int> = []
    /// What happened to streams, by slot; none is here to which nothing did.
    var tallies: [Int: StreamTally] = [:]
    /// Duplicates in a row, by slot; none is here to which none came.
    var duplicateRuns: [Int: DuplicateRun] = [:]
    /// Streams that are newly stuck, and not told yet.
    var stuckStreams: [StuckStream] = []
    /// Since when a stream was seen idle, by slot; means something where the stream's `isSeenIdle` is set. Grows only where
    /// streams are looked at for being idle.
    var idleSince = GrowingBuffer<Int64>()
    /// Steps of the time of day since each stream's last timestep, by slot. Grows only where there was one.
    var clockShifts = GrowingBuffer<ClockShift>()
    /// Streams whose state is in the store alone.
    public internal(set) var asleepCount = 0
    /// Messages that were taken and not decided on yet.
    var batch: MessageBatch

    /// The number of the last record, over the life of the stored state.
    public internal(set) var position: UInt64 = 0
    /// What was recorded and not taken yet.
    public internal(set) var records = JournalRecords()
    /// What the journal calls the weights of each of ``models``; nil where nothing is recorded.
    var weightsNumbers: [UInt16]?
    /// While a start puts everything in place: up to which record each stream is loaded, by slot.
    var loadedPositions: [UInt64] = []
    /// While a start replays the journal: streams that are put if their restoration took effect.
    var prepared: [(image: StreamImage, model: Int?)] = []

    /// An empty table.
    ///
    /// - Parameters:
    ///   - models: At least one.
    ///   - workers: The threads that step streams.
    public init(models: [ServedModel], workers: StepWorkers = StepWorkers()) {
        self.models = models
        rules = models.map(\.rule)
        self.workers = workers
        batch = MessageBatch(workers: workers.count)
        memories = models.map { StreamMemory($0, workers: workers) }
        router = Router(models.map(\.policy.prefixes))
    }

    /// Streams in the table.
    public var count: Int { index.count }

    /// The id of the stream in a slot, as ``DecidedBatch/slot(of:)`` gives one.
    @inline(__always)
    @_lifetime(borrow self)
    public func idBytes(of slot: Int) -> Span<UInt8> { index.id(of: slot) }

    /// Streams that are paused.
    public internal(set) var pausedCount = 0
    /// Streams that changed since ``copyChanged(from:limit:)`` took them. Counts them.
    public var changedCount: Int { changed.count }

    /// Takes one binary message, all of its timesteps or none, into the batch that ``stepBatch()`` decides on.
    ///
    /// - Parameters:
    ///   - frames: How many frames the message has: 2, or 3 with a header.
    ///   - id: The first frame.
    ///   - payload: The second frame.
    ///   - header: The third frame; without meaning where there are two.
    /// - Returns: Whether it was taken; if not, the batch must be decided on first, and the message be given again.
    /// - Throws: ``DropCause``: the message changes no state. But for ``DropCause/paused``, where what there is room for waits.
    public mutating func take(
        frames: Int, id: Span<UInt8>, payload: RawSpan, header: RawSpan
    ) throws(DropCause) -> Bool {
        guard frames == 2 || frames == 3 else { throw .frames }
        let place = try place(of: id)
        guard isFree(place) else { return false }
        let header = frames == 3 ? try TimestepHeader(header) : TimestepHeader()
        let features = rules[place.model].features
        let takesTokens = rules[place.model].vocabulary != nil
        let count = try Timesteps.count(in: payload, features: features)
        var values = batch.room(for: count * features)
        if takesTokens {
            Timesteps.readTokens(payload, into: &values)
        } else {
            try Timesteps.read(payload, into: &values)
        }
        try take(count, of: id, at: place, header)
        return true
    }

    /// Takes one message of another codec likewise.
    ///
    /// - Parameter message: What it says.
    /// - Returns: As ``take(frames:id:payload:header:)``.
    /// - Throws: As ``take(frames:id:payload:header:)``.
    public mutating func take(_ message: ParsedTimesteps) throws(DropCause) -> Bool {
        let place = try place(of: message.id.span)
        guard isFree(place) else { return false }
        let values = try message.timesteps(features: rules[place.model].features)
        batch.put(values.span)
        try take(message.count, of: message.id.span, at: place, message.header)
        return true
    }

    /// Where a message goes to.
    private struct Place {
        /// Nil for a stream that is not known yet.
        let slot: Int?
        let model: Int
        /// The id's.
        let hash: UInt32
    }

    /// Inlined, as ``isFree(_:)``, since a call that only borrows the table would copy all of it to the stack.
    @inline(__always)
    private func place(of id: Span<UInt8>) throws(DropCause) -> Place {
        let hash = index.hash(id)
        if let slot = index.find(id, hash: hash) { return Place(slot: slot, model: streams[slot].model, hash: hash) }
        guard StreamID.isValid(id) else { throw .id }
        guard let model = router.model(for: id) else { throw .unrouted }
        return Place(slot: nil, model: model, hash: hash)
    }

    /// Whether the batch has nothing of a message's stream yet, and room.
    @inline(__always)
    private func isFree(_ place: Place) -> Bool {
        guard !batch.isFull else { return false }
        return place.slot.map { !streams[$0].isInBatch } ?? true
    }

    /// Takes the message whose values are the batch's ``MessageBatch/incoming``, whatever its codec.
    @inline(__always)
    private mutating func take(
        _ count: Int, of id: Span<UInt8>, at place: Place, _ header: TimestepHeader
    ) throws(DropCause) {
        if let vocabulary = rules[place.model].vocabulary, !batch.incoming.areTokens(of: vocabulary) { throw .token }
        guard let slot = place.slot else { return try takeFirst(count, of: id, at: place, header) }
        guard streams[slot].isReady(in: phase) else { return try takeSlowly(slot, count, of: id, at: place, header) }
        try take(count, of: slot, hash: place.hash, header)
    }

    /// The same for a stream that is ready: a large message is taken in pieces.
    @inline(__always)
    private mutating func take(
        _ count: Int, of slot: Int, hash: UInt32, _ header: TimestepHeader
    ) throws(DropCause) {
        let numbers = try SequenceNumbers(header, count: count, consumed: streams[slot].sequence)
        guard count <= rules[streams[slot].model].pieceSize else { return try takeInPieces(slot, count, header) }
        take(slot, numbers, header.flags, count: count, hash: hash)
    }

    /// The same for the first message of a stream.
    private mutating func takeFirst(
        _ count: Int, of id: Span<UInt8>, at place: Place, _ header: TimestepHeader
    ) throws(DropCause) {
        if restoration.brings(id) {
            return try takeSlowly(insertToRestore(id, model: place.model), count, of: id, at: place, header)
        }
        if let maximumStreams, index.count + restoration.streamsToCome >= maximumStreams { throw .tooManyStreams }
        // Before the stream is there: a message that is dropped leaves none.
        _ = try SequenceNumbers(header, count: count, consumed: 0)
        try take(count, of: insert(id, model: place.model), hash: place.hash, header)
    }

    private mutating func takeInPieces(_ slot: Int, _ count: Int, _ header: TimestepHeader) throws(DropCause) {
        startWaiting(slot)
        goOn(slot)
        try wait(slot, header, count: count)
    }

    /// The same for a stream that is paused, whose state is in the store, for which timesteps wait already, or that the
    /// operation under way has not reached.
    private mutating func takeSlowly(
        _ slot: Int, _ count: Int, of id: Span<UInt8>, at place: Place, _ header: TimestepHeader
    ) throws(DropCause) {
        reach(slot)
        guard index.isTaken(slot) else { return try takeFirst(count, of: id, at: place, header) }
        guard !streams[slot].isReady(in: phase) else { return try take(count, of: slot, hash: place.hash, header) }
        if !streams[slot].isPaused, !streams[slot].waits {
            if isToBeRestored(slot) { startRestoring(slot) } else if streams[slot].isAsleep { startWaking(slot) }
        }
        try wait(slot, header, count: count)
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
        put(Stream(model: model, row: memories[model].insert(), phase), at: slot)
        return slot
    }

    /// Sets the entry of a slot that a stream was just given.
    mutating func put(_ stream: Stream, at slot: Int) {
        // What lies between is not given out, or free.
        while streams.count <= slot { streams.append(stream) }
        streams[slot] = stream
    }

    @inline(__always)
    mutating func markChanged(_ slot: Int) { changed.insert(slot) }
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

extension Span<Float> {
    /// Whether all values are tokens of a vocabulary of so many. Never inlined, since few models take tokens.
    @inline(never)
    fileprivate func areTokens(of vocabulary: Int) -> Bool {
        for index in indices {
            let token = self[index]
            guard token >= 0, token < Float(vocabulary), token == token.rounded() else { return false }
        }
        return true
    }
}
