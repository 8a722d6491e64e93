import Dispatch
import Logging
import Store
import Streams
import Wire
import ZeroMQ

/// What one message after another is read into, and what is decided on it.
struct TurnMemory: ~Copyable {
    var message = IngestMessage()
    /// What few streams have decided waits for more of theirs: how much comes together is by chance, so there is room from the
    /// start.
    var decided = DecidedBatch(capacity: 2048)
}

/// The daemon's one thread that decides: it owns the sockets and the stream table, and all else sends it letters.
///
/// The hot path is ``takeTimesteps(from:waits:by:)``: receive what is there, step it together, publish. Whatever must not be
/// done between two timesteps (the store) is done by the ``StoreWorker``, which posts its results to the ``Mailbox``.
struct HotLoop: ~Copyable {
    /// How long unsent decisions and replies live on after an orderly stop.
    static let lingerMilliseconds = 2_000
    /// Messages taken from one socket before the others, and control, have their turn.
    static let messagesPerTurn = 1_000
    /// Nanoseconds after which they have it in any case: a message may have many timesteps, and a model be large.
    static let timePerTurn: Int64 = 20_000_000
    /// Nanoseconds for which timesteps that come one soon after another are waited for at their socket alone. Longer than the
    /// system's tick: a wait that may end before it has the tick's timer set anew, which takes microseconds of a lone message.
    static let ingestPatience: Int64 = 5_000_000
    /// Nanoseconds after which what was decided is published, though there are more messages of the same streams: about as long
    /// as a full batch of a small model takes.
    static let publishingPatience: Int64 = 200_000
    /// Requests, and subscriptions, taken from their socket before ingest has its turn.
    static let requestsPerTurn = 100

    // What every message needs comes first. A type that holds a clock's instant has no size until run time, and the place of
    // what stands behind it must be looked for.

    var table: StreamTable
    /// From taking messages to publishing the decisions on them.
    var latencies = LatencyHistogram()
    var clock = LoopClock()
    /// When the loop began to take the messages of the batch, by the steady clock.
    var batchStart: Int64 = 0
    /// When the last batch was decided on, by the steady clock.
    private var decidedAt: Int64 = 0
    /// There were timesteps when they were looked for last.
    private var hasTaken = false
    /// The most bytes of a frame of timesteps.
    private let maximumMessageSize: Int
    let publisher: DecisionPublisher
    let ingest: [IngestSocket]
    /// What a message says with a codec other than `binary`.
    private var parsed = ParsedTimesteps()
    var dropLog: DropLog
    /// Decisions and answers that wait for the journal.
    var group: GroupCommit
    /// The operation on many streams that is under way.
    var operation = RunningOperation()

    let logger: Logger
    let worker: StoreWorker<StateStore>
    /// Reads model files again, one after another.
    let modelReader = DispatchQueue(label: "sluice.models")
    /// Reads the keys of who may come in again, whether or not a model is being read.
    let keyReader = DispatchQueue(label: "sluice.keys")
    var reloads: ReloadQueue
    /// The keys of who may come in are being read again; whether they are to be read once more then.
    var keyReload: (isRunning: Bool, isAsked: Bool) = (false, false)
    let isDurable: Bool
    /// Notices that the state folder is gone; nil where there is none.
    let folderWatch: StateFolderWatch?
    let journalSync: Journal.Sync
    let started = ContinuousClock.now
    /// Tells this start of the daemon from any other, for clients.
    let instance = String(UInt64.random(in: .min ... .max), radix: 16)
    let startTime = WallClock.now()

    var checkpoints: CheckpointSchedule
    var checkpointWaiters = CheckpointWaiters()
    /// When streams are looked through for idle ones.
    var idleSweep: IdleSweep
    /// Pieces of work on other threads, the store's, the journal's and others, that are not answered yet.
    var outsideJobs = 0
    var isStopping = false
    var controlRequests = DaemonMetrics.ControlRequests()

    let access: AccessGuard
    var control: ControlServer
    /// Requests that are not carried out yet.
    var requests = RequestQueue()
    /// A large request is being read beside the loop: one at a time.
    var isReading = false
    /// Pages of streams that are being put together.
    var pages: [PageJob] = []
    /// Who reads large requests and writes large replies.
    let sideWorker: SideWorker
    /// Where the daemon answers HTTP, for those who ask where it is; nil: nowhere.
    var http: HTTPEndpoint?

