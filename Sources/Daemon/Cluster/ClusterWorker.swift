#if Cluster
import Cluster
import Logging
import NATS
import Synchronization
import Wire

/// A thread that owns some of the node's partitions. It has a connection of its own, and waits at one inbox for the
/// answers and deliveries of all its partitions.
final class ClusterWorker: Sendable {
    /// A step that the coordinator asks for.
    enum Command: Sendable {
        case claim(Int)
        case drain(Int)
        case verify(Int)
        /// Follow a partition as a warm standby.
        case standBy(Int)
        /// Let the standby of a partition step the log up to a message.
        case advance(Int, through: UInt64)
        /// End the standby of a partition.
        case stopStandingBy(Int)
        /// End the thread. What is under way is dropped.
        case stop
    }

    /// A change that the worker reports to the coordinator.
    enum Report: Sendable {
        case state(Int, Heartbeat.PartitionState)
        case ended(Int, PartitionEnd)
        /// A standby has ended before it claimed; with a reason if this node cannot serve the partition.
        case standbyEnded(Int, refusal: String?)
        /// The measures of the worker's partitions, for `status`, readiness and metrics.
        case measures(WorkerMeasures)
    }

    /// The number of the worker.
    let number: Int
    private let commands = Mutex<[Command]>([])
    private let connection: Connection
    private let settings: OwnershipSettings
    private let library: WeightsLibrary
    private let logger: Logger
    private let report: @Sendable (Report) -> Void

    init(
        _ number: Int, _ connection: Connection, settings: OwnershipSettings, library: WeightsLibrary, logger: Logger,
        report: @escaping @Sendable (Report) -> Void
    ) {
        self.number = number
        self.connection = connection
        self.settings = settings
        self.library = library
        self.logger = logger
        self.report = report
    }

    /// Posts a command. Can be called from any thread.
    func post(_ command: Command) { commands.withLock { $0.append(command) } }

    private func takeCommands() -> [Command] {
        commands.withLock { commands in
            defer { commands = [] }
            return commands
        }
    }

    /// Runs until ``Command/stop``.
    ///
    /// - Throws: `NATSError` if the connection is closed for good.
    func run() throws(NATSError) {
        var loop = Loop(self, inbox: try Inbox(on: connection))
        while !loop.isStopping { try loop.turn() }
    }
}

extension ClusterWorker {
    /// The maximum number of messages to take before the partitions get their turn.
    private static let messagesPerTurn = 512
    /// The time to wait for a message, in milliseconds, before time passes for the partitions.
    private static let patience = 20
    /// The time in each turn for questions about streams, in nanoseconds.
    private static let timeForQuestions: Int64 = 1_000_000
    /// The time between two reports of measures, in nanoseconds.
    private static let measuresInterval: Int64 = 1_000_000_000
    /// The time between two counts of the streams by label, in nanoseconds. A count of a million streams takes 10
    /// to 35 ms.
    private static let labelCountInterval: Int64 = 5_000_000_000

    /// The requests of a worker. Sessions send through it.
    struct Sender {
        let inbox: Inbox
        let connection: Connection
        let library: WeightsLibrary
        var ledger = RequestLedger<PartitionSession.Asked>()
        /// The requests that could not be sent.
        var failed: [PartitionSession.Asked] = []
        var now: Int64 = 0

        /// Whether there is time left for questions about streams in this turn of the worker, all partitions together.
        var hasTimeForQuestions: Bool { SteadyClock.now() - now < ClusterWorker.timeForQuestions }

        mutating func send(
            _ asked: PartitionSession.Asked, _ subject: String, _ bytes: [UInt8], headers: [(String, String)]
        ) {
            do throws(NATSError) {
                let token = try inbox.request(subject, bytes.span, headers: headers)
                ledger.add(token, asked, deadline: now + PartitionSession.patience)
            } catch {
                // While the connection is down, nothing is sent. That counts as an answer that did not come.
                failed.append(asked)
            }
        }

        /// Sends a message that needs no answer. If it is lost, whoever waits for it asks again.
        func publish(_ subject: String, _ bytes: [UInt8]) { try? connection.publish(subject, bytes.span) }

        /// Subscribes to a subject; nil while the connection is closed.
        func subscribe(to subject: String) -> Subscription? { try? connection.subscribe(subject) }
    }

    /// The state of the worker's thread.
    private struct Loop {
        let worker: ClusterWorker
        var sender: Sender
        var sessions: [Int: PartitionSession] = [:]
        var told: [Int: Heartbeat.PartitionState] = [:]
        var sessionCount = 0
        var isStopping = false
        var nextMeasures: Int64 = 0
        var nextLabelCount: Int64 = 0
        /// The counts that outlast sessions. The partitions are added with each report.
        var totals: WorkerMeasures

        init(_ worker: ClusterWorker, inbox: Inbox) {
            self.worker = worker
            totals = WorkerMeasures(worker: worker.number, time: 0)
            sender = Sender(inbox: inbox, connection: worker.connection, library: worker.library)
        }

        mutating func turn() throws(NATSError) {
            sender.now = SteadyClock.now()
            for command in worker.takeCommands() { carryOut(command) }
            try takeMessages()
            sender.now = SteadyClock.now()
            let failed = sender.failed + sender.ledger.takeExpired(at: sender.now)
            sender.failed = []
            for asked in failed { sessions[asked.partition]?.expire(asked) }
            for session in sessions.values { session.turn(at: sender.now, by: &sender) }
            tell()
        }

