import Foundation
import Testing
import Wire

/// Tests the exact keys and forms of the protocol's results.
@Suite struct `A control answer` {
    static let status = DaemonStatus(
        version: "1.0", uptimeSeconds: 1.5,
        endpoints: DaemonStatus.Endpoints(
            ingest: ["@tcp://a:1"], decisions: "@tcp://a:2", control: "@tcp://a:3", http: "a:4"),
        models: [
            DaemonStatus.Model(
                name: "power", file: "model2.keras", fingerprint: "ab", mode: "stateful", features: 1, outputs: 2,
                parameters: 3, prefixes: ["meter-"])
        ],
        streams: 4, paused: 5, timesteps: .max, decisions: 7, duplicates: 8, gaps: 9, dropped: ["frames": 10],
        checkpoint: DaemonStatus.Checkpoint(time: 11, streams: 12, durationMilliseconds: 0.5),
        quarantined: 13, asleep: 14, subscriberOverflows: 15, instance: "1f2e")

    static let statusText = """
        {"version": "1.0", "uptime_s": 1.5,
         "endpoints": {"ingest": ["@tcp://a:1"], "decisions": "@tcp://a:2", "control": "@tcp://a:3", "http": "a:4"},
         "models": [{"name": "power", "file": "model2.keras", "fingerprint": "ab", "mode": "stateful", "features": 1,
                     "outputs": 2, "parameters": 3, "prefixes": ["meter-"]}],
         "streams": 4, "paused": 5, "timesteps": 18446744073709551615, "decisions": 7, "duplicates": 8, "gaps": 9,
         "instance": "1f2e", "quarantined": 13, "asleep": 14,
         "refused_connections": {}, "subscriber_overflows": 15,
         "dropped": {"frames": 10}, "checkpoint": {"time": 11, "streams": 12, "duration_ms": 0.5}}
        """

    @Test func `the status has the protocol's keys`() throws {
        #expect(try written(Self.status) == json(Self.statusText))
        #expect(try reread(Self.status) == Self.status)
    }

    @Test func `codecs are present only if not all are binary`() throws {
        #expect(try written(Self.status).members?["codecs"] == nil)
        var status = Self.status
        let codecs = DaemonStatus.Codecs(ingest: [.binary, .text], decisions: .json)
        status.codecs = codecs
        #expect(
            try written(status).members?["codecs"] == json(#"{"ingest": ["binary", "text"], "decisions": "json"}"#))
        #expect(try reread(status) == status)
        #expect(!codecs.areAllBinary)
        #expect(!DaemonStatus.Codecs(ingest: [.binary], decisions: .json).areAllBinary)
        #expect(DaemonStatus.Codecs(ingest: [.binary, .binary], decisions: .binary).areAllBinary)
    }

    @Test func `the checkpoint is null before the first one`() throws {
        var status = Self.status
        status.checkpoint = nil
        #expect(try written(status).members?["checkpoint"] == .null)
        #expect(try reread(status) == status)
    }

    private func stream(_ probability: [Float]) -> StreamStatus {
        StreamStatus(
            stream: "s1", model: "power", sequence: .max, step: 2, probability: StreamStatus.Probability(probability),
            label: 1, idleSeconds: 0.25, paused: false, asleep: true, waiting: 6,
            tally: StreamTally(gaps: 3, duplicates: 4, quarantined: 5))
    }

    @Test func `the probability of one output is a number`() throws {
        let text = """
            {"stream": "s1", "model": "power", "sequence": 18446744073709551615, "step": 2, "probability": 0.75,
             "label": 1, "idle_s": 0.25, "paused": false, "asleep": true, "waiting": 6, "gaps": 3, "duplicates": 4,
             "quarantined": 5}
            """
        #expect(try written(stream([0.75])) == json(text))
        #expect(try reread(stream([0.75])) == stream([0.75]))
    }

    @Test func `the probabilities of several outputs are an array`() throws {
        let expected: JSONValue = .array([.number(0.25), .number(0.5), .number(0.125)])
        #expect(try written(stream([0.25, 0.5, 0.125])).members?["probability"] == expected)
        #expect(try reread(stream([0.25, 0.5, 0.125])).probability.values == [0.25, 0.5, 0.125])
    }

    @Test(arguments: [0.1, 0.93, 1 / 3, .leastNonzeroMagnitude, 1, 0] as [Float])
    func `a probability in JSON keeps all its bits`(value: Float) throws {
        #expect(try reread(stream([value])).probability.values.map(\.bitPattern) == [value.bitPattern])
    }

    @Test func `a page's next is the id after which to continue, and null on the last page`() throws {
        let last = StreamPage<StreamStatus>(streams: [], next: nil)
        #expect(try written(last) == json(#"{"streams": [], "next": null}"#))
        #expect(try reread(last) == last)
        let page = StreamPage(streams: [stream([0.5])], next: "s1")
        #expect(try written(page).members?["next"] == .string("s1"))
        #expect(try reread(page) == page)
    }

    @Test func `snapshots and checkpoints have the protocol's keys`() throws {
        let list = SnapshotList(snapshots: [
            SnapshotStatus(name: "n", streams: 1, bytes: 84, time: 2, models: ["ab"])
        ])
        let text = #"{"snapshots": [{"name": "n", "streams": 1, "bytes": 84, "time": 2, "models": ["ab"]}]}"#
        #expect(try written(list) == json(text))
        let result = CheckpointResult(streams: 3, durationMilliseconds: 1.5)
        #expect(try written(result) == json(#"{"streams": 3, "duration_ms": 1.5}"#))
    }
}
