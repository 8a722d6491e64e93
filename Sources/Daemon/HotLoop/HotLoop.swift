import Dispatch
import HTTPServer
import Logging
import Store
import Streams
import Wire
import ZeroMQ

/// The buffers that each turn reuses: for the received message and for the decisions.
struct TurnMemory: ~Copyable {
    var message = IngestMessage()
    /// The decisions of the turn. With only a few streams, decisions accumulate before they are published, so their
    /// number varies. Capacity for many decisions is therefore allocated at the start.
    var decided = DecidedBatch(capacity: 2048)
}

/// The daemon's main loop, which runs on the only thread that decides. The loop owns the sockets and the stream table.
/// Other threads post closures to its ``Mailbox``.
///
/// The hot path is ``receiveTimesteps(from:waits:by:)``: receive the waiting messages, step them together, publish. The
/// store's work would delay timesteps, so a ``StoreWorker`` does it on another thread and posts the results to the
/// mailbox.
struct HotLoop: ~Copyable {
    /// The time for which unsent decisions and replies are kept after an orderly stop, in milliseconds.
    static let lingerMilliseconds = 2_000
    /// The maximum number of messages to receive from one socket before other sockets and control requests get their
    /// turn.
    static let messagesPerTurn = 1_000
    /// The time after which other sockets and control requests get their turn, in nanoseconds, even if only a few
    /// messages have been received. This limit is needed because a message may contain many timesteps and a model may
    /// be large.
    static let timePerTurn: Int64 = 20_000_000
    /// The time for which the loop waits only at the ingest socket, in nanoseconds, while timesteps arrive in quick
    /// succession.
    ///
    /// This time is longer than the system's tick. During a shorter wait, the system would reset the tick's timer,
    /// which delays a single message by a few microseconds.
    static let ingestPatience: Int64 = 5_000_000
    /// The time after which decisions are published, in nanoseconds, even if more messages of the same streams are
    /// waiting. A full batch of a small model takes about this long.
    static let publishingPatience: Int64 = 200_000
    /// The maximum number of requests to receive in one turn, so that timesteps are handled in between. The same limit
    /// applies to subscriptions.
    static let requestsPerTurn = 100

    // The fields that every message needs come first. The size of a clock's instant is known only at run time, so the
    // offset of every field that follows an instant must be computed at run time.

    var table: StreamTable
    /// The latencies from receiving a batch to publishing its decisions.
    var latencies = LatencyHistogram()
    var clock = LoopClock()
    /// The ``SteadyClock`` time at which receiving the current batch began.
    var batchStart: Int64 = 0
    /// The ``SteadyClock`` time of the last decision.
    var decidedAt: Int64 = 0
    /// Whether the last turn received timesteps.
    private var hasTaken = false
    /// The maximum size of a frame of timesteps, in bytes.
    let maximumMessageSize: Int
    let publishers: [DecisionPublisher]
    /// Whether any publisher gathers decisions, as the codec `batch` does.
    let gathersDecisions: Bool
    let ingest: [IngestSocket]
    /// The parsed timesteps of a message in a codec other than `binary`.
    var parsed = ParsedTimesteps()
    /// The dictionaries that messages in the codec `batch` refer to.
    var dictionaries: StreamDictionaries
    /// Whether the store is writing dictionaries.
    var isStoringDictionaries = false
    var dropLog: DropLog
    /// The decisions and answers that wait for the journal.
    var group: GroupCommit
    /// The current operation on many streams.
    var operation = RunningOperation()

    let logger: Logger
    let worker: StoreWorker<StateStore>
    /// Reads model files for reloads, one at a time.
    let modelReader = DispatchQueue(label: "sluice.models")
    /// Reads the authorized keys on request. This queue is separate, so that a slow model reload does not delay the
    /// keys.
    let keyReader = DispatchQueue(label: "sluice.keys")
    var reloads: ReloadQueue
    /// Whether the authorized keys are being read, and whether they must be read once more afterwards.
    var keyReload: (isRunning: Bool, isAsked: Bool) = (false, false)
    let isDurable: Bool
    /// The state folder; nil if all state is in memory.
    let stateFolder: String?
    /// Detects the loss of the state folder; nil if there is no state folder.
    let folderWatch: StateFolderWatch?
    let journalSync: Journal.Sync
    let started = ContinuousClock.now
    /// A random number by which clients distinguish this run of the daemon from others.
    let instance = String(UInt64.random(in: .min ... .max), radix: 16)
    let startTime = WallClock.now()