        private mutating func takeMessages() throws(NATSError) {
            var wait = sessions.values.contains { $0.hasQuestions } ? 0 : ClusterWorker.patience
            for _ in 0..<ClusterWorker.messagesPerTurn {
                guard let message = try sender.inbox.next(timeoutMilliseconds: wait) else { break }
                wait = 0
                dispatch(message)
            }
            for session in sessions.values { session.pause(by: &sender) }
        }

        private mutating func dispatch(_ message: Message) {
            if let token = message.token, let asked = sender.ledger.take(token) {
                sessions[asked.partition]?.answer(asked, message, by: &sender)
                return
            }
            if let delivery = message.delivery {
                guard let partition = ClusterNames.partition(ofLog: delivery.stream) else { return }
                sessions[partition]?.deliver(message, delivery, at: sender.now)
                return
            }
            // The status of a pull does not say to which stream it belongs.
            for session in sessions.values where session.takeStatus(message, at: sender.now) { return }
        }

        private mutating func carryOut(_ command: Command) {
            switch command {
            case .claim(let partition): claim(partition)
            case .standBy(let partition):
                if sessions[partition] == nil { begin(partition, standsBy: true) }
            case .advance(let partition, let through): sessions[partition]?.advance(through: through, by: &sender)
            case .stopStandingBy(let partition): sessions[partition]?.stopStandingBy(by: &sender)
            case .drain(let partition): sessions[partition]?.drain(by: &sender)
            case .verify(let partition): sessions[partition]?.verify(by: &sender)
            case .stop: isStopping = true
            }
        }

        private mutating func claim(_ partition: Int) {
            totals.claims[partition, default: 0] += 1
            if let session = sessions[partition], session.owner.hasEnded {
                finish(session)
            }
            if let session = sessions[partition] {
                session.claim(by: &sender)
            } else {
                begin(partition, standsBy: false)
            }
        }

        private mutating func begin(_ partition: Int, standsBy: Bool) {
            sessionCount += 1
            sessions[partition] = PartitionSession(
                partition, id: sessionCount, settings: worker.settings, standsBy: standsBy, inbox: sender.inbox,
                now: sender.now)
        }

        /// Reports what has changed to the coordinator.
        private mutating func tell() {
            for (partition, session) in sessions {
                if session.owner.hasEnded { finish(session) }
                guard let state = Heartbeat.PartitionState(session.owner.phase), told[partition] != state else {
                    continue
                }
                told[partition] = state
                nextMeasures = sender.now
                if state == .serving { tellServing(session) }
                worker.report(.state(partition, state))
            }
            guard sender.now >= nextMeasures else { return }
            nextMeasures = sender.now + ClusterWorker.measuresInterval
            if sender.now >= nextLabelCount { countLabels() }
            worker.report(.measures(measures))
        }

        private func tellServing(_ session: PartitionSession) {
            let streams = session.owner.streamCount
            worker.logger.info(
                "serves partition \(session.partition) with \(streams) streams: \(session.takeOverTimes)")
        }

        private mutating func countLabels() {
            nextLabelCount = sender.now + ClusterWorker.labelCountInterval
            totals.streamsByLabel = sessions.values.filter { $0.owner.claims }
                .reduce(into: []) { $0.add(countsByLabel: $1.owner.labelCounts) }
        }

        private var measures: WorkerMeasures {
            var measures = totals
            measures.time = sender.now
            for session in sessions.values {
                measures.counts += session.owner.counts
                if let partition = session.measures(at: sender.now) { measures.partitions.append(partition) }
            }
            return measures
        }

        private mutating func finish(_ session: PartitionSession) {
            guard case .ended(let end) = session.owner.phase else { return }
            let partition = session.partition
            sessions[partition] = nil
            told[partition] = nil
            nextMeasures = sender.now
            totals.counts += session.owner.counts
            guard session.owner.claims else {
                var refusal: String?
                if case .failed(let error) = end { refusal = error.description }
                return worker.report(.standbyEnded(partition, refusal: refusal))
            }
            switch end {
            case .drained:
                worker.logger.info("partition \(partition) is drained")
                worker.report(.ended(partition, .drained))
            case .fenced:
                totals.refusedWrites[partition, default: 0] += 1
                worker.logger.warning("partition \(partition) ends here: another node has written to its chain")
                worker.report(.ended(partition, .fenced(by: nil)))
            case .unanswered:
                worker.logger.warning("partition \(partition) ends here: NATS did not answer in time")
                worker.report(.ended(partition, .unanswered))
            case .failed(let error):
                worker.logger.error("partition \(partition) is not served here: \(error)")
                worker.report(.ended(partition, .cannotServe(reason: error.description)))
            }
        }
    }
}

extension Heartbeat.PartitionState {
    /// The state for the heartbeat; nil if the ownership has ended, or is a standby.
    init?(_ phase: PartitionOwner.Phase) {
        switch phase {
        case .claiming: self = .claiming
        case .restoring, .replaying: self = .restoring
        case .serving: self = .serving
        case .draining: self = .draining
        case .standingBy, .ended: return nil
        }
    }
}
#endif