    let mailbox: Mailbox
    /// Who tells systemd how the daemon is; nil where it is not asked.
    var notifier: ServiceNotifier?
    /// Sees that a stop ends in time; nil in tests.
    var stop: StopWatch?
    var poller: Poller
    private let mailboxItem: Int
    let ingestItems: [Int]
    private let publisherItem: Int
    private let controlItem: Int

    /// Opens the sockets. The streams go on from where they are.
    ///
    /// - Throws: ``DaemonError``: `inUse` where an endpoint is taken, `cannotCreate` where it cannot be had otherwise.
    init(
        _ configuration: DaemonConfiguration, access: AccessGuard, state: consuming StartState, mailbox: Mailbox,
        logger: Logger
    ) throws(DaemonError) {
        do {
            let context = try Context(ioThreads: configuration.ioThreads)
            try access.open(in: context)
            let ingest = try configuration.ingest.map { endpoint throws(ZeroMQError) in
                try IngestSocket(endpoint, highWaterMark: configuration.highWaterMark, in: context, by: access)
            }
            let publisher = try DecisionPublisher(
                configuration.decisions, highWaterMark: configuration.highWaterMark, in: context, by: access)
            let control = try ControlServer(configuration.control, in: context, by: access)
            self.init(
                configuration, access: access, ingest: ingest, publisher: publisher, control: control, state: state,
                mailbox: mailbox, logger: logger)
        } catch {
            throw DaemonError(error.isAddressInUse ? .inUse : .cannotCreate, error.description)
        }
    }

    private init(
        _ configuration: DaemonConfiguration, access: AccessGuard, ingest: [IngestSocket], publisher: DecisionPublisher,
        control: consuming ControlServer, state: consuming StartState, mailbox: Mailbox, logger: Logger
    ) {
        worker = StoreWorker(state.store, name: "sluice.store", answeringTo: mailbox)
        group = GroupCommit(
            state.journal.map { StoreWorker($0, name: "sluice.journal", answeringTo: mailbox) },
            weights: state.weights, byteCount: state.journalBytes, sizeLimit: configuration.journalSize)
        table = state.table
        table.noteClock(steppedBy: 0, to: WallClock.now())
        reloads = ReloadQueue(models: table.models.count)
        table.hasStore = configuration.durableFolder != nil
        table.maximumStreams = configuration.maximumStreams
        idleSweep = IdleSweep(
            idleAfter: configuration.idleAfter, forgetAfter: configuration.forgetAfter)
        self.logger = logger
        self.mailbox = mailbox
        isDurable = configuration.durableFolder != nil
        folderWatch = configuration.durableFolder.map { StateFolderWatch(folder: $0) }
        journalSync = configuration.journalSync
        maximumMessageSize = configuration.access.maximumMessageSize
        checkpoints = CheckpointSchedule(
            interval: .seconds(configuration.checkpointInterval), now: SteadyClock.now(), time: WallClock.now())
        dropLog = DropLog(logger)
        var poller = Poller()
        var ingestItems: [Int] = []
        for socket in ingest { ingestItems.append(poller.add(socket.socket)) }
        mailboxItem = poller.add(mailbox.wakeup)
        publisherItem = poller.add(publisher.socket)
        controlItem = poller.add(control.socket)
        self.ingestItems = ingestItems
        self.poller = poller
        self.access = access
        sideWorker = SideWorker(answeringTo: mailbox)
        self.ingest = ingest
        self.publisher = publisher
        self.control = control
    }

    /// Decides until it is told to stop, then stops in order.
    ///
    /// - Throws: ``DaemonError``: `software` where a socket failed, `inputOutput` where the last checkpoint did.
    mutating func run() throws(DaemonError) {
        var failure: ZeroMQError?
        // Beside the loop and not in it: what is in it is read while the loop is changed.
        var memory = TurnMemory()
        removeLeftovers()
        do throws(ZeroMQError) {
            while !isStopping { try turn(&memory) }
            // Where it was asked for by a request, and not by a signal.
            stop?.ask()
            logger.info("stopping")
            dropReloads()
            notify(.stopping)
            try drain(&memory)
        } catch {
            // Nothing can be done without its sockets; the state is made durable all the same.
            failure = error
            isStopping = true
        }
        stop?.beginStoring()
        try makeStateDurable()
        if let failure { throw DaemonError(.software, failure.description) }
        logger.info("stopped: \(table.counters.timesteps) timesteps consumed, \(table.count) streams")
    }

