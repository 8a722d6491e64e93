#if Cluster
import Cluster
import Foundation
import Logging
import NATS
import Streams
import Synchronization
import Wire
import ZeroMQ

/// Answers control requests on a node of a cluster.
///
/// A change of streams is a record in the log of each partition that it concerns, so it is ordered with their timesteps.
/// A question about streams goes to the owners of their partitions over NATS, and this node puts the answers together.
final class ClusterControl: Sendable {
    /// The time for which a turn waits for requests, in milliseconds, while owners' answers are awaited.
    private static let shortWait = 2
    private static let longWait = 50

    private let node: String
    private let facts: ClusterFacts
    private let coordinator: ClusterCoordinator
    private let connection: Connection
    private let nodeStatus: NodeStatus
    private let models: [ServedModel]
    private let library: WeightsLibrary
    private let logger: Logger
    private let isStopping = Atomic(false)
    /// The requests of pages, which the thread has not taken yet.
    private let requests = Mutex<[RawRequest]>([])
    private let wakeup: Wakeup
    /// The number of requests answered.
    let answered = Mutex(DaemonMetrics.ControlRequests())

    /// - Throws: `ZeroMQError` if the process has reached its limit on open files.
    init(
        node: String, facts: ClusterFacts, status: NodeStatus, models: [ServedModel], library: WeightsLibrary,
        coordinator: ClusterCoordinator, connection: Connection, logger: Logger
    ) throws(ZeroMQError) {
        wakeup = try Wakeup()
        self.node = node
        self.facts = facts
        nodeStatus = status
        self.models = models
        self.library = library
        self.coordinator = coordinator
        self.connection = connection
        self.logger = logger
    }

    /// Carries out a page's request. The answer goes to its ``PageCall``. Can be called from any thread.
    func carryOut(_ request: RawRequest) {
        requests.withLock { $0.append(request) }
        wakeup.signal()
    }

    private func takeRequests() -> [RawRequest] {
        requests.withLock { requests in
            defer { requests = [] }
            return requests
        }
    }

    /// Ends ``run(_:)``. Can be called from any thread.
    func stop() { isStopping.store(true, ordering: .relaxed) }

    /// Answers requests until ``stop()``.
    ///
    /// - Parameter server: The socket for requests.
    /// - Throws: `ZeroMQError` or `NATSError` if the socket or the connection failed for good.
    func run(_ server: consuming ControlServer) throws {
        let drains = try connection.subscribe(ClusterNames.drainSubject(node))
        var loop = Loop(self, inbox: try Inbox(on: connection))
        var poller = Poller()
        let item = poller.add(server.socket)
        let wakeupItem = poller.add(wakeup)
        while !isStopping.load(ordering: .relaxed) {
            try poller.wait(milliseconds: loop.isWaiting ? Self.shortWait : Self.longWait)
            if poller.mayBeReadable(item) {
                while let request = try server.receive() { loop.carryOut(ReadRequest(request)) }
            }
            if poller.mayBeReadable(wakeupItem) { wakeup.clear() }
            for request in takeRequests() { loop.carryOut(ReadRequest(request)) }
            try loop.takeMessages()
            while let message = try drains.next(timeoutMilliseconds: 0) {
                if NodeDrains.concerns(message, node, in: coordinator.report.overview) { coordinator.post(.leave) }
            }
            loop.tick()
            for (reply, address) in loop.takeReplies() {
                answered.withLock { $0.count(reply) }
                try server.send(reply, to: address)
            }
        }
    }
}

extension ClusterControl {
    /// The state of the thread.
    private struct Loop {
        let control: ClusterControl
        let inbox: Inbox
        private var changes: PartitionChanges
        private var questions: PartitionQuestions
        private var drains: NodeDrains
        /// The reloads whose files are being read.
        private var reloads: [Int: (address: ControlServer.ReturnAddress, resets: Bool)] = [:]
        private var reloadCount = 0
        private var replies: [(WrittenReply, ControlServer.ReturnAddress)] = []

        init(_ control: ClusterControl, inbox: Inbox) {
            self.control = control
            self.inbox = inbox
            changes = PartitionChanges(inbox)
            questions = PartitionQuestions(inbox)
            drains = NodeDrains(control.connection)
        }

