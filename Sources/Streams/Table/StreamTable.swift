package import Recurrent
public import Wire

/// All streams with their states, and the path from a message of timesteps to its decisions.
///
/// The table has one owner and is used on one thread: the daemon's hot loop. It knows no clocks, files or sockets: the
/// caller passes in the time, and stored data enters and leaves as ``StreamSlice``s.
///
///     id bytes ──StreamIndex──▶ slot ──▶ Stream {sequence, step, label, …}
///                                           │ model, row
///                                           ▼
///                           StatePool of that model: | state … | last outputs |
///                     or TimestepBuffers of that model: | timesteps … | last outputs |
///
/// The table admits messages as long as more are available without waiting. Then it steps them together and decides
/// them in the order of their arrival; see ``stepBatch()``.
public struct StreamTable: ~Copyable {
    /// The maximum number of timesteps that wait for one paused stream.
    public static let maximumWaiting = 65_536

    /// The served models, in the order in which they were passed to the initializer.
    public internal(set) var models: [ServedModel] {
        didSet { rules = models.map(\.rule) }
    }
    /// The decision rules of ``models``, for the hot path.
    var rules: [DecisionRule]
    /// The counts of events since the start.
    public var counters: StreamCounters { ledger.counters }
    /// The recorder of changes for the journal.
    public var journal = JournalRecorder()

    /// Whether streams can be read back from a store. Without a store, a fault has no checkpoint to return to.
    public var hasStore = false
    /// The maximum number of streams, beyond which new streams are refused; nil for no limit.
    public var maximumStreams: Int?
    /// The streams' events that have not been handed over yet, in order.
    public internal(set) var events: [StreamEvent] = []

    let workers: StepWorkers
    var memories: [StreamMemory] {
        didSet { steps = StepBatches(memories.map(\.steps)) }
    }
    /// The step batches of ``memories``, for the hot path.
    var steps: StepBatches
    let router: Router
    var index = StreamIndex()
    /// The streams, indexed by slot. Entries of free slots have no meaning.
    var streams = GrowingBuffer<Stream>()
    /// The slots of streams that have changed since the last checkpoint copied them.
    var changed = SlotSet()
    /// The slots freed since the last checkpoint, even if other streams have taken them since.
    var removed = SlotSet()
    /// The slots of streams that the store is about to remove. Until the store has removed them, checkpoints omit these
    /// streams.
    var doomed = SlotSet()
    /// The current operation on many streams.
    var sweep: StreamSweep?
    /// The table's phase. Between operations, all streams are in this phase. While an operation is in progress, only
    /// the streams that it has reached are in this phase.
    var phase = Stream.Phase()
    /// The current exchange of weights, during which streams move to the new weights.
    var exchange: ModelExchange?
    /// The restoration of streams from a snapshot.
    var restoration = StreamRestoration()
    /// The copies that an operation has made, and the keys of the hibernating streams that it found.
    var copied = StreamSlice(fingerprints: [])
    var copiedAsleep: [UInt32] = []
    /// The keys of the streams that the last operation removed or doomed.
    var removedKeys: [UInt32] = []
    /// The waiting timesteps, by slot. A mark on each stream shows whether the stream has an entry here.
    var waiting: [Int: WaitingTimesteps] = [:]
    /// The queue of streams whose waiting timesteps will be admitted next.
    var backlog = Backlog()
    var ledger = StreamLedger()
    /// The counts of decisions by model.
    var tallies: DecisionTallies
    var hibernation = Hibernation()
    var replay = JournalReplay()
    /// For each slot, the total jump of the wall clock since the stream's last timestep. The buffer stays empty until
    /// there is a jump.
    var clockShifts = GrowingBuffer<ClockShift>()
    /// The admitted messages that have not been decided yet.
    var batch: MessageBatch
    /// Scratch memory of ``lookAhead(_:of:_:)``: first the hashes, then the slots of the streams whose entries will be
    /// admitted next.
    var expected = GrowingBuffer<UInt32>()
    /// The last decisions of streams.
    var history = HistoryRings(capacity: 0, bytes: 0)

    /// Creates an empty table.
    ///
    /// - Parameters:
    ///   - models: The models, at least one.
    ///   - workers: The threads that step streams.
    package init(models: [ServedModel], workers: StepWorkers = StepWorkers()) {
        self.models = models
        rules = models.map(\.rule)
        tallies = DecisionTallies(models: models.count)
        self.workers = workers
        batch = MessageBatch(workers: workers.count)
        memories = models.map { StreamMemory($0, workers: workers) }
        steps = StepBatches(memories.map(\.steps))
        router = Router(models.map(\.policy.prefixes))
    }

