import Cluster
import Testing

/// Tests one node's membership, update by update.
@Suite struct `A membership` {
    /// A node whose heartbeats come back at once.
    private struct Node {
        var membership: Membership
        var now: Int64 = 0
        private var revision: UInt64 = 0
        /// Whether this node's heartbeats come back.
        var sees = true
        var actions: [MembershipAction] = []

        init(_ name: String = "a", partitions: Int = 2) {
            membership = Membership(node: name, incarnation: 7, partitions: partitions)
        }

        mutating func hear(_ node: String, _ heartbeat: Heartbeat) { hear(node, bytes: heartbeat.json) }

        mutating func hear(_ node: String, bytes: [UInt8]?) {
            revision += 1
            membership.observe(node, revision: revision, value: bytes, at: now)
        }

        /// Lets time pass in turns of 50 ms. `each` runs before each turn.
        mutating func run(_ time: Int64, each: (inout Node, Int64) -> Void = { _, _ in }) {
            let end = now + ms(time)
            while now < end {
                now += ms(50)
                each(&self, now / ms(50))
                let actions = membership.turn(at: now)
                self.actions += actions
                for case .write(let heartbeat) in actions where sees { hear(membership.node, heartbeat) }
            }
        }

        var events: [MembershipEvent] {
            actions.compactMap { if case .report(let event) = $0 { event } else { nil } }
        }
    }

    @Test func `of a single node claims all partitions, and its heartbeat says so first`() throws {
        var node = Node()
        node.run(2000)
        let claim = try #require(node.actions.firstIndex(of: .claim(0)))
        #expect(node.actions[claim + 1] == .claim(1))
        guard case .write(let heartbeat) = node.actions[claim - 1] else {
            Issue.record("no heartbeat before the claim")
            return
        }
        #expect(heartbeat.partitions == [0: .claiming, 1: .claiming])
        #expect(heartbeat.presence == .member)
    }

    @Test func `writes a heartbeat every 400 ms, and at once when something changes`() {
        var node = Node()
        node.run(2000)
        node.actions = []
        node.run(4000)
        #expect(node.actions.count == 10)
        node.membership.partition(0, is: .serving)
        node.actions = []
        node.run(50)
        #expect(node.actions.count == 1)
    }

    @Test func `claims nothing from a node whose heartbeat cannot be read while that node may hold the partition`() {
        var node = Node()
        node.run(2000)
        node.membership.partition(0, ended: .fenced(by: "b"), at: node.now)
        node.actions = []
        let newer = Array(#"{"version":2}"#.utf8)
        node.run(60_000) { node, turn in if turn % 8 == 0 { node.hear("b", bytes: newer) } }
        #expect(!node.actions.contains(.claim(0)))
        let problem = node.events.compactMap { if case .unreadable(let error) = $0 { error.description } else { nil } }
        #expect(problem.count == 1)
        #expect(problem.first?.hasPrefix("node b: its heartbeat has version 2") == true)
        node.run(3000)
        #expect(node.actions.contains(.claim(0)))
    }

    @Test func `waits longer each time before it claims a partition again that others take unseen`() {
        var node = Node()
        node.run(2000)
        var waits: [Int64] = []
        for _ in 0..<6 {
            node.membership.partition(0, ended: .fenced(by: nil), at: node.now)
            let lost = node.now
            node.actions = []
            while !node.actions.contains(.claim(0)), node.now - lost < ms(30_000) { node.run(50) }
            waits.append((node.now - lost) / ms(1))
        }
        #expect(waits == [1000, 2000, 4000, 8000, 16_000, 16_000])
    }

    @Test func `forgets a node whose heartbeat is deleted`() {
        var node = Node()
        let other = Heartbeat(incarnation: 9, presence: .member, partitions: [0: .serving, 1: .serving], program: "")
        node.run(6000) { node, turn in
            var heartbeat = other
            heartbeat.beat = UInt64(turn)
            if turn % 8 == 0 { node.hear("b", heartbeat) }
        }
        #expect(node.membership.overview(at: node.now).partitions[0].holders == ["b": .serving])
        node.actions = []
        node.hear("b", bytes: nil)
        node.run(50)
        #expect(node.actions.contains(.claim(0)) && node.actions.contains(.claim(1)))
        #expect(node.events.contains(.claims(partition: 1, .death(of: "b"))))
    }

    @Test func `knows that it is blind, and for how long`() {
        var node = Node()
        node.run(2000)
        node.sees = false
        node.actions = []
        node.run(5000)
        #expect(node.events == [.blind])
        #expect(!node.membership.overview(at: node.now).isCurrent)
        node.sees = true
        node.actions = []
        node.run(500)
        guard case .sees(let time) = node.events.first else {
            Issue.record("the node does not say that it sees again")
            return
        }
        #expect((ms(3700)...ms(4300)).contains(time))
    }

    @Test func `says for how long it was frozen`() {
        var node = Node()
        node.run(2000)
        node.actions = []
        node.now += ms(5000)
        node.run(1000)
        #expect(node.events == [.frozen(for: ms(5050))])
    }

    @Test func `stops at once if it is drained before it has written anything`() {
        var node = Node()
        node.hear("a", Heartbeat(incarnation: 1, presence: .member, program: ""))
        node.run(500)
        node.membership.drain()
        node.run(50)
        #expect(node.actions == [.stop(.drained)])
    }

    @Test func `shows each node and partition`() {
        var node = Node()
        node.membership.refuse(1, reason: "other weights")
        node.hear("b", bytes: [0])
        node.run(1700)
        let overview = node.membership.overview(at: node.now)
        #expect(overview.isCurrent)
        #expect(overview.nodes.map(\.name) == ["a", "b"])
        #expect(overview.nodes.map(\.counts) == [true, false])
        #expect(overview.nodes[1].problem?.node == "b" && !overview.nodes[1].isDead)
        // This node sees the other from its own first heartbeat on.
        #expect(overview.nodes[1].age == ms(1600))
        #expect(overview.partitions[0].holders == ["a": .claiming] && overview.partitions[0].target == "a")
        #expect(overview.partitions[1].holders == [:] && overview.partitions[1].target == nil)
        #expect(overview.partitions[1].refusals == ["a": "other weights"])
    }
}
