package import Recurrent
public import Wire

/// All streams with their states, and the path from a message of timesteps to its decisions.
///
/// One owner, one thread: the daemon's hot loop. The caller passes the time in. Stored data comes and goes as
/// ``StreamSlice``s, so the table knows no clocks, files or sockets.
///
///     id bytes ──StreamIndex──▶ slot ──▶ Stream {sequence, step, label, …}
///                                           │ model, row
///                                           ▼
///                           StatePool of that model: | state … | last outputs |
///                     or TimestepBuffers of that model: | timesteps … | last outputs |
///
/// Messages are admitted while more are available without waiting. They are then stepped together and decided in the
/// order of arrival; see ``stepBatch()``.
public struct StreamTable: ~Copyable {
    /// The maximum number of timesteps that wait for one paused stream.
    public static let maximumWaiting = 65_536

    /// The served models in their original order.
    public internal(set) var models: [ServedModel] {
        didSet { rules = models.map(\.rule) }
    }
    /// The decision rules of ``models`` for the hot path.
    var rules: [DecisionRule]
    /// The counts of events since the start.
    public var counters: StreamCounters { ledger.counters }
    /// The recorder of changes for the journal.
    public var journal = JournalRecorder()

    /// Whether streams can be read back from a store. Without a store, a fault has no checkpoint to return to.
    public var hasStore = false
    /// The maximum number of streams, above which new ones are refused; nil for no limit.
    public var maximumStreams: Int?
    /// Events of streams that were not handed over yet, in order.
    public internal(set) var events: [StreamEvent] = []

    let workers: StepWorkers
    var memories: [StreamMemory]
    let router: Router
    var index = StreamIndex()
    /// The streams by slot. Entries of free slots have no meaning.
    var streams = GrowingBuffer<Stream>()
    /// The slots of streams that changed since the last checkpoint copied them.
    var changed = SlotSet()
    /// The slots freed since the last checkpoint, even if other streams use these slots by now.
    var removed = SlotSet()
    /// The slots of streams that the store is about to remove. Until it has done so, no checkpoint copies these
    /// streams.
    var doomed = SlotSet()
    /// The operation on many streams that is under way.
    var sweep: StreamSweep?
    /// The phase of every stream. While an operation is under way, only the streams that it has reached have this phase.
    var phase = Stream.Phase()
    /// The weights to which streams are moving.
    var exchange: ModelExchange?
    /// The restoration of streams from a snapshot.
    var restoration = StreamRestoration()
    /// The copies of an operation, and the keys of the hibernated streams that it found.
    var copied = StreamSlice(fingerprints: [])
    var copiedAsleep: [UInt32] = []
    /// The keys of the streams that the last operation removed or doomed.
    var removedKeys: [UInt32] = []
    /// The waiting timesteps by slot. A mark on a stream tells whether it has waiting timesteps.
    var waiting: [Int: WaitingTimesteps] = [:]
    /// The queue of streams whose waiting timesteps have their turn next.
    var backlog = Backlog()
    var ledger = StreamLedger()
    var hibernation = Hibernation()
    var replay = JournalReplay()
    /// The steps of the time of day since each stream's last timestep, by slot. The buffer grows only if there was a
    /// step.
    var clockShifts = GrowingBuffer<ClockShift>()
    /// The admitted messages without decisions.
    var batch: MessageBatch

    /// Creates an empty table.
    ///
    /// - Parameters:
    ///   - models: The models, at least one.
    ///   - workers: The threads that step streams.
    package init(models: [ServedModel], workers: StepWorkers = StepWorkers()) {
        self.models = models
        rules = models.map(\.rule)
        self.workers = workers
        batch = MessageBatch(workers: workers.count)
        memories = models.map { StreamMemory($0, workers: workers) }
        router = Router(models.map(\.policy.prefixes))
    }

    /// The number of streams in the table.
    public var count: Int { index.count }

    /// The id of the stream in a slot, such as one from ``DecidedBatch/slot(of:)``.
    @inline(__always)
    @_lifetime(borrow self)
    public func idBytes(of slot: Int) -> Span<UInt8> { index.id(of: slot) }

    /// The number of hibernated streams.
    public var asleepCount: Int { hibernation.count }

    /// The number of paused streams.
    public internal(set) var pausedCount = 0
    /// The number of streams changed since ``copyChanged(from:limit:)`` copied them. Takes linear time.
    public var changedCount: Int { changed.count }

    /// Admits one binary message to the batch. All of its timesteps are admitted or none, except for a paused stream.
    ///
    /// - Parameters:
    ///   - frames: The number of frames in the message: 2, or 3 with a header.
    ///   - id: The first frame.
    ///   - payload: The second frame.
    ///   - header: The third frame; ignored if there are two.
    /// - Returns: Whether the message was admitted. If not, decide the batch first and pass the message again.
    /// - Throws: ``DropCause`` if the message is dropped. A dropped message changes no state. With ``DropCause/paused``, the
    ///   timesteps that fit wait for the stream, and only the rest is dropped.
    public mutating func admit(
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
        try admit(count, of: id, at: place, header)
        return true
    }

