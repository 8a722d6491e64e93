#if Cluster
import Cluster
import Foundation
import Logging
import NATS
import Synchronization
import Wire
import ZeroMQ

/// Answers control requests on a node of a cluster. A change of streams is a record in the log of each partition that it
/// concerns, so it is ordered with their timesteps. The partitions' owners answer once the change is in their chains.
final class ClusterControl: Sendable {
    /// The time for which the answers of the partitions' owners are awaited. A take-over takes less.
    private static let patience: Int64 = 15_000_000_000
    /// The time for which a turn waits for requests, in milliseconds, while owners' answers are awaited.
    private static let shortWait = 2
    private static let longWait = 50

    private let node: String
    private let facts: ClusterFacts
    private let coordinator: ClusterCoordinator
    private let connection: Connection
    private let logger: Logger
    private let isStopping = Atomic(false)

    init(
        node: String, facts: ClusterFacts, coordinator: ClusterCoordinator, connection: Connection, logger: Logger
    ) {
        self.node = node
        self.facts = facts
        self.coordinator = coordinator
        self.connection = connection
        self.logger = logger
    }

    /// Ends ``run(_:)``. Can be called from any thread.
    func stop() { isStopping.store(true, ordering: .relaxed) }

    /// Answers requests until ``stop()``.
    ///
    /// - Parameter server: The socket for requests.
    /// - Throws: `ZeroMQError` or `NATSError` if the socket or the connection failed for good.
    func run(_ server: consuming ControlServer) throws {
        var loop = Loop(self, inbox: try Inbox(on: connection))
        var poller = Poller()
        let item = poller.add(server.socket)
        while !isStopping.load(ordering: .relaxed) {
            try poller.wait(milliseconds: loop.isWaiting ? Self.shortWait : Self.longWait)
            if poller.mayBeReadable(item) {
                while let request = try server.receive() { loop.carryOut(ReadRequest(request)) }
            }
            while let message = try loop.inbox.next(timeoutMilliseconds: 0) { loop.take(message) }
            loop.expire()
            for (reply, address) in loop.takeReplies() { try server.send(reply, to: address) }
        }
    }
}

extension ClusterControl {
    /// A request whose answers from the partitions' owners are awaited.
    private struct Waiting {
        let address: ControlServer.ReturnAddress
        /// The partitions whose owners have not answered.
        var partitions: Set<Int>
        var count = 0
        var refusal: String?
        let deadline: Int64
        /// Writes the reply for a number of changed streams.
        let reply: @Sendable (Int, ControlServer.ReturnAddress) -> WrittenReply
    }

    private struct Loop {
        let control: ClusterControl
        let inbox: Inbox
        /// The requests by the subject to which owners answer.
        private var waiting: [String: Waiting] = [:]
        private var replies: [(WrittenReply, ControlServer.ReturnAddress)] = []

        init(_ control: ClusterControl, inbox: Inbox) {
            self.control = control
            self.inbox = inbox
        }

        var isWaiting: Bool { !waiting.isEmpty }

        mutating func takeReplies() -> [(WrittenReply, ControlServer.ReturnAddress)] {
            defer { replies = [] }
            return replies
        }

        mutating func carryOut(_ request: ReadRequest) {
            let address = request.address
            do throws(ControlError) {
                switch try request.command.get() {
                case .cluster: answer(control.status, to: address)
                case .reset(let selection):
                    var record = ControlRecord()
                    record.reset = .init(selection)
                    try change(record, in: partitions(of: selection), for: address) { count, address in
                        WrittenReply(.success(ResetResult(reset: count)), id: address.id)
                    }
                case .remove(let selection):
                    var record = ControlRecord()
                    record.remove = .init(selection)
                    try change(record, in: partitions(of: selection), for: address) { count, address in
                        WrittenReply(.success(RemoveResult(removed: count)), id: address.id)
                    }
                case .import(let export, let id):
                    var record = ControlRecord()
                    var export = export
                    export.stream = id ?? export.stream
                    record.import = export
                    let stream = export.stream
                    try change(record, in: partitions(of: .stream(stream)), for: address) { _, address in
                        WrittenReply(.success(ImportResult(stream: stream)), id: address.id)
                    }
                case .logLevel(let level):
                    var logger = control.logger
                    if let level { logger.logLevel = Logger.Level(level) }
                    answer(LogLevelResult(level: LogLevel(logger.logLevel)), to: address)
                case .shutdown:
                    answer(true, to: address)
                    control.coordinator.post(.leave)
                case let command:
                    throw ControlError(
                        .refusedInMode,
                        "'\(command.method.rawValue)' is not available on a node of a cluster; the methods are "
                            + "cluster, reset, remove, import, log_level and shutdown")
                }
            } catch {
                replies.append((WrittenReply(Result<Bool, ControlError>.failure(error), id: address.id), address))
            }
        }

