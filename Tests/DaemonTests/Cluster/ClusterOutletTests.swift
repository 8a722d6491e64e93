#if Cluster
import Cluster
import NATS
import Testing
import Wire
import ZeroMQ

@testable import Daemon

/// Tests an outlet with a real NATS server and real subscribers.
@Suite struct `An outlet of a cluster` {
    private static let partitions = 4

    private func start(_ node: TestNode, _ server: ClusterServer) throws -> (ClusterOutlet, RunningPart) {
        let outlet = try ClusterOutlet(
            node.configuration, partitions: Self.partitions, over: node.connect(to: server), in: node.context,
            by: node.access, logger: node.logger)
        let part = RunningPart({ () throws(DaemonError) in try outlet.run() }, end: { outlet.stop() })
        try wait { outlet.measures.withLock { $0.followed == Self.partitions } }
        return (outlet, part)
    }

    /// Subscribes to everything, and waits until the subscription is in force.
    private func subscribe(to endpoint: Endpoint, of node: TestNode) throws -> Socket {
        let socket = try Socket(.sub, in: node.context)
        try socket.set(.receiveTimeout, to: 10_000)
        try socket.subscribe("")
        try socket.subscribe("!sluice/subscribed/test")
        try socket.attach(to: Endpoint(.connect, endpoint.address), otherwise: .connect)
        let confirmation = try #require(try socket.receiveFrames(wait: true))
        #expect(confirmation[0] == Array("!sluice/subscribed/test".utf8))
        return socket
    }

    private func items(_ id: String, _ sequences: [UInt64]) -> [UInt8] {
        var items: [UInt8] = []
        let outputs: [Float] = [0.5]
        for sequence in sequences {
            var records = DecisionRecords()
            records.append(
                sequence: sequence, step: sequence, time: 5, flags: [], label: 1, probabilities: outputs.span)
            let id = Array(id.utf8)
            ChainItem.appendDecisions(model: 0, id: id.span, records: records.bytes, to: &items)
        }
        return items
    }

    private func write(
        _ kind: ChainEntry.Kind, _ body: [UInt8], isPartial: Bool = false, partition: Int = 1, to server: ClusterServer
    ) throws {
        let entry = ChainEntry(kind, through: 1, manifest: 0, isPartial: isPartial)
        try server.publish(entry.bytes(body: body), to: ClusterNames.chainSubject(partition, kind))
    }

    private func receive(_ count: Int, from socket: borrowing Socket) throws -> [String] {
        try (0..<count).map { _ in
            let frames = try #require(try socket.receiveFrames(wait: true))
            let topic = String(decoding: frames[0], as: UTF8.self)
            if topic == StreamEvent.topic { return "event" }
            let records = frames[1]
            return "\(topic)\(try unsafe Decision.records(in: records.span.bytes)[0].sequence)"
        }
    }

    @Test func `decisions and events come out in the order of the chain, from its end at the start on`() throws {
        let server = try ClusterServer(partitions: Self.partitions)
        try write(.decisions, items("old", [1]), to: server)
        let node = try TestNode()
        let (outlet, part) = try start(node, server)
        let subscriber = try subscribe(to: outlet.endpoints[0], of: node)
        var body = items("a", [1, 2])
        ChainItem.append(event: JSONBytes.encode(StreamEvent(.reset, .stream("a"), time: 1)), to: &body)
        body += items("a", [3])
        try write(.claim, JSONBytes.encode(ChainClaim(node: "n", incarnation: 1)), to: server)
        try write(.decisions, body, to: server)
        try write(.manifest, Array("{}".utf8), to: server)
        for sequence: UInt64 in 4...2_000 { try write(.decisions, items("a", [sequence]), to: server) }
        let expected = ["a1", "a2", "event"] + (3...2_000).map { "a\($0)" }
        #expect(try receive(expected.count, from: subscriber) == expected)
        try part.stop()
        let measures = outlet.measures.withLock { $0 }
        #expect(measures.malformed == 0 && measures.missed == 0)
    }

    @Test func `partial messages are held until the last part, and discarded by a claim`() throws {
        let server = try ClusterServer(partitions: Self.partitions)
        let node = try TestNode()
        let (outlet, part) = try start(node, server)
        let subscriber = try subscribe(to: outlet.endpoints[0], of: node)
        try write(.decisions, items("a", [1]), isPartial: true, to: server)
        try write(.claim, JSONBytes.encode(ChainClaim(node: "n", incarnation: 1)), to: server)
        // The new owner writes the same decisions again.
        try write(.decisions, items("a", [1]), isPartial: true, to: server)
        try write(.decisions, items("b", [1]), partition: 2, to: server)
        try write(.decisions, items("a", [2]), isPartial: true, to: server)
        try write(.manifest, Array("{}".utf8), to: server)
        #expect(try receive(1, from: subscriber) == ["b1"])
        try write(.decisions, items("a", [3]), to: server)
        #expect(try receive(3, from: subscriber) == ["a1", "a2", "a3"])
        try part.stop()
    }

    @Test func `an endpoint in the codec json publishes objects`() throws {
        let server = try ClusterServer(partitions: Self.partitions)
        let node = try TestNode { $0.decisions[0].codec = .json }
        let (outlet, part) = try start(node, server)
        let subscriber = try subscribe(to: outlet.endpoints[0], of: node)
        try write(.decisions, items("a", [7]), to: server)
        let frames = try #require(try subscriber.receiveFrames(wait: true))
        #expect(String(decoding: frames[1], as: UTF8.self).contains(#""stream":"a","sequence":7"#))
        try part.stop()
    }

    @Test func `a killed server costs no decision, and none comes twice`() throws {
        let server = try ClusterServer(partitions: Self.partitions)
        let node = try TestNode()
        let (outlet, part) = try start(node, server)
        let subscriber = try subscribe(to: outlet.endpoints[0], of: node)
        for sequence: UInt64 in 1...100 { try write(.decisions, items("a", [sequence]), to: server) }
        #expect(try receive(50, from: subscriber) == (1...50).map { "a\($0)" })
        server.servers.kill(0)
        try server.servers.start(0)
        try server.servers.waitUntilReady()
        try wait { server.connection.isConnected }
        for sequence: UInt64 in 101...200 { try write(.decisions, items("a", [sequence]), to: server) }
        #expect(try receive(150, from: subscriber) == (51...200).map { "a\($0)" })
        try part.stop()
        #expect(outlet.measures.withLock { $0.missed } == 0)
    }

    @Test func `a message that cannot be read is counted, and the next one is published`() throws {
        let server = try ClusterServer(partitions: Self.partitions)
        let node = try TestNode()
        let (outlet, part) = try start(node, server)
        let subscriber = try subscribe(to: outlet.endpoints[0], of: node)
        try server.publish([9, 9], to: ClusterNames.chainSubject(0, .decisions))
        try write(.decisions, items("a", [1]), partition: 0, to: server)
        #expect(try receive(1, from: subscriber) == ["a1"])
        try wait { outlet.measures.withLock { $0.malformed == 1 } }
        try part.stop()
    }
}
#endif