    /// The number of streams in the table.
    public var count: Int { index.count }

    /// The id of the stream in a slot, for example in the slot that ``DecidedBatch/slot(of:)`` returns.
    @inline(__always)
    @_lifetime(borrow self)
    public func idBytes(of slot: Int) -> Span<UInt8> { index.id(of: slot) }

    /// The index of the model that serves the stream in a slot.
    @inline(__always)
    public func model(of slot: Int) -> Int { streams[slot].model }

    /// The number of hibernating streams.
    public var asleepCount: Int { hibernation.count }

    /// The number of paused streams.
    public internal(set) var pausedCount = 0
    /// The number of streams that have changed since ``copyChanged(from:limit:)`` last copied them. Takes linear time.
    public var changedCount: Int { changed.count }

    /// Admits one binary message to the batch. Either all of its timesteps are admitted or none, unless the stream is
    /// paused.
    ///
    /// - Parameters:
    ///   - frames: The number of frames in the message: 2, or 3 with a header.
    ///   - id: The first frame.
    ///   - payload: The second frame.
    ///   - header: The third frame. It is ignored if there are only two frames.
    /// - Returns: Whether the message was admitted. If not, decide the batch first and then pass the message again.
    /// - Throws: ``DropCause`` if the message is dropped. A dropped message changes no state. With
    ///   ``DropCause/paused``, as many timesteps as fit wait for the stream, and only the rest are dropped.
    public mutating func admit(
        frames: Int, id: Span<UInt8>, payload: RawSpan, header: RawSpan
    ) throws(DropCause) -> Bool {
        guard frames == 2 || frames == 3 else { throw .frames }
        let place = try place(of: id)
        guard isFree(place) else { return false }
        let header = frames == 3 ? try TimestepHeader(header) : TimestepHeader()
        try admit(payload, of: id, at: place, header)
        return true
    }

    /// Admits one message that was parsed from another codec, in the same way as a binary message.
    ///
    /// - Parameter message: The parsed message.
    /// - Returns: Same as ``admit(frames:id:payload:header:)``.
    /// - Throws: Same as ``admit(frames:id:payload:header:)``.
    public mutating func admit(_ message: ParsedTimesteps) throws(DropCause) -> Bool {
        let place = try place(of: message.id.span)
        guard isFree(place) else { return false }
        let values = try message.timesteps(features: rules[place.model].features)
        batch.put(values.span)
        try admit(message.count, of: message.id.span, at: place, message.header)
        return true
    }

    /// The destination of a message.
    struct Place {
        /// The slot of the stream; nil if the stream is not in the table yet.
        let slot: Int?
        let model: Int
        /// The hash of the id.
        let hash: UInt32
    }

    /// Finds the destination of a message. Inlined, like ``isFree(_:)``, because a call that only borrows the table
    /// would copy the whole table to the stack.
    @inline(__always)
    func place(of id: Span<UInt8>) throws(DropCause) -> Place {
        let hash = index.hash(id)
        if let slot = index.find(id, hash: hash) { return Place(slot: slot, model: streams[slot].model, hash: hash) }
        guard StreamID.isValid(id) else { throw .id }
        guard let model = router.model(for: id) else { throw .unrouted }
        return Place(slot: nil, model: model, hash: hash)
    }

    /// The destination of a message to a stream in the table. The slot serves as the hash, whose only purpose here is
    /// to distribute streams over the workers.
    @inline(__always)
    func place(ofSlot slot: Int) -> Place {
        Place(slot: slot, model: streams[slot].model, hash: UInt32(slot))
    }

    /// Whether the batch has room, and no message of the same stream yet.
    @inline(__always)
    func isFree(_ place: Place) -> Bool {
        guard !batch.isFull else { return false }
        return place.slot.map { !streams[$0].isInBatch } ?? true
    }

    /// Admits timesteps whose values have four bytes each.
    @inline(__always)
    mutating func admit(
        _ payload: RawSpan, of id: Span<UInt8>, at place: Place, _ header: TimestepHeader
    ) throws(DropCause) {
        let features = rules[place.model].features
        let takesTokens = rules[place.model].vocabulary != nil
        let count = try Timesteps.count(in: payload, features: features)
        var values = batch.room(for: count * features)
        if takesTokens {
            Timesteps.readTokens(payload, into: &values)
        } else {
            try Timesteps.read(payload, into: &values)
        }
        try admit(count, of: id, at: place, header)
    }

