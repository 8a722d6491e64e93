import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

@Suite struct `A subscriber` {
    @Test func `a subscriber that does not read is counted, and no one waits for it`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(
            [model2, "--high-water-mark", "20"], decisions: "@ipc://\(folder.path)/decisions")
        let peer = try Peer(daemon)
        let slow = try StalledSubscriber(daemon, context: peer.context)
        #expect(try peer.status().subscriberOverflows == 0)

        // Each message produces so many decision records that the slow subscriber's buffers in the kernel soon fill up.
        // The peer keeps up, because it reads the decisions on each message before it sends the next one.
        let inputs = values(500)
        var decided: UInt64 = 0
        while try peer.status().subscriberOverflows == 0, decided < 400_000 {
            let decisions = try peer.decide("s", inputs, cuts: [inputs.count])
            #expect(decisions.map(\.sequence) == Array(decided + 1...decided + UInt64(inputs.count)))
            decided += UInt64(inputs.count)
        }
        #expect(try peer.status().subscriberOverflows == 1)
        // The daemon skips the slow subscriber until the subscriber reads again. The overflow counts only once, and
        // other subscribers receive all decisions.
        for _ in 0..<50 {
            _ = try peer.decide("s", inputs, cuts: [inputs.count])
            decided += UInt64(inputs.count)
        }
        let status = try peer.status()
        #expect(status.subscriberOverflows == 1)
        #expect(status.decisions == decided)

        // The slow subscriber first gets its queued decisions, then misses some, and then gets new ones.
        let first = try slow.readWaiting()
        #expect(first == Array(1...UInt64(first.count)))
        #expect(first.count < Int(decided))
        _ = try peer.decide("s", inputs, cuts: [inputs.count])
        #expect(try slow.read(inputs.count).first == decided + 1)
    }

    @Test(arguments: DecisionCodec.allCases)
    func `with last_value, a late subscriber receives the last value of each stream`(codec: DecisionCodec) throws {
        let folder = try TemporaryFolder()
        let text = """
            last_value: true
            decisions: {endpoint: "@tcp://127.0.0.1:1", codec: \(codec)}
            models: {power: {file: \(model2)}}
            """
        let daemon = try DaemonProcess(["--config", try folder.write(text, to: "sluice.yaml")])
        let peer = try Peer(daemon)
        // Use more streams than the daemon visits in one iteration of its loop.
        let ids = (0..<1100).map { "early-\($0)" }
        for id in ids { try peer.feed(id, values(2, seed: 3)) }
        let last = try ids.map { try #require(try peer.decisions(of: $0, 2).last) }
        _ = try peer.decide("other", values(3))

        let late = try DecisionSubscriber(
            endpoint: try Endpoint(connecting(daemon.decisions)), prefix: "early-",
            batches: DecisionBatch.topicPrefix, in: peer.context)
        late.takesReplayed = true
        var told: [String: [Decision]] = [:]
        let all: Bool? = try eventually {
            try late.wait(seconds: 0.1)
            while let message = try late.next() { told[message.stream, default: []] += message.decisions }
            return told.count >= ids.count ? true : nil
        }
        #expect(all == true)
        #expect(told["other"] == nil)
        for (id, decision) in zip(ids, last) {
            var expected = decision
            expected.flags = .replayed
            #expect(told[id] == [expected])
        }

        // Decisions from now on are new to both subscribers, because the peer's subscriber skipped the last values.
        let next = try peer.decide(ids[0], values(1, seed: 5))
        let news = try #require(
            try eventually {
                try late.wait(seconds: 0.1)
                return try late.next()
            })
        #expect(news.stream == ids[0] && news.decisions == next)
        #expect(next[0].sequence == 3)
    }

    @Test func `without last_value, a late subscriber receives only new decisions`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        _ = try peer.decide("s", values(2))
        let late = try DecisionSubscriber(
            endpoint: try Endpoint(connecting(daemon.decisions)), prefix: "s", in: peer.context)
        late.takesReplayed = true
        let next = try peer.decide("s", values(1))
        let first = try eventually { () -> [Decision]? in
            try late.wait(seconds: 0.1)
            return try late.next()?.decisions
        }
        #expect(first == next)
    }

    @Test func `last values follow the decisions that wait for the journal`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(
            [model2, "--last-value", "--state-dir", folder.path, "--durability", "journal"])
        let peer = try Peer(daemon)
        let last = try #require(try peer.decide("s", values(5)).last)
        let late = try DecisionSubscriber(
            endpoint: try Endpoint(connecting(daemon.decisions)), prefix: "s", in: peer.context)
        late.takesReplayed = true
        let told = try eventually { () -> [Decision]? in
            try late.wait(seconds: 0.1)
            return try late.next()?.decisions
        }
        #expect(told?.map(\.sequence) == [5])
        #expect(told?.map(\.flags) == [.replayed])
        #expect(told?.map(\.probabilities) == [last.probabilities])
    }
}

/// A subscriber to all decisions that reads only on request.
private final class StalledSubscriber {
    private let socket: Socket

    init(_ daemon: DaemonProcess, context: Context) throws {
        socket = try Socket(.sub, in: context)
        try socket.set(.linger, to: 0)
        try socket.set(.receiveHighWaterMark, to: 1)
        try socket.set(.receiveTimeout, to: 10_000)
        try socket.attach(to: try Endpoint(connecting(daemon.decisions)), otherwise: .connect)
        try socket.subscribe("s")
        try socket.subscribe("!sluice/subscribed/stalled")
        try #require(try socket.receiveFrames(wait: true)?.first == Array("!sluice/subscribed/stalled".utf8))
    }

    /// Reads until no decision has arrived for half a second. Returns the sequence numbers of all decisions.
    func readWaiting() throws -> [UInt64] {
        try socket.set(.receiveTimeout, to: 500)
        var sequences: [UInt64] = []
        while let frames = try socket.receiveFrames(wait: true) { sequences += try Self.sequences(frames) }
        return sequences
    }

    /// Reads at least `count` decisions, and returns their sequence numbers.
    func read(_ count: Int) throws -> [UInt64] {
        try socket.set(.receiveTimeout, to: 10_000)
        var sequences: [UInt64] = []
        while sequences.count < count {
            sequences += try Self.sequences(try #require(try socket.receiveFrames(wait: true)))
        }
        return sequences
    }

    private static func sequences(_ frames: [[UInt8]]) throws -> [UInt64] {
        let records = frames[1]
        return unsafe try Decision.records(in: records.span.bytes).map(\.sequence)
    }
}