        var isWaiting: Bool {
            changes.isWaiting || questions.isWaiting || drains.isWaiting || !reloads.isEmpty
        }

        mutating func takeReplies() -> [(WrittenReply, ControlServer.ReturnAddress)] {
            for ended in questions.takeEnded() { finish(ended) }
            defer { replies = [] }
            return replies + changes.takeEnded()
        }

        private mutating func finish(_ ended: PartitionQuestions.Ended) {
            do throws(ControlError) {
                switch try ended.end(control.coordinator.report.overview) {
                case .reply(let reply): replies.append((reply, ended.address))
                case .change(let change): try changes.begin(change, for: ended.address, at: SteadyClock.now())
                }
            } catch {
                refuse(error, to: ended.address)
            }
        }

        private mutating func refuse(_ error: ControlError, to address: ControlServer.ReturnAddress) {
            replies.append((WrittenReply(Result<Bool, ControlError>.failure(error), id: address.id), address))
        }

        mutating func carryOut(_ request: ReadRequest) {
            let address = request.address
            do throws(ControlError) {
                try carryOut(try request.command.get(), for: address)
            } catch {
                refuse(error, to: address)
            }
        }

        private mutating func carryOut(
            _ command: ControlCommand, for address: ControlServer.ReturnAddress
        ) throws(ControlError) {
            let count = control.facts.partitions
            switch command {
            case .cluster: answer(ClusterStatus(of: control.node, control.coordinator.report), to: address)
            case .status: ask(GatheredStatus(control.nodeStatus.current, partitions: count), for: address)
            case .streams(let prefix, let after, let limit):
                ask(GatheredPage(prefix: prefix, after: after, limit: limit, partitions: count), for: address)
            case .namedStreams(let ids): ask(NamedStreams(ids, partitions: count), for: address)
            case .stream(let id): ask(SingleAnswer<StreamStatus>(question(command, about: id)), for: address)
            case .history(let request):
                if case .recent(_, _, let name?) = request.streams { _ = try model(named: name) }
                ask(GatheredHistory(request, partitions: count), for: address)
            case .export(let id): ask(SingleAnswer<StreamExport>(question(command, about: id)), for: address)
            case .snapshots: ask(GatheredSnapshots(partitions: count), for: address)
            case .logLevel(let level):
                var logger = control.logger
                let before = LogLevel(logger.logLevel)
                if let level { logger.logLevel = Logger.Level(level) }
                answer(LogLevelResult(level: before), to: address)
            case .shutdown:
                answer(true, to: address)
                control.coordinator.post(.leave)
            case .drain(control.node):
                answer(DrainResult(node: control.node, left: false), to: address)
                control.coordinator.post(.leave)
            case .drain(let node):
                try drains.begin(node, for: address, in: control.coordinator.report.overview, at: SteadyClock.now())
            default: try carryOutChange(command, for: address)
            }
        }

        private mutating func carryOutChange(
            _ command: ControlCommand, for address: ControlServer.ReturnAddress
        ) throws(ControlError) {
            let count = control.facts.partitions
            switch command {
            case .reset(let selection):
                var record = ControlRecord()
                record.reset = .init(selection)
                try change(record, in: selection, for: address) { ResetResult(reset: $0) }
            case .remove(let selection):
                var record = ControlRecord()
                record.remove = .init(selection)
                try change(record, in: selection, for: address) { RemoveResult(removed: $0) }
            case .import(let export, let id):
                var record = ControlRecord()
                var export = export
                export.stream = id ?? export.stream
                record.import = export
                let stream = export.stream
                try change(record, in: .stream(stream), for: address) { _ in ImportResult(stream: stream) }
            case .reload(let name, let resets):
                let model = try model(named: name)
                reloadCount += 1
                reloads[reloadCount] = (address, resets)
                control.library.reload(model, number: reloadCount)
            case .snapshot(let name, let selection):
                let change = PartitionChange.taking(name, selection, partitions: count)
                if case .stream(let id) = selection {
                    ask(SnapshotOfStream(question(.stream(id), about: id), change), for: address)
                } else {
                    try changes.begin(change, for: address, at: SteadyClock.now())
                }
            case .restore(let name, let selection):
                let selected = partitions(of: selection)
                ask(
                    FoundSnapshot(name, in: GatheredSnapshots(partitions: count), needsAllParts: true) {
                        .restoring(name, id: $0, selection, in: selected)
                    }, for: address)
            case .deleteSnapshot(let name):
                ask(
                    FoundSnapshot(name, in: GatheredSnapshots(partitions: count), needsAllParts: false) {
                        .deleting(name, id: $0, partitions: count)
                    }, for: address)
            default: throw ClusterControl.refusal(of: command.method)
            }
        }

