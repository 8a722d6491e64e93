import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

@Suite struct `Decisions in batches` {
    private static let batch = "batch:@tcp://127.0.0.1:*"

    /// Models in all modes, with different `emit` settings and numbers of outputs.
    private static let models = """
        models:
          every: {file: \(model2), prefixes: ["every-"]}
          last: {file: \(model2), prefixes: ["last-"], emit: last}
          change: {file: \(model2), prefixes: ["change-"], emit: change}
          window: {file: \(Fixtures.url("reference/model1.keras").path), prefixes: ["window-"], mode: "window:3:2"}
          final: {file: \(Fixtures.url("reference/model3.keras").path), prefixes: ["final-"], mode: sequence}
          prefixes: {file: \(Fixtures.url("reference/model1.keras").path), prefixes: ["p"], mode: sequence, emit: every}

        """

    /// Returns messages of many streams. A message contains streams of all models, with one to three timesteps each.
    private func messages() -> [BatchMessage] {
        let models = ["every-", "last-", "change-", "window-", "final-", "p"]
        return (0..<12).map { number in
            let ids = (0..<300).map { Array("\(models[$0 % models.count])\($0 * (number % 3 + 1) % 900)".utf8) }
            let flags: [TimestepHeader.Flags] = ids.indices.map { $0 % 7 == number % 7 ? .end : [] }
            return BatchMessage(
                streams: .ids(ids), values: .floats(values(ids.count * (number % 3 + 1), seed: number + 1)),
                flags: flags)
        }
    }

    private func producer(_ endpoint: String, in context: Context) throws -> Socket {
        let producer = try Socket(.push, in: context)
        try producer.attach(to: try IngestEndpoint(connecting(endpoint)).endpoint, otherwise: .connect)
        return producer
    }

    /// Receives the given number of decisions. Returns them by stream, in order.
    private func decisions(_ subscriber: DecisionSubscriber, _ count: Int) throws -> [String: [Decision]] {
        var found: [String: [Decision]] = [:]
        var left = count
        _ = try eventually {
            try subscriber.wait(seconds: 0.5)
            while let message = try subscriber.next() {
                found[message.stream, default: []] += message.decisions
                left -= message.decisions.count
            }
            return left <= 0 ? true : nil
        }
        #expect(left == 0, "\(count - left) of \(count) decisions arrived")
        return found
    }

