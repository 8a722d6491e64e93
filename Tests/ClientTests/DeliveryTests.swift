import Testing
import Wire

@testable import Client

@Suite struct DeliveryTests {
    @Test(
        arguments: [
            ("meter-1", "power"), ("meter-1-b", "special"), ("dna-7", "splice"), ("other", nil), ("meter", nil),
        ] as [(String, String?)])
    func `A stream goes to the model with the longest prefix that fits`(_ stream: String, _ model: String?) {
        let routes = ModelRoutes([
            Self.model("power", ["meter-"]), Self.model("special", ["meter-1-"]),
            Self.model("splice", ["dna-", "rna-"]),
        ])
        #expect(routes.model(for: stream)?.name == model)
    }

    @Test func `The empty prefix takes the rest`() {
        let routes = ModelRoutes([Self.model("rest", [""]), Self.model("power", ["meter-"])])
        #expect(routes.model(for: "x")?.name == "rest")
        #expect(routes.model(for: "meter-1")?.name == "power")
    }

    @Test(
        arguments: [
            ([], ""), (["abc"], "abc"), (["meter-1", "meter-2"], "meter-"), (["a", "b"], ""), (["ab", "a"], "a"),
            (["Zü", "Zö"], "Z"),
        ] as [([String], String)])
    func `Streams are asked for by what their ids have in common`(_ ids: [String], _ prefix: String) {
        #expect(Delivery.commonPrefix(ids) == prefix)
    }

    @Test(
        arguments: [
            (0, 1, 101), (0, 5, 105), (101, 3, 103), (151, 10, 160), (1, 10, 100), (96, 10, 105), (.max, 1, .max),
        ] as [(UInt64, Int, UInt64)])
    func `A stream at 100 is to reach the number of the last timestep sent`(
        _ sequence: UInt64, _ timesteps: Int, _ target: UInt64
    ) {
        var account = Delivery.Account(features: 1, target: 100, reached: 100)
        account.add(Reading(stream: "s", values: [], timesteps: timesteps, sequence: sequence))
        #expect(account.target == target)
    }

    @Test func `What is missing is told stream by stream, with what was dropped`() {
        let pending = [
            StreamKey("s2"): Delivery.Account(features: 1, target: 1010, reached: 1000),
            StreamKey("s1"): Delivery.Account(features: 1, target: 2000, reached: 0),
        ]
        let before = Self.status(dropped: ["length": 1, "id": 2])
        let after = Self.status(dropped: ["length": 4, "id": 2])
        #expect(
            Delivery.explain(pending, timesteps: 3000, before: before, after: after)
                == "2,010 of 3,000 timesteps were not consumed: s1 is at 0 of 2000, s2 is at 1000 of 1010; "
                + "dropped meanwhile: 3 length")
    }

    @Test func `What waits behind a pause is no loss`() {
        let pending = [StreamKey("s1"): Delivery.Account(features: 1, target: 20, reached: 5, isPaused: true)]
        let status = Self.status(dropped: [:])
        #expect(
            Delivery.explain(pending, timesteps: 20, before: status, after: status)
                == "15 of 20 timesteps wait in the daemon: s1 is at 5 of 20 and paused; sluice resume lets them go on")
    }

    private static func model(_ name: String, _ prefixes: [String]) -> DaemonStatus.Model {
        DaemonStatus.Model(
            name: name, file: "", fingerprint: "", mode: "stateful", features: 1, outputs: 1, parameters: 1,
            prefixes: prefixes)
    }

    private static func status(dropped: [String: UInt64]) -> DaemonStatus {
        DaemonStatus(
            version: "", uptimeSeconds: 0, endpoints: .init(ingest: [], decisions: "", control: ""), models: [],
            streams: 0, paused: 0, timesteps: 0, decisions: 0, duplicates: 0, gaps: 0, dropped: dropped,
            checkpoint: nil)
    }
}

@Suite struct StreamKeyTests {
    @Test func `Two spellings of one character are two streams`() {
        let composed = StreamKey("caf\u{E9}")
        let decomposed = StreamKey("cafe\u{301}")
        #expect(composed.id == decomposed.id)
        #expect(composed != decomposed)

        var starts = SequenceStarts()
        let isStart = [composed, decomposed, composed].map { starts.isStart(stream: $0.id, value: [1]) }
        #expect(isStart == [true, true, false])
    }
}
