#if Cluster
import Foundation
import NATS
import Streams
import Testing
import Wire
import ZeroMQ

@testable import Daemon

/// Tests a gateway with real producers and a real NATS server.
@Suite struct `A gateway of a cluster` {
    /// A message in a log, with its first values.
    private struct Entry: Equatable {
        let id: String
        let sequence: UInt64?
        let values: [Float]
    }

    private static let partitions = 4

    private func start(
        _ node: TestNode, _ server: ClusterServer, over connection: Connection? = nil
    ) throws -> (ClusterGateway, RunningPart) {
        let gateway = try ClusterGateway(
            node.configuration, models: node.models, partitions: Self.partitions,
            over: connection ?? node.connect(to: server), in: node.context, by: node.access, logger: node.logger)
        return (gateway, RunningPart({ () throws(DaemonError) in try gateway.run() }, end: { gateway.stop() }))
    }

    private func send(_ id: String, _ value: Float, sequence: UInt64? = nil, by producer: borrowing Socket) throws {
        var frames = [Array(id.utf8), Timesteps.bytes([value])]
        if let sequence { frames.append(TimestepHeader(sequence: sequence).bytes) }
        _ = try producer.sendFrames(frames, wait: true)
    }

    private func log(_ partition: Int, of server: ClusterServer) throws -> [Entry] {
        try server.payloads(of: ClusterNames.log(partition)).flatMap { bytes -> [Entry] in
            guard case .timesteps(let entries) = try unsafe LogMessage(bytes.span.bytes) else { return [] }
            return try entries.map { entry in
                let header = try entry.header.map { try TimestepHeader(unsafe bytes.span.bytes.extracting($0)) }
                let values = stride(from: entry.payload.lowerBound, to: entry.payload.upperBound, by: 4).prefix(2).map {
                    Float(bitPattern: unsafe bytes.span.bytes.unsafeLoadUnaligned(fromByteOffset: $0, as: UInt32.self))
                }
                return Entry(
                    id: String(decoding: bytes[entry.id], as: UTF8.self), sequence: header?.sequence, values: values)
            }
        }
    }

    /// Checks that each partition's log has the messages of its streams, in the order in which they were sent.
    private func check(_ sent: [Entry], in server: ClusterServer) throws {
        for partition in 0..<Self.partitions {
            let expected = sent.filter {
                Partitioning.partition(of: Array($0.id.utf8).span, count: Self.partitions) == partition
            }
            let stored = try log(partition, of: server)
            #expect(stored == expected, "partition \(partition): \(stored.count) instead of \(expected.count)")
        }
    }

    @Test func `every message arrives in the log of its partition, in order`() throws {
        let server = try ClusterServer(partitions: Self.partitions)
        let node = try TestNode()
        let (gateway, part) = try start(node, server)
        let producer = try node.producer(for: gateway.endpoints[0])
        var sent: [Entry] = []
        for number: UInt64 in 1...5_000 {
            let id = "s\(number % 37)"
            try send(id, Float(number), sequence: number, by: producer)
            sent.append(Entry(id: id, sequence: number, values: [Float(number)]))
        }
        // The stop takes everything that a connected producer has sent.
        try wait { gateway.measures.withLock { $0.messages > 0 } }
        try part.stop()
        try check(sent, in: server)
        let measures = gateway.measures.withLock { $0 }
        #expect(measures.messages == 5_000 && measures.waitingBytes == 0 && measures.retries == 0)
        #expect(measures.stored < 2_500, "\(measures.stored) messages hold 5,000 timesteps")
    }

    @Test func `a single message reaches the log within milliseconds`() throws {
        let server = try ClusterServer(partitions: Self.partitions)
        let node = try TestNode()
        let (gateway, part) = try start(node, server)
        let producer = try node.producer(for: gateway.endpoints[0])
        let partition = Partitioning.partition(of: Array("a".utf8).span, count: Self.partitions)
        let core = try server.connection.subscribe(ClusterNames.logSubject(partition))
        try server.connection.flush(timeoutMilliseconds: 1_000)
        var times: [Duration] = []
        for number in 1...50 {
            let start = ContinuousClock.now
            try send("a", Float(number), by: producer)
            _ = try #require(try core.next(timeoutMilliseconds: 10_000))
            times.append(ContinuousClock.now - start)
            usleep(5_000)
        }
        #expect(times.sorted()[25] < .milliseconds(20), "\(times.sorted()[25])")
        try part.stop()
    }

