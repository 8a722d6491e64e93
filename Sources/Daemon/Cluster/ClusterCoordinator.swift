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
    private let view: Mutex<View>

    /// - Parameter membership: The membership of a node that has just started.
    init(_ membership: consuming Membership) { view = Mutex(View(membership: membership)) }

    /// The cluster and this node at the moment. Can be called from any thread.
    var report: NodeReport {
        view.withLock { view in
            NodeReport(
                turnedAt: view.turnedAt, overview: view.membership.overview(at: SteadyClock.now()),
                workers: Array(view.workers.values), takeOvers: view.takeOvers)
        }
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
    ///   - addresses: The node's addresses, for the others.
    ///   - connection: The connection for heartbeats.
    ///   - workers: The workers. Partition p belongs to worker p mod their number.
    ///   - watchdog: The reports to systemd that this thread is alive; nil if systemd does not watch the daemon.
    ///   - logger: The daemon's log.
    /// - Returns: The reason why the node stopped.
    /// - Throws: `NATSError` if the connection is closed for good.
    func run(
        at addresses: Heartbeat.Addresses, over connection: Connection, workers: [ClusterWorker],
        watchdog: consuming WatchdogReports?, logger: Logger
    ) throws(NATSError) -> MembershipStop {
        view.withLock { $0.membership.addresses = addresses }
        var loop = Loop(self, inbox: try Inbox(on: connection), workers: workers, logger: logger)
        while true {
            let inputs = takeInputs()
            if let stop = try loop.turn(inputs, waiting: Self.patience) { return stop }
            watchdog?.turn(at: SteadyClock.now())
        }
    }
}

extension ClusterCoordinator {
    /// The state that other threads may read. The coordinator's thread holds the lock for single steps, never while it
    /// waits for NATS.
    private struct View {
        var membership: Membership
        /// The last measures of each worker.
        var workers: [Int: WorkerMeasures] = [:]
        var takeOvers = TakeOvers()
        /// The time of the last turn, by the ``SteadyClock``.
        var turnedAt = SteadyClock.now()
    }

    /// The state of the coordinator's thread.
    private struct Loop {
        /// The time for which the answer to a heartbeat is awaited.
        private static let patience: Int64 = 1_000_000_000

        let coordinator: ClusterCoordinator
        let inbox: Inbox
        let workers: [ClusterWorker]
        let logger: Logger
        private let node: String
        private let bucket = KeyValue(bucket: ClusterNames.members)
        private let watch: StreamFollower
        /// Whether the watch has passed on all heartbeats that it found at its start. Before, the membership has no turn: it
        /// could not know that another process uses the node's name, or that the node has just restarted.
        private var knowsMembers = false
        private var leaves = false
        /// The heartbeat that is being written.
        private var underWay: (token: UInt64, deadline: Int64)?
        /// The newest heartbeat that waits for the one under way.
        private var waiting: Heartbeat?

        init(_ coordinator: ClusterCoordinator, inbox: Inbox, workers: [ClusterWorker], logger: Logger) {
            self.coordinator = coordinator
            self.inbox = inbox
            self.workers = workers
            self.logger = logger
            node = coordinator.view.withLock { $0.membership.node }
            watch = StreamFollower(stream: bucket.stream, subjects: [bucket.subject(of: ">")], inbox: inbox)
            watch.follow(from: 0)
        }

        mutating func turn(
            _ inputs: [ClusterCoordinator.Input], waiting patience: Int
        ) throws(NATSError) -> MembershipStop? {
            for input in inputs {
                if case .leave = input { leaves = true }
                take(input)
            }
            var wait = patience
            while let message = try inbox.next(timeoutMilliseconds: wait) {
                wait = 0
                take(message)
            }
            let now = SteadyClock.now()
            if let write = underWay, now >= write.deadline { finishWrite(hasFailed: true, at: now) }
            watch.turn(at: now, wants: true)
            if watch.pendingCount == 0 { knowsMembers = true }
            if leaves, !knowsMembers { return .drained }
            let actions = coordinator.view.withLock { view in
                view.turnedAt = now
                return knowsMembers ? view.membership.turn(at: now) : []
            }
            for action in actions {
                if let stop = carryOut(action, at: now) { return stop }
            }
            return nil
        }

        private func take(_ input: ClusterCoordinator.Input) {
            coordinator.view.withLock { view in
                switch input {
                case .leave: view.membership.drain()
                case .report(.state(let partition, let state)): view.membership.partition(partition, is: state)
                case .report(.ended(let partition, let end)):
                    view.membership.partition(partition, ended: end, at: SteadyClock.now())
                case .report(.standbyEnded(let partition, let refusal)):
                    view.membership.standbyEnded(partition, refusal: refusal)
                case .report(.measures(let measured)):
                    view.workers[measured.worker] = measured
                    for partition in measured.partitions {
                        view.membership.partition(
                            partition.partition, isDecidedThrough: partition.through, lag: partition.lag)
                    }
                }
            }
        }

        private func change(_ change: (inout Membership) -> Void) {
            coordinator.view.withLock { change(&$0.membership) }
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
            change { $0.observe(node, revision: delivery.sequence, value: value, at: now) }
        }

        private mutating func carryOut(_ action: MembershipAction, at now: Int64) -> MembershipStop? {
            switch action {
            case .write(let heartbeat): write(heartbeat, at: now)
            case .claim(let partition): worker(of: partition).post(.claim(partition))
            case .drain(let partition): worker(of: partition).post(.drain(partition))
            case .verify(let partition): worker(of: partition).post(.verify(partition))
            case .beginStandby(let partition): worker(of: partition).post(.standBy(partition))
            case .advanceStandby(let partition, let through):
                worker(of: partition).post(.advance(partition, through: through))
            case .endStandby(let partition): worker(of: partition).post(.stopStandingBy(partition))
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
                let subject = bucket.subject(of: NodeName.key(of: node))
                underWay = (try inbox.request(subject, heartbeat.json.span), now + Self.patience)
            } catch {
                change { $0.heartbeatFailed(at: now) }
            }
        }

        private mutating func finishWrite(hasFailed: Bool, at now: Int64) {
            underWay = nil
            if hasFailed { change { $0.heartbeatFailed(at: now) } }
            guard let heartbeat = waiting else { return }
            waiting = nil
            write(heartbeat, at: now)
        }

        private func worker(of partition: Int) -> ClusterWorker { workers[partition % workers.count] }

        private func report(_ event: MembershipEvent) {
            let level: Logger.Level =
                switch event {
                case .claims(_, .death): .warning
                case .joined, .counts, .left, .leaving, .claims, .servable, .sees: .info
                case .lost, .restarted, .blind, .frozen, .nameContested: .warning
                case .unservable, .unreadable: .error
                }
            logger.log(level: level, "\(event)")
            if case .claims(let partition, let cause) = event {
                let entry = TakeOvers.Entry(time: WallClock.now(), partition: partition, cause: cause)
                coordinator.view.withLock { $0.takeOvers.note(entry) }
            }
        }
    }
}
#endif
