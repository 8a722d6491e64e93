import Cluster
import TestSupport

/// A cluster in simulated time: processes with a ``Membership`` each, a KV store, and the chains of the partitions. All
/// delays come from a seed.
///
/// A chain refuses the writes of every owner but the last that has claimed, as NATS does. The simulation therefore finds
/// what membership costs in time; it cannot lose decisions.
struct SimulatedCluster {
    enum Event {
        case turn(Int)
        /// A heartbeat arrives at the KV store.
        case store(Int, Heartbeat)
        /// An update arrives at a process.
        case deliver(Int, node: String, revision: UInt64, Heartbeat)
        case heartbeatFailed(Int)
        /// The next step of a process's work on a partition, if that work still has the number.
        case work(Int, partition: Int, number: Int, WorkStep)
        case fault(Fault)
    }

    enum WorkStep {
        case readEnd
        case writeClaim(end: Int)
        case restored
        case publish
        case finishDrain
        case verify
        case unanswered
    }

    /// A disturbance from outside.
    enum Fault {
        case start(String)
        case kill(String)
        case freeze(String, Int64)
        case drain(String)
        /// The KV store does not answer for some time. With `chains`, the chains do not, either.
        case outage(Int64, chains: Bool)
        case refuse(String, partitions: [Int])
    }

    /// The end of a partition's chain.
    struct ChainEnd {
        /// The process that has claimed last; nil before the first claim.
        var owner: Int?
        /// The number of claims.
        var claims = 0
        var claimedAt: Int64 = 0
    }

    struct Options {
        var partitions = 8
        var standbys = 0
        var timing = MembershipTiming()
        /// The longest time for a heartbeat on its way to or from the KV store.
        var longestDelay = ms(30)
        /// Whether the owners of partitions write all the time.
        var hasLoad = true
        /// The longest time for which a partition is restored or drained.
        var longestWork = ms(150)
    }

    let options: Options
    var random: SplitMix64
    var now: Int64 = 0
    var queue = EventQueue<Event>()
    var processes: [SimulatedProcess] = []
    var chains: [ChainEnd]
    var store: [String: (revision: UInt64, heartbeat: Heartbeat)] = [:]
    var revision: UInt64 = 0
    var outageEnd = Int64.min
    var chainOutageEnd = Int64.min
    var record = SimulationRecord()
    private let turnPeriod: Int64

    init(seed: UInt64, _ options: Options = Options()) {
        self.options = options
        random = SplitMix64(seed: seed)
        chains = Array(repeating: ChainEnd(), count: options.partitions)
        turnPeriod = ms(Int64.random(in: 20...100, using: &random))
        record.silentSince = Array(repeating: 0, count: options.partitions)
    }

    // MARK: - Running

    /// Schedules a fault.
    mutating func at(_ time: Int64, _ fault: Fault) { queue.add(.fault(fault), at: time) }

    /// Runs until a time.
    mutating func run(until end: Int64) {
        while let time = queue.nextTime, time <= end {
            let event = queue.removeFirst()
            now = max(now, time)
            handle(event)
        }
        now = end
    }

    private mutating func handle(_ event: Event) {
        switch event {
        case .turn(let index): ifRunning(index, event) { $0.turn(index) }
        case .store(let index, let heartbeat): put(index, heartbeat)
        case .deliver(let index, let node, let revision, let heartbeat):
            ifRunning(index, event) { cluster in
                cluster.processes[index].seen[node] = (heartbeat, cluster.now)
                cluster.processes[index].membership.observe(
                    node, revision: revision, heartbeat: .success(heartbeat), at: cluster.now)
            }
        case .heartbeatFailed(let index):
            ifRunning(index, event) { $0.processes[index].membership.heartbeatFailed(at: $0.now) }
        case .work(let index, let partition, let number, let step):
            ifRunning(index, event) { cluster in
                guard cluster.processes[index].work[partition]?.number == number else { return }
                cluster.work(index, partition, number, step)
                cluster.noteSilence()
            }
        case .fault(let fault):
            carryOut(fault)
            noteSilence()
        }
    }