    var checkpoints: CheckpointSchedule
    var checkpointWaiters = CheckpointWaiters()
    /// The schedule of the search for idle streams.
    var idleSweep: IdleSweep
    /// The number of jobs on other threads, such as those of the store and the journal, whose results have not been
    /// handled yet.
    var outsideJobs = 0
    var isStopping = false
    var controlRequests = DaemonMetrics.ControlRequests()
    /// The number of messages received from producers since the start.
    var messages: UInt64 = 0

    let access: AccessGuard
    var control: ControlServer
    /// The requests that have not been carried out yet.
    var requests = RequestQueue()
    /// Whether another thread is reading a large request. Only one is read at a time.
    var isReading = false
    /// The count of streams by label.
    var census = LabelCensus()
    /// The pages of streams that are being built.
    var pages: [PageJob] = []
    /// Reads large requests and writes large replies.
    let sideWorker: SideWorker
    /// The endpoint of the HTTP server, for `status`; nil if HTTP is off.
    var http: HTTPEndpoint?

    let mailbox: Mailbox
    /// Reports to systemd; nil if systemd expects no reports.
    var notifier: ServiceNotifier?
    /// Limits how long a stop may take; nil in tests.
    var stop: StopWatch?
    var poller: Poller
    private let mailboxItem: Int
    let ingestItems: [Int]
    private let publisherItems: [Int]
    private let controlItem: Int