    /// Admits one message of another codec in the same way.
    ///
    /// - Parameter message: The decoded message.
    /// - Returns: As ``admit(frames:id:payload:header:)``.
    /// - Throws: As ``admit(frames:id:payload:header:)``.
    public mutating func admit(_ message: ParsedTimesteps) throws(DropCause) -> Bool {
        let place = try place(of: message.id.span)
        guard isFree(place) else { return false }
        let values = try message.timesteps(features: rules[place.model].features)
        batch.put(values.span)
        try admit(message.count, of: message.id.span, at: place, message.header)
        return true
    }

    /// The destination of a message.
    private struct Place {
        /// The slot of the stream; nil if the stream is unknown.
        let slot: Int?
        let model: Int
        /// The hash of the id.
        let hash: UInt32
    }

    /// Inlined like ``isFree(_:)``, because a call that only borrows the table would copy all of it to the stack.
    @inline(__always)
    private func place(of id: Span<UInt8>) throws(DropCause) -> Place {
        let hash = index.hash(id)
        if let slot = index.find(id, hash: hash) { return Place(slot: slot, model: streams[slot].model, hash: hash) }
        guard StreamID.isValid(id) else { throw .id }
        guard let model = router.model(for: id) else { throw .unrouted }
        return Place(slot: nil, model: model, hash: hash)
    }

    /// Whether the batch has room and no message of the same stream.
    @inline(__always)
    private func isFree(_ place: Place) -> Bool {
        guard !batch.isFull else { return false }
        return place.slot.map { !streams[$0].isInBatch } ?? true
    }

    /// Admits the message whose values are the batch's ``MessageBatch/incoming``, whatever its codec.
    @inline(__always)
    private mutating func admit(
        _ count: Int, of id: Span<UInt8>, at place: Place, _ header: TimestepHeader
    ) throws(DropCause) {
        if let vocabulary = rules[place.model].vocabulary, !batch.incoming.areTokens(of: vocabulary) { throw .token }
        guard let slot = place.slot else { return try admitFirst(count, of: id, at: place, header) }
        guard streams[slot].isReady(in: phase) else { return try admitUnready(slot, count, of: id, at: place, header) }
        try enqueue(count, of: slot, hash: place.hash, header)
    }

    /// Admits a message of a stream that is ready. A large message is split into pieces.
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
        // The check comes before the insertion, so that a dropped message leaves no stream.
        _ = try SequenceNumbers(header, count: count, consumed: 0)
        try enqueue(count, of: insert(id, model: place.model), hash: place.hash, header)
    }

    private mutating func enqueueInPieces(_ slot: Int, _ count: Int, _ header: TimestepHeader) throws(DropCause) {
        startWaiting(slot)
        goOn(slot)
        try wait(slot, header, count: count)
    }

    /// Admits a message of a stream that is paused, is hibernated, has waiting timesteps, or was not reached by the
    /// operation under way.
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

    /// Counts drops: timesteps for a paused stream, messages otherwise.
    ///
    /// - Parameters:
    ///   - cause: The cause.
    ///   - count: The number of drops.
    public mutating func countDrop(_ cause: DropCause, _ count: UInt64 = 1) {
        ledger.counters.dropped[cause, default: 0] += count
    }

    mutating func insert(_ id: Span<UInt8>, model: Int) -> Int {
        let slot = index.insert(id)
        put(Stream(model: model, row: memories[model].insert(), phase), at: slot)
        return slot
    }

    /// Sets the entry of a slot that was just given to a stream.
    mutating func put(_ stream: Stream, at slot: Int) {
        // Slots in between are unassigned or free.
        while streams.count <= slot { streams.append(stream) }
        streams[slot] = stream
    }

    @inline(__always)
    mutating func markChanged(_ slot: Int) { changed.insert(slot) }
}

extension String {
    /// The text of valid UTF-8.
    init(copying bytes: Span<UInt8>) {
        var copy: [UInt8] = []
        copy.reserveCapacity(bytes.count)
        for index in bytes.indices { copy.append(bytes[index]) }
        self = String(decoding: copy, as: UTF8.self)
    }
}

extension Span<Float> {
    /// Whether all values are tokens of a vocabulary. Never inlined, because few models take tokens.
    @inline(never)
    fileprivate func areTokens(of vocabulary: Int) -> Bool {
        for index in indices {
            let token = self[index]
            guard token >= 0, token < Float(vocabulary), token == token.rounded() else { return false }
        }
        return true
    }
}
