#if Cluster
import Cluster
import Logging
import NATS
import Synchronization
import Wire

/// The thread that follows the members of the cluster, and tells the workers which partitions to claim and to drain. It
/// has a connection of its own, so that no load delays heartbeats.
final class ClusterCoordinator: Sendable {
    /// An input from another thread.
    enum Input: Sendable {
        /// A worker's report.
        case report(ClusterWorker.Report)
        /// Leave the cluster, then stop.
        case leave
    }

    /// The time between two turns, in milliseconds.
    private static let patience = 50

    private let inputs = Mutex<[Input]>([])
    /// The facts for `status`, renewed in each turn.
    let overview: Mutex<ClusterOverview>

    init(partitions: Int) {
        overview = Mutex(ClusterOverview(partitions: partitions))
    }

    /// Posts an input. Can be called from any thread.
    func post(_ input: Input) { inputs.withLock { $0.append(input) } }

    private func takeInputs() -> [Input] {
        inputs.withLock { inputs in
            defer { inputs = [] }
            return inputs
        }
    }

    /// Runs until the node has left the cluster.
    ///
    /// - Parameters:
    ///   - membership: The membership of a node that has just started.
    ///   - connection: The connection for heartbeats.
    ///   - workers: The workers. Partition p belongs to worker p mod their number.
    ///   - watchdog: The reports to systemd that this thread is alive; nil if systemd does not watch the daemon.
    ///   - logger: The daemon's log.
    /// - Returns: The reason why the node stopped.
    /// - Throws: `NATSError` if the connection is closed for good.
    func run(
        _ membership: consuming Membership, over connection: Connection, workers: [ClusterWorker],
        watchdog: consuming WatchdogReports?, logger: Logger
    ) throws(NATSError) -> MembershipStop {
        var loop = Loop(
            membership: membership, inbox: try Inbox(on: connection), workers: workers, logger: logger)
        while true {
            let inputs = takeInputs()
            if let stop = try loop.turn(inputs, waiting: Self.patience) { return stop }
            overview.withLock { loop.describe(in: &$0) }
            watchdog?.turn(at: SteadyClock.now())
        }
    }
}

/// The facts about the cluster as one node sees them.
struct ClusterOverview: Sendable {
    /// The number of partitions.
    let partitions: Int
    /// The live nodes and this one, by name.
    var nodes: [String: Heartbeat] = [:]
    /// The measures of this node's partitions.
    var measures: [Int: PartitionMeasures] = [:]

    init(partitions: Int) { self.partitions = partitions }

    /// The owners of the partitions that have one, and the states of those partitions.
    var owners: [Int: (node: String, state: Heartbeat.PartitionState)] {
        var owners: [Int: (node: String, state: Heartbeat.PartitionState)] = [:]
        for (name, heartbeat) in nodes {
            for (partition, state) in heartbeat.partitions { owners[partition] = (name, state) }
        }
        return owners
    }
}

extension ClusterCoordinator {
    /// The state of the coordinator's thread.
    private struct Loop {
        /// The time for which the answer to a heartbeat is awaited.
        private static let patience: Int64 = 1_000_000_000

        var membership: Membership
        let inbox: Inbox
        let workers: [ClusterWorker]
        let logger: Logger
        private let bucket = KeyValue(bucket: ClusterNames.members)
        private let watch: StreamFollower
        /// The heartbeat that is being written.
        private var underWay: (token: UInt64, deadline: Int64)?
        /// The newest heartbeat that waits for the one under way.
        private var waiting: Heartbeat?
        private var measures: [Int: PartitionMeasures] = [:]
        private var held: Set<Int> = []

        init(membership: Membership, inbox: Inbox, workers: [ClusterWorker], logger: Logger) {
            self.membership = membership
            self.inbox = inbox
            self.workers = workers
            self.logger = logger
            watch = StreamFollower(stream: bucket.stream, subjects: [bucket.subject(of: ">")], inbox: inbox)
            watch.follow(from: 0)
        }

        mutating func turn(
            _ inputs: [ClusterCoordinator.Input], waiting patience: Int
        ) throws(NATSError) -> MembershipStop? {
            for input in inputs { take(input) }
            var wait = patience
            while let message = try inbox.next(timeoutMilliseconds: wait) {
                wait = 0
                take(message)
            }
            let now = SteadyClock.now()
            if let write = underWay, now >= write.deadline { finishWrite(hasFailed: true, at: now) }
            watch.turn(at: now, wants: true)
            for action in membership.turn(at: now) {
                if let stop = carryOut(action, at: now) { return stop }
            }
            return nil
        }

        private mutating func take(_ input: ClusterCoordinator.Input) {
            switch input {
            case .leave: membership.drain()
            case .report(.state(let partition, let state)): membership.partition(partition, is: state)
            case .report(.ended(let partition, let end)):
                measures[partition] = nil
                membership.partition(partition, ended: end, at: SteadyClock.now())
            case .report(.measures(let measured)): measures[measured.partition] = measured
            }
        }

        private mutating func take(_ message: Message) {
            let now = SteadyClock.now()
            if let token = message.token, token == underWay?.token {
                return finishWrite(hasFailed: (try? PublishAcknowledgement(message)) == nil, at: now)
            }
            guard case .message(let delivery) = watch.take(message, at: now),
                let node = bucket.key(of: message.subject).flatMap(NodeName.node(ofKey:))
            else { return }
            let value = KeyValue.isDeletion(message) ? nil : message.bytes
            membership.observe(node, revision: delivery.sequence, value: value, at: now)
        }

        private mutating func carryOut(_ action: MembershipAction, at now: Int64) -> MembershipStop? {
            switch action {
            case .write(let heartbeat): write(heartbeat, at: now)
            case .claim(let partition): worker(of: partition).post(.claim(partition))
            case .drain(let partition): worker(of: partition).post(.drain(partition))
            case .verify(let partition): worker(of: partition).post(.verify(partition))
            // A standby saves the restore at a take-over. Without one, the claim restores.
            case .beginStandby, .endStandby: break
            case .report(let event): report(event)
            case .stop(let reason): return reason
            }
            return nil
        }

        private mutating func write(_ heartbeat: Heartbeat, at now: Int64) {
            guard underWay == nil else {
                waiting = heartbeat
                return
            }
            do throws(NATSError) {
                let subject = bucket.subject(of: NodeName.key(of: membership.node))
                underWay = (try inbox.request(subject, heartbeat.json.span), now + Self.patience)
            } catch {
                membership.heartbeatFailed(at: now)
            }
        }

        private mutating func finishWrite(hasFailed: Bool, at now: Int64) {
            underWay = nil
            if hasFailed { membership.heartbeatFailed(at: now) }
            guard let heartbeat = waiting else { return }
            waiting = nil
            write(heartbeat, at: now)
        }

        private func worker(of partition: Int) -> ClusterWorker { workers[partition % workers.count] }

        func describe(in overview: inout ClusterOverview) {
            overview.nodes = membership.liveHeartbeats
            overview.measures = measures
        }

        private func report(_ event: MembershipEvent) {
            let level: Logger.Level =
                switch event {
                case .joined, .counts, .left, .leaving, .servable, .sees: .info
                case .lost, .restarted, .takeOver, .blind, .frozen, .nameContested: .warning
                case .unservable, .unreadable: .error
                }
            logger.log(level: level, "\(event)")
        }
    }
}
#endif
