import Testing
import Wire

@testable import Client

@Suite struct `A delivery` {
    @Test(
        arguments: [
            ("meter-1", "power"), ("meter-1-b", "special"), ("dna-7", "splice"), ("other", nil), ("meter", nil),
        ] as [(String, String?)])
    func `a stream goes to the model with the longest matching prefix`(_ stream: String, _ model: String?) {
        let routes = ModelRoutes([
            Self.model("power", ["meter-"]), Self.model("special", ["meter-1-"]),
            Self.model("splice", ["dna-", "rna-"]),
        ])
        #expect(routes.model(for: stream)?.name == model)
    }

    @Test func `the empty prefix matches all other streams`() {
        let routes = ModelRoutes([Self.model("rest", [""]), Self.model("power", ["meter-"])])
        #expect(routes.model(for: "x")?.name == "rest")
        #expect(routes.model(for: "meter-1")?.name == "power")
    }

    @Test(
        arguments: [
            (101, 1, 101, 0, 0), (101, 5, 105, 0, 0), (103, 3, 105, 1, 0), (96, 10, 105, 0, 5), (1, 10, 100, 0, 10),
            (100, 1, 100, 0, 1), (.max, 1, .max, 1, 0),
        ] as [(UInt64, Int, UInt64, UInt64, UInt64)])
    func `a stream must reach the last number sent, and only the gaps and duplicates in the input are expected`(
        _ sequence: UInt64, _ timesteps: Int, _ target: UInt64, _ gaps: UInt64, _ duplicates: UInt64
    ) {
        var account = Delivery.Account(target: 100, reached: 100, sent: 100)
        #expect(
            account.add(InputRow(stream: "s", values: [], timesteps: timesteps, sequence: sequence)) == duplicates)
        #expect(account.target == target)
        #expect(account.expected == StreamTally(gaps: gaps, duplicates: duplicates))
        account.tally = StreamTally(gaps: gaps, duplicates: duplicates)
        #expect(account.surprises == StreamTally())
        account.tally = StreamTally(gaps: gaps + 1, duplicates: duplicates + 2)
        #expect(account.surprises == StreamTally(gaps: 1, duplicates: 2))
        account.repeatable = 2
        #expect(account.surprises == StreamTally(gaps: 1))
    }

    @Test func `missing timesteps are reported stream by stream, with the reasons for drops`() {
        let pending: [StreamKey: Delivery.Account] = [
            "s2": Delivery.Account(target: 1010, reached: 1000), "s1": Delivery.Account(target: 2000, reached: 0),
        ]
        let before = Self.status(dropped: ["length": 1, "id": 2])
        let after = Self.status(dropped: ["length": 4, "id": 2])
        #expect(
            Delivery.explain(pending, timesteps: 3000, before: before, after: after)
                == "2,010 of 3,000 timesteps were not consumed: s1 from sequence 1 (at 0 of 2000), "
                + "s2 from sequence 1001 (at 1000 of 1010); dropped meanwhile: 3 length")
    }

    @Test func `timesteps of a paused stream are not reported as lost`() {
        let pending: [StreamKey: Delivery.Account] = ["s1": Delivery.Account(target: 20, reached: 5, isPaused: true)]
        let status = Self.status(dropped: [:])
        #expect(
            Delivery.explain(pending, timesteps: 20, before: status, after: status)
                == "15 of 20 timesteps wait in the daemon: s1 is at 5 of 20 and paused; run 'sluice resume' to continue them"
        )
    }

    @Test func `if another producer feeds a stream, the skipped timesteps of this input are reported`() {
        var account = Delivery.Account(target: 20, reached: 25)
        account.tally = StreamTally(duplicates: 3)
        #expect(
            Delivery.explain(odd: ["s": account], timesteps: 20)
                == "not all of 20 timesteps were consumed as they were sent: s has 3 skipped as duplicates up to sequence "
                + "20; check whether another producer feeds or removes these streams")
    }

    @Test func `unconfirmed messages are released once they are consumed, oldest first`() {
        var unconfirmed = UnconfirmedMessages(capacity: 300)
        let messages = (1...3).map {
            InputRow(stream: "s", values: [0, 0], timesteps: 2, sequence: UInt64(2 * $0 - 1))
        }
        for message in messages.prefix(2) { unconfirmed.append(message) }
        #expect(!unconfirmed.isFull)
        unconfirmed.append(messages[2])
        #expect(unconfirmed.isFull)
        #expect(unconfirmed.releaseFirst { $0.lastSequence <= 1 } == nil)
        #expect(unconfirmed.releaseFirst { $0.lastSequence <= 2 } == messages[0])
        #expect(!unconfirmed.hasRoom)
        #expect(unconfirmed.releaseFirst { $0.lastSequence <= 4 } == messages[1])
        #expect(unconfirmed.hasRoom)
        #expect(Array(unconfirmed.all) == [messages[2]])
    }

    @Test func `a partly consumed message loses its beginning and its start flag`() {
        var row = InputRow(
            stream: "s", values: [1, 2, 3, 4, 5, 6], timesteps: 3, sequence: 7, flags: [.start, .end])
        row.removeFirst(2)
        #expect(row == InputRow(stream: "s", values: [5, 6], timesteps: 1, sequence: 9, flags: .end))
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

@Suite struct `A stream key` {
    @Test func `two spellings of one character are two streams`() {
        let composed = StreamKey("caf\u{E9}")
        let decomposed = StreamKey("cafe\u{301}")
        #expect(composed.id == decomposed.id)
        #expect(composed != decomposed)

        var starts = SequenceStarts()
        let isStart = [composed, decomposed, composed].map { starts.record(stream: $0.id, value: [1]) }
        #expect(isStart == [true, true, false])
    }
}