    @Test(arguments: [[], ["--durability", "journal"]])
    func `the records are those of the binary endpoint, for all models, modes and emit settings`(
        durability: [String]
    ) throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("state: {dir: state}\n" + Self.models, to: "sluice.yaml")
        let daemon = try DaemonProcess(
            ["--config", file] + durability, ingest: ["batch:pull:@tcp://127.0.0.1:*", "pull:@tcp://127.0.0.1:*"],
            others: [Self.batch])
        let context = try Context()
        let control = try ControlClient(endpoint: connecting(daemon.control), timeoutSeconds: 60, in: context)
        let single = try DecisionSubscriber(
            endpoint: try Endpoint(connecting(daemon.decisions)), prefix: "", in: context)
        let many = try BatchSubscriber(daemon.allDecisions[1], topic: DecisionBatch.topicPrefix, in: context)
        let status = try control.call(.status)
        let batches = try producer(status.endpoints.ingest[0], in: context)
        let singles = try producer(status.endpoints.ingest[1], in: context)
        for (number, message) in messages().enumerated() {
            try batches.sendFrames(message.frames, wait: true)
            try singles.sendFrames(
                [Array("every-single".utf8), Timesteps.bytes(values(5, seed: number))], wait: true)
        }
        let decided: UInt64? = try eventually {
            let status = try control.call(.status)
            return status.timesteps == 12 * 300 * 2 + 12 * 5 ? status.decisions : nil
        }
        let count = Int(try #require(decided))
        try many.receive(records: count)
        let found = try decisions(single, count)
        #expect(count > 2_000 && found.count > 300)
        #expect(many.decisions == found)
        #expect(
            Set(many.messages.map(\.topic)) == Set(status.models.map { "\(DecisionBatch.topicPrefix)\($0.name)" }))
        #expect(try control.call(.status).dropped.values.allSatisfy { $0 == 0 })
    }

    @Test(arguments: [[], ["--durability", "journal"]])
    func `a late subscriber receives the last values of the models that its topic selects`(
        durability: [String]
    ) throws {
        let folder = try TemporaryFolder()
        let models = """
            last_value: true
            state: {dir: state}
            models:
              m1: {file: \(model2), prefixes: ["a-"]}
              m2: {file: \(model2), prefixes: ["b-"]}

            """
        let file = try folder.write(models, to: "sluice.yaml")
        let daemon = try DaemonProcess(["--config", file] + durability, others: [Self.batch])
        let peer = try Peer(daemon)
        // Use more streams than the daemon visits in one iteration of its loop.
        let ids = (0..<1200).map { "\($0 % 2 == 0 ? "a-" : "b-")\($0)" }
        for id in ids { try peer.feed(id, values(2, seed: 3)) }
        var last: [String: [Decision]] = [:]
        for id in ids where id.hasPrefix("b-") {
            var decision = try #require(try peer.decisions(of: id, 2).last)
            decision.flags = .replayed
            last[id] = [decision]
        }
        let late = try BatchSubscriber(daemon.allDecisions[1], topic: "!sluice/batch/m2", in: peer.context)
        try late.receive(records: last.count)
        #expect(late.decisions == last)
    }

    @Test func `an event keeps its order among batches, and only a slow subscriber misses any`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(
            [model2, "--high-water-mark", "2000"], others: ["batch:@ipc://\(folder.path)/batches"])
        let peer = try Peer(daemon)
        let fast = try BatchSubscriber(daemon.allDecisions[1], topic: "!sluice/", in: peer.context)
        _ = try peer.decide("s", values(3))
        _ = try peer.control.call(.reset(.stream("s")))
        _ = try peer.decide("s", values(2))
        try fast.receive(records: 3)
        var topics: [String] = []
        while topics.last != "!sluice/event" { topics.append(String(decoding: try fast.next()[0], as: UTF8.self)) }
        try fast.receive(records: 5)
        #expect(topics == ["!sluice/event"])
        #expect(fast.decisions["s"]?.map(\.step) == [1, 2, 3, 1, 2])

        let slow = try BatchSubscriber(
            daemon.allDecisions[1], topic: "!sluice/batch/", receiveHighWaterMark: 1, in: peer.context)
        var count = 5
        while try peer.status().subscriberOverflows == 0, count < 400_000 {
            count += try peer.decide("s", values(500), cuts: [500]).count
            try fast.receive(records: count)
        }
        #expect(try peer.status().subscriberOverflows == 1)
        #expect(fast.decisions["s"]?.map(\.sequence) == (1...UInt64(count)).map(\.self))
        withExtendedLifetime(slow) {}
    }

    @Test func `the tool watches batches if the daemon publishes nothing else`() throws {
        let daemon = try DaemonProcess([model2], decisions: Self.batch)
        let context = try Context()
        let control = try ControlClient(endpoint: connecting(daemon.control), timeoutSeconds: 60, in: context)
        let published = try control.call(.status).publishedDecisions(
            in: [.binary, .batch], control: control.endpoint)
        #expect(published.topicPrefix == DecisionBatch.topicPrefix)
        let subscriber = try DecisionSubscriber(
            endpoint: published.endpoint, prefix: "meter-", batches: published.topicPrefix, in: context)
        let producer = try Socket(.xpub, in: context)
        try producer.attach(to: try IngestEndpoint(connecting(daemon.ingest)).endpoint, otherwise: .connect)
        _ = try producer.receiveFrames(wait: true)
        for stream in ["meter-1", "other", "meter-2"] {
            try producer.sendFrames([Array(stream.utf8), Timesteps.bytes([0.5, 1])], wait: true)
        }
        let found = try decisions(subscriber, 4)
        #expect(found.mapValues { $0.map(\.step) } == ["meter-1": [1, 2], "meter-2": [1, 2]])

        let error = try #require(throws: ClientError.self) {
            try control.call(.status).publishedDecisions(in: [.binary], control: control.endpoint)
        }
        #expect(error.status.rawValue == 69 && "\(error)".contains("--decisions binary:@tcp://"))
    }

    @Test func `status lists all endpoints, and each has its own codec`() throws {
        let daemon = try DaemonProcess(
            [model2, "--codec", "json", "--topic-prefix", "site-7/"], decisions: "@tcp://127.0.0.1:*",
            others: ["binary:@tcp://127.0.0.1:*", Self.batch])
        let context = try Context()
        let control = try ControlClient(endpoint: connecting(daemon.control), timeoutSeconds: 60, in: context)
        let status = try control.call(.status)
        #expect(status.endpoints.decisions == daemon.decisions)
        #expect(
            status.endpoints.allDecisions == [
                .init(endpoint: daemon.allDecisions[0], codec: .json),
                .init(endpoint: daemon.allDecisions[1], codec: .binary),
                .init(endpoint: daemon.allDecisions[2], codec: .batch, topicPrefix: "site-7/"),
            ])
        #expect(status.codecs == DaemonStatus.Codecs(ingest: [.json], decisions: .json))

        let subscriber = try BatchSubscriber(daemon.allDecisions[2], topic: "site-7/model2", in: context)
        let producer = try Socket(.xpub, in: context)
        try producer.attach(to: try IngestEndpoint(connecting(daemon.ingest)).endpoint, otherwise: .connect)
        _ = try producer.receiveFrames(wait: true)
        try producer.sendFrames([Array(#"{"stream": "s", "values": [[0.5], [0.25]]}"#.utf8)], wait: true)
        try subscriber.receive(records: 2)
        #expect(subscriber.messages.map(\.topic) == ["site-7/model2"])
        #expect(subscriber.decisions["s"]?.map(\.sequence) == [1, 2])
    }
}