    /// Waits until there is something to do, and does it.
    private mutating func turn(_ memory: inout TurnMemory) throws(ZeroMQError) {
        if hasTaken { try waitAtIngest(&memory) }
        let isFull = isIngestFull
        for item in ingestItems { poller.watch(item, !isFull) }
        // What there is no room for waits in the socket.
        poller.watch(controlItem, requests.hasRoom)
        try poller.wait(milliseconds: hasWork ? 0 : millisecondsToWait)
        clock.synchronize()
        if let step = clock.takeStep() { table.noteClock(steppedBy: step, to: clock.now) }
        let start = SteadyClock.now()
        if poller.mayBeReadable(mailboxItem) { readMail() }
        for (socket, item) in zip(ingest, ingestItems) where poller.mayBeReadable(item) {
            if try takeTimesteps(from: socket, by: &memory) { hasTaken = true }
        }
        if hasWork { try goOnWithWork(since: start, by: &memory) }
        if poller.mayBeReadable(controlItem) || hasRequests { try takeRequests() }
        if !pages.isEmpty, !table.isSweeping { continuePages() }
        if poller.mayBeReadable(publisherItem) { try publisher.takeSubscriptions() }
        if publisher.lastValues.areWaiting, !table.isSweeping { try publishLastValues() }
        if table.hasStuckStreams { tellStuckStreams() }
        if isDurable { keepDurable() }
        if table.hasNews { wakeRequested() }
        if idleSweep.isDue, operation.end == nil { sweepIdle() }
        try commitGroup()
    }

    /// No more timesteps are taken for now: enough waits for the journal, or for its turn.
    private var isIngestFull: Bool { group.isFull(table.records) || table.isBacklogFull }

    /// Waits for more timesteps where they come in, as long as they come one soon after another and nothing else is expected:
    /// the next one is then there sooner than by way of the poller. All else waits at most twice ``ingestPatience`` for it.
    private mutating func waitAtIngest(_ memory: inout TurnMemory) throws(ZeroMQError) {
        hasTaken = false
        guard ingest.count == 1, outsideJobs == 0, !group.isOn, !publisher.lastValues.areWaiting, pages.isEmpty,
            !hasRequests, !hasWork, !isStopping
        else {
            return
        }
        let start = batchStart
        while !table.hasNews, !table.hasBacklog, batchStart - start < Self.ingestPatience {
            guard try takeTimesteps(from: ingest[0], waits: true, by: &memory) else { return }
        }
        if table.hasNews { wakeRequested() }
    }

    private var millisecondsToWait: Int {
        if !pages.isEmpty || hasRequests { return 0 }
        // Without an array: every turn asks.
        let now = SteadyClock.now()
        let store =
            isDurable
            ? min(checkpoints.millisecondsUntilDue(at: now), group.millisecondsUntilTry(at: now) ?? .max) : .max
        let others = min(
            idleSweep.millisecondsUntilDue ?? .max, publisher.lastValues.millisecondsUntilDue(at: now) ?? .max)
        let least = min(store, others, operation.restoration?.millisecondsUntilRetry ?? .max)
        return least == .max ? -1 : least
    }

    /// The hot path: takes the messages that have arrived by one socket, steps their streams together, publishes; then those
    /// that have arrived meanwhile. The first is decided on at once, unless that takes long: it may be alone, and does not wait
    /// for the look whether it is.
    ///
    /// - Parameters:
    ///   - socket: Where they come in.
    ///   - waits: Whether to wait for the first, for ``ingestPatience``.
    ///   - memory: What they are read into.
    /// - Returns: Whether there was one.
    /// - Throws: `ZeroMQError` where a socket failed.
    mutating func takeTimesteps(
        from socket: IngestSocket, waits: Bool = false, by memory: inout TurnMemory
    ) throws(ZeroMQError) -> Bool {
        guard !isIngestFull, try socket.receive(into: &memory.message, waits: waits) else {
            return false
        }
        let start = SteadyClock.now()
        batchStart = start
        try takeMessage(from: socket, by: &memory)
        if table.isBatchSmall { try decideAndPublish(&memory.decided) }
        var count = 1
        var countBefore: Int
        repeat {
            countBefore = count
            // The turn's bounds here too: messages of few streams are decided on one by one, and never fill a batch.
            while !table.isBatchFull, !isIngestFull, count < Self.messagesPerTurn,
                batchStart - start < Self.timePerTurn,
                !table.hasBacklog || SteadyClock.now() - start < Self.timePerTurn,
                try socket.receive(into: &memory.message)
            {
                count += 1
                try takeMessage(from: socket, by: &memory)
            }
            try decideAndPublish(&memory.decided)
            // What came alone is the last for now: whoever waits for its decision is not kept from a core meanwhile.
        } while count > countBefore + 1
        return true
    }