    /// Opens the sockets. The streams continue from `state`.
    ///
    /// - Throws: ``DaemonError`` with the code `inUse` if an endpoint is in use, or `cannotCreate` for any other reason
    ///   why a socket cannot be opened.
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
            let publishers = try configuration.decisions.map { decisions throws(ZeroMQError) in
                try DecisionPublisher(decisions, configuration, in: context, by: access)
            }
            let control = try ControlServer(configuration.control, in: context, by: access)
            self.init(
                configuration, access: access, ingest: ingest, publishers: publishers, control: control,
                state: state, mailbox: mailbox, logger: logger)
        } catch {
            throw configuration.startError(error)
        }
    }

    private init(
        _ configuration: DaemonConfiguration, access: AccessGuard, ingest: [IngestSocket],
        publishers: [DecisionPublisher], control: consuming ControlServer, state: consuming StartState,
        mailbox: Mailbox, logger: Logger
    ) {
        worker = StoreWorker(state.store, name: "sluice.store", answeringTo: mailbox)
        group = GroupCommit(
            state.journal.map { StoreWorker($0, name: "sluice.journal", answeringTo: mailbox) },
            weights: state.weights, byteCount: state.journalBytes, sizeLimit: configuration.journalSize)
        dictionaries = StreamDictionaries(state.dictionaries)
        table = state.table
        table.noteClock(steppedBy: 0, to: WallClock.now())
        reloads = ReloadQueue(models: table.models.count)
        table.hasStore = configuration.durableFolder != nil
        table.maximumStreams = configuration.maximumStreams
        table.keepHistory(points: configuration.historyPoints, bytes: configuration.historyBytes)
        idleSweep = IdleSweep(
            idleAfter: configuration.idleAfter, forgetAfter: configuration.forgetAfter)
        self.logger = logger
        self.mailbox = mailbox
        isDurable = configuration.durableFolder != nil
        stateFolder = configuration.durableFolder
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
        var publisherItems: [Int] = []
        for publisher in publishers { publisherItems.append(poller.add(publisher.socket.socket)) }
        self.publisherItems = publisherItems
        controlItem = poller.add(control.socket)
        self.ingestItems = ingestItems
        self.poller = poller
        self.access = access
        sideWorker = SideWorker(answeringTo: mailbox)
        self.ingest = ingest
        self.publishers = publishers
        gathersDecisions = publishers.contains { $0.codec == .batch }
        self.control = control
    }

    /// Serves until a stop is requested, then performs an orderly stop.
    ///
    /// - Throws: ``DaemonError`` with the code `software` if a socket failed, or `inputOutput` if state could not be
    ///   written.
    mutating func run() throws(DaemonError) {
        var failure: ZeroMQError?
        // A local variable instead of a field, because the loop is mutated while these buffers are in use.
        var memory = TurnMemory()
        removeLeftovers()
        do throws(ZeroMQError) {
            while !isStopping { try turn(&memory) }
            // Start the stop watch after a control request to stop. A signal has already started it.
            stop?.ask()
            logger.info("stopping")
            dropReloads()
            notify(.stopping)
            try drain(&memory)
        } catch {
            // Without its sockets the daemon cannot serve, but the state must still become durable.
            failure = error
            isStopping = true
        }
        stop?.beginStoring()
        try makeStateDurable()
        if let failure { throw DaemonError(.software, failure.description) }
        logger.info("stopped: \(table.counters.timesteps) timesteps consumed, \(table.count) streams")
    }

    /// Waits until there is work, and then does the work.
    private mutating func turn(_ memory: inout TurnMemory) throws(ZeroMQError) {
        if hasTaken { try waitAtIngest(&memory) }
        let isFull = isIngestFull
        for item in ingestItems { poller.watch(item, !isFull) }
        // Requests that do not fit in the queue remain in the socket.
        poller.watch(controlItem, requests.hasRoom)
        let goesOn = !isFull && hasBatchInWork
        try poller.wait(milliseconds: goesOn || hasWork ? 0 : millisecondsToWait)
        clock.synchronize()
        table.noteTime(clock.now)
        if let step = clock.takeStep() { table.noteClock(steppedBy: step, to: clock.now) }
        let start = SteadyClock.now()
        if poller.mayBeReadable(mailboxItem) { readMail() }
        // Receive subscriptions before timesteps, because a publisher without a subscription publishes no decisions.
        for (publisher, item) in zip(publishers, publisherItems) where poller.mayBeReadable(item) {
            try publisher.takeSubscriptions()
        }
        for (socket, item) in zip(ingest, ingestItems) where poller.mayBeReadable(item) || socket.hasBatchInWork {
            if try receiveTimesteps(from: socket, by: &memory) { hasTaken = true }
        }
        if hasWork { try goOnWithWork(since: start, by: &memory) }
        if poller.mayBeReadable(controlItem) || hasRequests { try takeRequests() }
        if !pages.isEmpty, !table.isSweeping { continuePages() }
        if hasWaitingLastValues, !table.isSweeping { try publishLastValues() }
        if table.hasStuckStreams { tellStuckStreams() }
        if isDurable { keepDurable() }
        if table.hasEvents { wakeRequested() }
        if idleSweep.isDue, operation.end == nil { sweepIdle() }
        try commitGroup()
    }

    /// Whether the loop must stop receiving timesteps for now, because the journal or the backlog is full.
    var isIngestFull: Bool { group.isFull(table.journal.records) || table.isBacklogFull }

    /// Whether a message in the codec `batch` has entries that wait for the next turn.
    private var hasBatchInWork: Bool { ingest.contains { $0.hasBatchInWork } }

    /// Waits for more timesteps at the ingest socket, as long as they arrive in quick succession and no other work is
    /// expected.
    ///
    /// This is faster than waiting at the poller. Other work is delayed by at most twice ``ingestPatience``.
    private mutating func waitAtIngest(_ memory: inout TurnMemory) throws(ZeroMQError) {
        hasTaken = false
        guard ingest.count == 1, outsideJobs == 0, !group.isOn, !hasWaitingLastValues, pages.isEmpty,
            !hasRequests, !hasWork, !hasBatchInWork, !isStopping
        else {
            return
        }
        let start = batchStart
        while !table.hasEvents, !table.hasBacklog, batchStart - start < Self.ingestPatience {
            guard try receiveTimesteps(from: ingest[0], waits: true, by: &memory) else { return }
        }
        if table.hasEvents { wakeRequested() }
    }

    /// Whether any publisher has last values to send.
    private var hasWaitingLastValues: Bool { publishers.contains { $0.lastValues.areWaiting } }

    private var millisecondsToWait: Int {
        if !pages.isEmpty || hasRequests { return 0 }
        // This code runs in every turn, so it must not allocate an array.
        let now = SteadyClock.now()
        let store =
            isDurable
            ? min(checkpoints.millisecondsUntilDue(at: now), group.millisecondsUntilTry(at: now) ?? .max) : .max
        var least = min(
            store, idleSweep.millisecondsUntilDue ?? .max, operation.restoration?.millisecondsUntilRetry ?? .max)
        for publisher in publishers {
            least = min(least, publisher.lastValues.millisecondsUntilDue(at: now) ?? .max)
        }
        return least == .max ? -1 : least
    }

    /// Logs the streams whose timesteps are all skipped as duplicates.
    private mutating func tellStuckStreams() {
        let time = SteadyClock.now()
        for stuck in table.takeStuckStreams() { dropLog.record(stuck, at: time) }
    }

    mutating func readMail() {
        for action in mailbox.take() { action(&self) }
        if table.hasEvents { wakeRequested() }
    }
}