        private mutating func answer<Answer: Codable & Sendable>(
            _ answer: Answer, to address: ControlServer.ReturnAddress
        ) {
            replies.append((WrittenReply(.success(answer), id: address.id), address))
        }

        private func partitions(of selection: ControlCommand.Selection) -> Set<Int> {
            switch selection {
            case .stream(let id): [Partitioning.partition(of: id.utf8.span, count: control.facts.partitions)]
            case .prefix, .all: Set(0..<control.facts.partitions)
            }
        }

        /// Writes a record to the logs of partitions.
        private mutating func change(
            _ record: ControlRecord, in partitions: Set<Int>, for address: ControlServer.ReturnAddress,
            reply: @escaping @Sendable (Int, ControlServer.ReturnAddress) -> WrittenReply
        ) throws(ControlError) {
            var record = record
            let subject = inbox.newSubject()
            record.reply = subject
            let message = LogMessage.control(json: JSONBytes.encode(record))
            do throws(NATSError) {
                for partition in partitions {
                    _ = try inbox.request(ClusterNames.logSubject(partition), message.span)
                }
            } catch {
                throw ControlError(
                    .storeFailed, "the change is not in all logs, because NATS cannot be reached: \(error)")
            }
            waiting[subject] = Waiting(
                address: address, partitions: partitions, deadline: SteadyClock.now() + ClusterControl.patience,
                reply: reply)
        }

        /// Takes an owner's answer.
        mutating func take(_ message: NATS.Message) {
            guard var request = waiting[message.subject],
                let answer = try? JSONBytes.decode(ControlAnswer.self, from: unsafe message.payload.bytes),
                request.partitions.remove(answer.partition) != nil
            else { return }
            request.count += answer.count
            request.refusal = request.refusal ?? answer.refusal
            waiting[message.subject] = request.partitions.isEmpty ? nil : request
            if request.partitions.isEmpty { finish(request) }
        }

        private mutating func finish(_ request: Waiting) {
            if let refusal = request.refusal {
                let error = ControlError(.noSuchStream, refusal)
                replies.append(
                    (
                        WrittenReply(Result<Bool, ControlError>.failure(error), id: request.address.id),
                        request.address
                    ))
            } else {
                replies.append((request.reply(request.count, request.address), request.address))
            }
        }

        mutating func expire() {
            let now = SteadyClock.now()
            for (subject, request) in waiting where request.deadline <= now {
                waiting[subject] = nil
                let missing = request.partitions.sorted().map { "\($0)" }.joined(separator: ", ")
                let error = ControlError(
                    .storeFailed,
                    "the owners of the partitions \(missing) have not answered in time; the change takes effect when they "
                        + "reach it in the log")
                replies.append(
                    (
                        WrittenReply(Result<Bool, ControlError>.failure(error), id: request.address.id),
                        request.address
                    ))
            }
        }
    }

    /// The cluster as this node sees it.
    private var status: ClusterStatus {
        let overview = coordinator.overview.withLock { $0 }
        var owners: [Int: (node: String, state: Heartbeat.PartitionState)] = [:]
        for (name, heartbeat) in overview.nodes {
            for (partition, state) in heartbeat.partitions { owners[partition] = (name, state) }
        }
        let nodes = overview.nodes.sorted { $0.key < $1.key }.map { name, heartbeat in
            ClusterStatus.Node(
                name: name, presence: heartbeat.presence.rawValue, partitions: heartbeat.partitions.count,
                control: heartbeat.addresses.control, version: heartbeat.program)
        }
        let partitions = (0..<overview.partitions).map { partition in
            let measures = overview.measures[partition]
            return ClusterStatus.Partition(
                partition: partition, owner: owners[partition]?.node, state: owners[partition]?.state.rawValue,
                streams: measures?.streams, lag: measures.map { $0.logEnd - min($0.logEnd, $0.position) })
        }
        return ClusterStatus(node: node, nodes: nodes, partitions: partitions)
    }
}
#endif