    /// Does something in a process that lives. A frozen process does it when it wakes.
    private mutating func ifRunning(_ index: Int, _ event: Event, _ body: (inout SimulatedCluster) -> Void) {
        guard processes[index].isAlive else { return }
        guard processes[index].frozenUntil <= now else {
            queue.add(event, at: processes[index].frozenUntil)
            return
        }
        body(&self)
    }

    private mutating func turn(_ index: Int) {
        let actions = processes[index].membership.turn(at: now)
        for action in actions { carryOut(action, of: index) }
        if !actions.isEmpty { noteSilence() }
        if processes[index].isAlive { queue.add(.turn(index), at: now + turnPeriod) }
    }

    mutating func delay(_ longest: Int64) -> Int64 { Int64.random(in: longest / 20...longest, using: &random) }

    // MARK: - The KV store

    mutating func send(_ index: Int, _ heartbeat: Heartbeat) {
        arrive(index, heartbeat, after: now)
    }

    /// Schedules a heartbeat's arrival at the KV store, behind the process's earlier ones.
    private mutating func arrive(_ index: Int, _ heartbeat: Heartbeat, after time: Int64) {
        let arrival = max(processes[index].lastArrival, time + delay(options.longestDelay / 2))
        processes[index].lastArrival = arrival
        queue.add(.store(index, heartbeat), at: arrival)
    }

    private mutating func put(_ index: Int, _ heartbeat: Heartbeat) {
        guard now >= outageEnd else {
            // Some writes are stored when the outage ends; others are lost.
            if Bool.random(using: &random) {
                arrive(index, heartbeat, after: outageEnd)
            } else {
                queue.add(.heartbeatFailed(index), at: now + ms(1000))
            }
            return
        }
        revision += 1
        store[processes[index].name] = (revision, heartbeat)
        processes[index].storedAt = now
        for reader in processes.indices where processes[reader].isAlive {
            deliver(processes[index].name, revision, heartbeat, to: reader)
        }
    }

    private mutating func deliver(_ node: String, _ revision: UInt64, _ heartbeat: Heartbeat, to reader: Int) {
        let time = max(processes[reader].lastDelivery, now + delay(options.longestDelay / 2))
        processes[reader].lastDelivery = time
        queue.add(.deliver(reader, node: node, revision: revision, heartbeat), at: time)
    }

    // MARK: - Faults

    /// The index of the running process of a node; nil if there is none.
    func process(_ node: String) -> Int? { processes.lastIndex { $0.name == node && $0.isAlive } }

    private mutating func carryOut(_ fault: Fault) {
        switch fault {
        case .start(let node): start(node)
        case .kill(let node):
            if let index = process(node) { processes[index].isAlive = false }
        case .freeze(let node, let time):
            if let index = process(node) { processes[index].frozenUntil = now + time }
        case .drain(let node):
            if let index = process(node) { processes[index].membership.drain() }
        case .outage(let time, let chains):
            outageEnd = now + time
            if chains { chainOutageEnd = now + time }
        case .refuse(let node, let partitions):
            if let index = process(node) { processes[index].unservable.formUnion(partitions) }
        }
    }

    private mutating func start(_ node: String) {
        let index = processes.count
        processes.append(
            SimulatedProcess(
                name: node, startedAt: now,
                membership: Membership(
                    node: node, incarnation: UInt64.random(in: 1...UInt64.max, using: &random),
                    partitions: options.partitions, standbys: options.standbys,
                    addresses: .init(control: "process \(index)"), timing: options.timing)))
        for (name, value) in store.sorted(by: { $0.value.revision < $1.value.revision }) {
            deliver(name, value.revision, value.heartbeat, to: index)
        }
        queue.add(.turn(index), at: max(now, processes[index].lastDelivery) + 1)
    }
}

/// Returns a number of milliseconds in nanoseconds.
func ms(_ count: Int64) -> Int64 { MembershipTiming.milliseconds(count) }