    /// Admits a message of any codec. Its values are already in the batch, as ``MessageBatch/incoming``.
    @inline(__always)
    private mutating func admit(
        _ count: Int, of id: Span<UInt8>, at place: Place, _ header: TimestepHeader
    ) throws(DropCause) {
        if let vocabulary = rules[place.model].vocabulary, !batch.incoming.areTokens(of: vocabulary) { throw .token }
        guard let slot = place.slot else { return try admitFirst(count, of: id, at: place, header) }
        guard streams[slot].isReady(in: phase) else { return try admitUnready(slot, count, of: id, at: place, header) }
        try enqueue(count, of: slot, hash: place.hash, header)
    }

    /// Admits a message of a stream that is ready. If the message is large, it is split into pieces.
    @inline(__always)
    private mutating func enqueue(
        _ count: Int, of slot: Int, hash: UInt32, _ header: TimestepHeader
    ) throws(DropCause) {
        let numbers = try SequenceNumbers(header, count: count, consumed: streams[slot].sequence)
        guard count <= rules[streams[slot].model].pieceSize else { return try enqueueInPieces(slot, count, header) }
        enqueue(slot, numbers, header.flags, count: count, hash: hash)
    }

    /// Admits the first message of a stream.
    private mutating func admitFirst(
        _ count: Int, of id: Span<UInt8>, at place: Place, _ header: TimestepHeader
    ) throws(DropCause) {
        if restoration.brings(id) {
            return try admitUnready(insertToRestore(id, model: place.model), count, of: id, at: place, header)
        }
        if let maximumStreams, index.count + restoration.streamsToCome >= maximumStreams { throw .tooManyStreams }
        // Check before the insertion, so that a dropped message does not create a stream.
        _ = try SequenceNumbers(header, count: count, consumed: 0)
        try enqueue(count, of: insert(id, model: place.model), hash: place.hash, header)
    }

    private mutating func enqueueInPieces(_ slot: Int, _ count: Int, _ header: TimestepHeader) throws(DropCause) {
        startWaiting(slot)
        goOn(slot)
        try wait(slot, header, count: count)
    }

    /// Admits a message of a stream that is paused, is hibernating, has waiting timesteps, or has not been reached by
    /// the current operation.
    private mutating func admitUnready(
        _ slot: Int, _ count: Int, of id: Span<UInt8>, at place: Place, _ header: TimestepHeader
    ) throws(DropCause) {
        reach(slot)
        guard index.isTaken(slot) else { return try admitFirst(count, of: id, at: place, header) }
        guard !streams[slot].isReady(in: phase) else { return try enqueue(count, of: slot, hash: place.hash, header) }
        if !streams[slot].isPaused, !streams[slot].waits {
            if isToBeRestored(slot) { startRestoring(slot) } else if streams[slot].isAsleep { startWaking(slot) }
        }
        try wait(slot, header, count: count)
    }

    /// Counts dropped timesteps if the stream is paused, and dropped messages otherwise.
    ///
    /// - Parameters:
    ///   - cause: The cause of the drop.
    ///   - count: The number of dropped timesteps or messages.
    public mutating func countDrop(_ cause: DropCause, _ count: UInt64 = 1) {
        ledger.counters.dropped[cause, default: 0] += count
    }

    mutating func insert(_ id: Span<UInt8>, model: Int) -> Int {
        let slot = index.insert(id)
        put(Stream(model: model, row: memories[model].insert(), phase), at: slot)
        return slot
    }

    /// Sets the entry of a slot that was just assigned to a stream.
    mutating func put(_ stream: Stream, at slot: Int) {
        // Slots in between are unassigned or free.
        while streams.count <= slot { streams.append(stream) }
        streams[slot] = stream
    }

    @inline(__always)
    mutating func markChanged(_ slot: Int) { changed.insert(slot) }
}

extension String {
    /// Decodes valid UTF-8.
    init(copying bytes: Span<UInt8>) {
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count)
        for index in bytes.indices { copy.append(bytes[index]) }
        self = String(decoding: copy, as: UTF8.self)
    }
}

extension Span<Float> {
    /// Whether all values are tokens of a vocabulary. The function is not inlined, because few models take tokens.
    @inline(never)
    fileprivate func areTokens(of vocabulary: Int) -> Bool {
        for index in indices {
            let token = self[index]
            guard token >= 0, token < Float(vocabulary), token == token.rounded() else { return false }
        }
        return true
    }
}
