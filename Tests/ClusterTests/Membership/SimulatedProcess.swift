import Cluster

/// A process of a ``SimulatedCluster``.
final class SimulatedProcess {
    /// The work on one partition.
    struct Work {
        /// The number that distinguishes this ownership from earlier ones.
        let number: Int
        var state: Heartbeat.PartitionState
        /// The number of claims in the chain with this process's own; nil before it.
        var claim: Int?
    }

    let name: String
    let startedAt: Int64
    var membership: Membership
    var isAlive = true
    var frozenUntil = -ms(1_000_000)
    var work: [Int: Work] = [:]
    var workCount = 0
    /// The partitions that the process cannot serve.
    var unservable: Set<Int> = []
    /// The last heartbeat of each node that has arrived, and its time.
    var seen: [String: (heartbeat: Heartbeat, time: Int64)] = [:]
    /// The time at which the KV store stored the last heartbeat.
    var storedAt: Int64 = 0
    var lastArrival = Int64.min
    var lastDelivery = Int64.min
    /// The partitions that the process follows as a standby.
    var followed: Set<Int> = []
    var stop: MembershipStop?

    init(name: String, startedAt: Int64, membership: Membership) {
        self.name = name
        self.startedAt = startedAt
        self.membership = membership
    }
}

/// The events in a ``SimulatedCluster``.
struct SimulationRecord {
    struct Claim {
        let time: Int64
        let partition: Int
        let node: String
    }

    /// The successful claims.
    var claims: [Claim] = []
    /// The claims that had no reason: the owner was well, or its heartbeat had arrived less than 2 s ago.
    var robberies: [String] = []
    var events: [(time: Int64, node: String, event: MembershipEvent)] = []
    /// The time since which each partition is silent; nil if it is served.
    var silentSince: [Int64?] = []
    /// The ends of silences with their lengths.
    var silences: [(end: Int64, partition: Int, length: Int64)] = []
    /// The largest number of silent partitions since it was set to 0.
    var mostSilent = 0
    /// The number of steps that a membership asked for in vain, such as a claim of a partition that it holds.
    var contradictions: [String] = []
}

extension SimulatedCluster {
    mutating func carryOut(_ action: MembershipAction, of index: Int) {
        switch action {
        case .write(let heartbeat): send(index, heartbeat)
        case .claim(let partition): claim(index, partition)
        case .drain(let partition):
            guard let work = processes[index].work[partition] else {
                record.contradictions.append("\(processes[index].name) drains \(partition), which it does not hold")
                return
            }
            processes[index].work[partition]?.state = .draining
            schedule(.finishDrain, index, partition, work.number, in: delay(options.longestWork))
        case .verify(let partition):
            guard let work = processes[index].work[partition] else { return }
            schedule(.verify, index, partition, work.number, in: delay(ms(10)))
        case .beginStandby(let partition): processes[index].followed.insert(partition)
        case .advanceStandby: break
        case .endStandby(let partition): processes[index].followed.remove(partition)
        case .report(let event): record.events.append((now, processes[index].name, event))
        case .stop(let reason):
            processes[index].stop = reason
            processes[index].isAlive = false
        }
    }

    private mutating func claim(_ index: Int, _ partition: Int) {
        noteRobbery(index, partition)
        if processes[index].work[partition] != nil {
            record.contradictions.append("\(processes[index].name) claims \(partition), which it holds")
        }
        processes[index].workCount += 1
        let number = processes[index].workCount
        processes[index].work[partition] = .init(number: number, state: .claiming)
        processes[index].followed.remove(partition)
        schedule(.readEnd, index, partition, number, in: delay(ms(10)))
    }

    private mutating func schedule(_ step: WorkStep, _ index: Int, _ partition: Int, _ number: Int, in time: Int64) {
        queue.add(.work(index, partition: partition, number: number, step), at: now + time)
    }