    /// Takes the message that was received into the table's batch, decided on first where it has one of the same stream.
    ///
    /// What was decided waits on for the others that have come: to publish it one by one takes libzmq longer.
    private mutating func takeMessage(
        from socket: IngestSocket, by memory: inout TurnMemory
    ) throws(ZeroMQError) {
        while !take(memory.message, from: socket) {
            decide(&memory.decided)
            let isLate = decidedAt - batchStart >= Self.publishingPatience
            // What happened to a stream is told before what is decided on it afterwards.
            if isLate || memory.decided.isLarge || table.hasNews { try publish(&memory.decided) }
        }
    }

    /// Takes one message into the table's batch, or drops it.
    ///
    /// - Returns: False where the batch must be decided on first: a message of the same stream is in it.
    private mutating func take(_ message: borrowing IngestMessage, from socket: IngestSocket) -> Bool {
        do throws(DropCause) {
            if message.exceeds(maximumMessageSize) { throw .tooLarge }
            guard socket.codec != .binary else {
                return try table.take(
                    frames: message.frameCount, id: message.id.bytes, payload: message.payload.rawBytes,
                    header: message.header)
            }
            try parsed.read(
                socket.codec, frames: message.frameCount, first: message.id.bytes, second: message.payload.bytes)
            return try table.take(parsed)
        } catch {
            table.countDrop(error)
            dropLog.record(error, id: message.id.bytes, from: socket.endpoint, at: SteadyClock.now())
            return true
        }
    }

    mutating func decideAndPublish(_ decided: inout DecidedBatch) throws(ZeroMQError) {
        decide(&decided)
        try publish(&decided)
    }

    /// Steps what was taken, and decides on it.
    private mutating func decide(_ decided: inout DecidedBatch) {
        guard !table.isBatchEmpty else { return }
        table.stepBatch()
        decidedAt = SteadyClock.now()
        table.decideBatch(time: clock.time(at: decidedAt), into: &decided)
    }

    /// Publishes what was decided, message by message.
    private mutating func publish(_ decided: inout DecidedBatch) throws(ZeroMQError) {
        guard decided.time != nil else { return }
        if group.isOn {
            Self.hold(decided, idsFrom: table, in: &group.gathered.decisions)
        } else {
            for message in 0..<decided.count {
                try publisher.publish(
                    table.idBytes(of: decided.slot(of: message)), records: decided.records(of: message))
            }
        }
        if !decided.drops.isEmpty { countDrops(decided) }
        recordLatency(decisions: decided.records.count)
        decided.removeAll()
        if table.hasNews { announceNews() }
    }

    /// Lets decisions wait for the journal.
    private static func hold(
        _ decided: borrowing DecidedBatch, idsFrom table: borrowing StreamTable, in held: inout HeldDecisions
    ) {
        for message in 0..<decided.count {
            held.append(table.idBytes(of: decided.slot(of: message)), decided.records(of: message))
        }
    }

    private mutating func countDrops(_ decided: borrowing DecidedBatch) {
        for drop in decided.drops {
            table.countDrop(drop.cause)
            let id = Array(copying: table.idBytes(of: drop.slot))
            dropLog.record(drop.cause, id: id.span, at: decidedAt)
        }
    }

    /// A batch is published, or waits for the journal; then its decisions are counted when they are published.
    private mutating func recordLatency(decisions: Int) {
        let now = SteadyClock.now()
        if group.isOn {
            group.gathered.taken.append((batchStart, decisions))
        } else {
            latencies.record(now - batchStart, count: decisions)
        }
        batchStart = now
    }

    /// Says which streams have nothing but duplicates.
    private mutating func tellStuckStreams() {
        let time = SteadyClock.now()
        for stuck in table.takeStuckStreams() { dropLog.record(stuck, at: time) }
    }

    mutating func readMail() {
        for letter in mailbox.take() { letter(&self) }
        if table.hasNews { wakeRequested() }
    }
}