        private func model(named name: String) throws(ControlError) -> Int {
            if let model = control.models.firstIndex(where: { $0.name == name }) { return model }
            throw ControlError(.invalidParams, "no model '\(name.shortened)'; 'sluice status' lists the models")
        }

        private mutating func answer<Answer: Codable & Sendable>(
            _ answer: Answer, to address: ControlServer.ReturnAddress
        ) {
            replies.append((WrittenReply(.success(answer), id: address.id), address))
        }

        private mutating func ask(_ answer: some GatheredAnswer, for address: ControlServer.ReturnAddress) {
            questions.begin(answer, for: address, at: SteadyClock.now())
        }

        private func question(_ command: ControlCommand, about id: String) -> PartitionQuestion {
            PartitionQuestion(
                partition: Partitioning.partition(of: id.utf8.span, count: control.facts.partitions), command: command)
        }

        private func partitions(of selection: ControlCommand.Selection) -> [Int] {
            switch selection {
            case .stream(let id): [Partitioning.partition(of: id.utf8.span, count: control.facts.partitions)]
            case .prefix, .all: Array(0..<control.facts.partitions)
            }
        }

        /// Writes a record to the logs of the selected streams' partitions.
        private mutating func change<Answer: Codable & Sendable>(
            _ record: ControlRecord, in selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress,
            answer: @escaping @Sendable (Int) -> Answer
        ) throws(ControlError) {
            let change = PartitionChange(record: record, partitions: partitions(of: selection)) {
                WrittenReply(.success(answer($0.reduce(0) { $0 + $1.count })), id: $1)
            }
            try changes.begin(change, for: address, at: SteadyClock.now())
        }

        /// Takes the owners' answers, and NATS' confirmations, that have arrived.
        mutating func takeMessages() throws(NATSError) {
            let now = SteadyClock.now()
            var unheard = inbox.unheardCount
            while true {
                if let message = try inbox.next(timeoutMilliseconds: 0) {
                    if !questions.take(message, at: now) { changes.take(message, at: now) }
                } else if inbox.unheardCount > unheard {
                    // Nobody listens to a question, because its partition has no owner. More messages may follow.
                    unheard = inbox.unheardCount
                } else {
                    return
                }
            }
        }

        /// Writes a reload to the logs once its file is read and stored.
        private mutating func finish(_ read: WeightsLibrary.Reload) {
            guard let (address, resets) = reloads.removeValue(forKey: read.number) else { return }
            do throws(ControlError) {
                let change = PartitionChange.reloading(
                    try read.served.get(), resets: resets, partitions: control.facts.partitions)
                try changes.begin(change, for: address, at: SteadyClock.now())
            } catch {
                refuse(error, to: address)
            }
        }

        mutating func tick() {
            for read in control.library.takeReloads() { finish(read) }
            let now = SteadyClock.now()
            changes.tick(now)
            questions.tick(now)
            if drains.isWaiting { replies += drains.turn(at: now, in: control.coordinator.report.overview) }
        }
    }

    private static func refusal(of method: ControlCommand.Method) -> ControlError {
        let reason =
            switch method {
            case .pause, .resume:
                "the timesteps of a paused stream would hold up the log of its partition"
            case .checkpoint: "each partition writes checkpoints itself, and its log has everything since the last one"
            case .readSnapshot, .writeSnapshot:
                "snapshots stay in NATS; move streams with 'sluice export' and 'sluice import'"
            default: "it is not available on a node of a cluster"
            }
        return ControlError(.refusedInMode, "no '\(method.rawValue)' in a cluster: \(reason)")
    }

}
#endif