    @Test func `messages in all codecs arrive as float32`() throws {
        let server = try ClusterServer(partitions: Self.partitions)
        let node = try TestNode { configuration in
            configuration.ingest = [IngestCodec.json, .text, .batch].map {
                DaemonConfiguration.Ingest(
                    IngestEndpoint(.pull, Endpoint(.bind, "tcp://127.0.0.1:*")), codec: $0)
            }
        }
        let (gateway, part) = try start(node, server)
        let json = try node.producer(for: gateway.endpoints[0])
        _ = try json.sendFrames([Array(#"{"stream":"a","values":[[0.5],[1]],"sequence":7}"#.utf8)], wait: true)
        let text = try node.producer(for: gateway.endpoints[1])
        _ = try text.sendFrames([Array("b 0.25".utf8)], wait: true)
        let batch = try node.producer(for: gateway.endpoints[2])
        let dictionary = try StreamDictionary(ids: [Array("d".utf8), Array("e".utf8)])
        _ = try batch.sendFrames(
            BatchMessage(streams: .ids([Array("c".utf8)]), values: .floats([3]), sequences: [9]).frames, wait: true)
        _ = try batch.sendFrames(dictionary.frames, wait: true)
        _ = try batch.sendFrames(
            BatchMessage(streams: .all(count: 2, dictionary: dictionary.hash), values: .floats([4, 5])).frames,
            wait: true)
        try wait { gateway.measures.withLock { $0.messages == 5 } }
        try part.stop()
        let stored = try (0..<Self.partitions).flatMap { try log($0, of: server) }.sorted { $0.id < $1.id }
        #expect(
            stored == [
                Entry(id: "a", sequence: 7, values: [0.5, 1]), Entry(id: "b", sequence: nil, values: [0.25]),
                Entry(id: "c", sequence: 9, values: [3]), Entry(id: "d", sequence: nil, values: [4]),
                Entry(id: "e", sequence: nil, values: [5]),
            ])
        #expect(gateway.measures.withLock { $0.dropped.isEmpty })
    }

    @Test func `malformed messages are counted by cause, and are not stored`() throws {
        let server = try ClusterServer(partitions: Self.partitions)
        let node = try TestNode()
        let (gateway, part) = try start(node, server)
        let producer = try node.producer(for: gateway.endpoints[0])
        let value = Timesteps.bytes([1])
        let messages: [[[UInt8]]] = [
            [[97]], [[97], value, TimestepHeader().bytes, [1]], [[], value], [Array("!a".utf8), value], [[97], []],
            [[97], [1, 2, 3]], [[97], value, [1]], [[97], [UInt8](repeating: 0, count: 300_000)],
        ]
        for message in messages { _ = try producer.sendFrames(message, wait: true) }
        try wait { gateway.measures.withLock { $0.messages == UInt64(messages.count) } }
        try part.stop()
        let dropped = gateway.measures.withLock { $0.dropped }
        #expect(dropped == [.frames: 2, .id: 2, .length: 2, .header: 1, .tooLarge: 1])
        try check([], in: server)
    }

    @Test func `a killed server loses nothing of a producer that can wait, and keeps the order`() throws {
        let server = try ClusterServer(partitions: Self.partitions)
        let node = try TestNode()
        let (gateway, part) = try start(node, server)
        let producer = try node.producer(for: gateway.endpoints[0])
        var sent: [Entry] = []
        for number: UInt64 in 1...6_000 {
            let id = "s\(number % 11)"
            try send(id, Float(number), by: producer)
            sent.append(Entry(id: id, sequence: nil, values: [Float(number)]))
            if number % 100 == 0 { usleep(2_000) }
            if number == 2_000 || number == 4_000 {
                server.servers.kill(0)
                usleep(20_000)
                try server.servers.start(0)
            }
        }
        try server.servers.waitUntilReady()
        try wait { gateway.measures.withLock { $0.messages == 6_000 && $0.waitingBytes == 0 } }
        try part.stop()
        try wait { server.connection.isConnected }
        try check(sent, in: server)
    }

    @Test func `a full log makes a producer wait, and loses nothing`() throws {
        let server = try ClusterServer(partitions: Self.partitions, logBytes: 1_000_000)
        let node = try TestNode { $0.highWaterMark = 10 }
        let (gateway, part) = try start(node, server)
        let producer = try node.producer(for: gateway.endpoints[0], highWaterMark: 10)
        var sent: [Entry] = []
        func send(_ number: Int) throws -> Bool {
            let values = [Float(number)] + [Float](repeating: 0, count: 4_095)
            guard try producer.sendFrames([Array("s\(number % 3)".utf8), Timesteps.bytes(values)], wait: false) else {
                return false
            }
            sent.append(Entry(id: "s\(number % 3)", sequence: nil, values: Array(values.prefix(2))))
            return true
        }
        var number = 1
        var refusedAt: ContinuousClock.Instant?
        while refusedAt.map({ ContinuousClock.now - $0 < .milliseconds(500) }) ?? true {
            if try send(number) {
                number += 1
                refusedAt = nil
            } else {
                refusedAt = refusedAt ?? .now
                usleep(1_000)
            }
            try #require(number < 10_000, "the producer never had to wait")
        }
        let measures = gateway.measures.withLock { $0 }
        #expect(measures.isStalled && measures.discarded == 0)
        #expect(measures.messages < number)
        for partition in 0..<Self.partitions { try server.setLog(partition, maximumBytes: nil, isNew: false) }
        for number in number..<(number + 20) { try wait { try send(number) } }
        try wait { gateway.measures.withLock { $0.messages == sent.count && $0.waitingBytes == 0 } }
        try part.stop()
        try check(sent, in: server)
    }

    @Test func `messages of a producer that cannot wait gather while NATS is away`() throws {
        let server = try ClusterServer(partitions: Self.partitions)
        let node = try TestNode {
            $0.ingest = [DaemonConfiguration.Ingest(IngestEndpoint(.sub, Endpoint(.bind, "tcp://127.0.0.1:*")))]
        }
        let (gateway, part) = try start(node, server)
        let producer = try node.producer(for: gateway.endpoints[0])
        // A PUB socket discards what it sends before the gateway's subscription has arrived.
        var number: Float = 0
        try wait {
            number += 1
            try send("a", number, by: producer)
            return gateway.measures.withLock { $0.messages > 0 }
        }
        server.servers.kill(0)
        try wait { gateway.measures.withLock { $0.isStalled } }
        for _ in 0..<1_000 {
            number += 1
            try send("a", number, by: producer)
        }
        try server.servers.start(0)
        try server.servers.waitUntilReady()
        try wait { gateway.measures.withLock { !$0.isStalled && $0.waitingBytes == 0 } }
        try part.stop()
        try wait { server.connection.isConnected }
        let stored = try (0..<Self.partitions).flatMap { try log($0, of: server) }.map { $0.values[0] }
        #expect(stored == Array(stride(from: try #require(stored.first), through: number, by: 1)))
        #expect(stored.count >= 1_001)
    }
}
#endif