    mutating func work(_ index: Int, _ partition: Int, _ number: Int, _ step: WorkStep) {
        if case .unanswered = step { return end(index, partition, .unanswered) }
        guard now >= chainOutageEnd else { return schedule(.unanswered, index, partition, number, in: ms(2000)) }
        switch step {
        case .readEnd:
            schedule(.writeClaim(end: chains[partition].claims), index, partition, number, in: delay(ms(20)))
        case .writeClaim(let end):
            guard chains[partition].claims == end else { return fence(index, partition) }
            let last = chains[partition].owner.map { processes[$0].name }
            chains[partition].claims += 1
            chains[partition].owner = index
            chains[partition].claimedAt = now
            processes[index].work[partition]?.claim = chains[partition].claims
            if last != processes[index].name {
                record.claims.append(.init(time: now, partition: partition, node: processes[index].name))
            }
            if processes[index].unservable.contains(partition) {
                return self.end(index, partition, .cannotServe(reason: "other weights"))
            }
            become(.restoring, index, partition)
            schedule(.restored, index, partition, number, in: delay(options.longestWork))
        case .restored:
            become(.serving, index, partition)
            schedule(.publish, index, partition, number, in: ms(50))
        case .publish:
            guard options.hasLoad else { return }
            guard isOwner(index, partition) else { return fence(index, partition) }
            schedule(.publish, index, partition, number, in: ms(50))
        case .finishDrain:
            guard isOwner(index, partition) else { return fence(index, partition) }
            end(index, partition, .drained)
        case .verify: if !isOwner(index, partition) { fence(index, partition) }
        case .unanswered: break
        }
    }

    private mutating func become(_ state: Heartbeat.PartitionState, _ index: Int, _ partition: Int) {
        guard processes[index].work[partition]?.state != .draining else { return }
        processes[index].work[partition]?.state = state
        processes[index].membership.partition(partition, is: state)
    }

    private func isOwner(_ index: Int, _ partition: Int) -> Bool {
        chains[partition].owner == index && chains[partition].claims == processes[index].work[partition]?.claim
    }

    private mutating func fence(_ index: Int, _ partition: Int) {
        end(index, partition, .fenced(by: chains[partition].owner.map { processes[$0].name }))
    }

    private mutating func end(_ index: Int, _ partition: Int, _ end: PartitionEnd) {
        processes[index].work[partition] = nil
        processes[index].membership.partition(partition, ended: end, at: now)
    }

    /// Whether a process publishes a partition's decisions.
    func serves(_ index: Int, _ partition: Int) -> Bool {
        let process = processes[index]
        return process.isAlive && process.frozenUntil <= now && process.work[partition]?.state == .serving
            && isOwner(index, partition)
    }

    /// Notes a claim for which there is no reason.
    private mutating func noteRobbery(_ index: Int, _ partition: Int) {
        let process = processes[index]
        let holder = process.seen.first { name, seen in
            name != process.name && seen.heartbeat.partitions[partition] != nil
        }
        if let holder, now - holder.value.time < ms(2000) {
            let age = (now - holder.value.time) / ms(1)
            record.robberies.append("\(process.name) claims \(partition) \(age) ms after \(holder.key)'s heartbeat")
        }
        guard let owner = chains[partition].owner, owner != index, serves(owner, partition) else { return }
        let isWell = now - processes[owner].storedAt < ms(1000) && now > processes[owner].frozenUntil + ms(1000)
        // Two nodes may claim a free partition at the same time.
        if isWell, now - chains[partition].claimedAt > ms(500) {
            record.robberies.append("\(process.name) claims \(partition) from \(processes[owner].name), which is well")
        }
    }

    mutating func noteSilence() {
        var silent = 0
        for partition in chains.indices {
            let isServed = chains[partition].owner.map { serves($0, partition) } ?? false
            if isServed, let since = record.silentSince[partition] {
                record.silences.append((now, partition, now - since))
                record.silentSince[partition] = nil
            } else if !isServed {
                record.silentSince[partition] = record.silentSince[partition] ?? now
                silent += 1
            }
        }
        record.mostSilent = max(record.mostSilent, silent)
    }
}
