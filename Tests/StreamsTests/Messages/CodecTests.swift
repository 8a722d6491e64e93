import Streams
import TestSupport
import Testing
import Wire

@Suite struct `Messages of other codecs` {
    private func feed(_ policy: ServingPolicy = ServingPolicy()) throws -> Feed {
        Feed(served(try livelyModel(features: 2), policy))
    }

    @Test func `the same timesteps give the same bits in every codec`() throws {
        let feed = try feed()
        let alone = Alone(try livelyModel(features: 2))
        let values = signal(6, features: 2)
        var decisions = try feed.send("s", Array(values[0..<4]))
        decisions += try feed.send(
            .json, #"{"stream":"s","values":[[\#(values[4]),\#(values[5])],[\#(values[6]),\#(values[7])]]}"#, time: 5)
        decisions += try feed.send(.text, "s \(values[8]) \(values[9])")
        decisions += try feed.send(.json, #"{"stream":"s","values":[\#(values[10]),\#(values[11])]}"#)
        #expect(bits(decisions) == alone.answers(to: values))
        #expect(decisions.map(\.sequence) == Array(1...6))
        #expect(decisions.map(\.time) == [0, 0, 5, 5, 0, 0])
        #expect(feed.table.counters.timesteps == 6)
    }

    @Test func `the sequence and flags of a JSON object mean the same as those of a header`() throws {
        let feed = try feed(ServingPolicy(gap: .reset))
        let first = try feed.send(.json, #"{"stream":"s","values":[[1,2],[3,4]],"sequence":5}"#)
        #expect(first.map(\.sequence) == [5, 6])
        #expect(first.map { $0.flags.contains(.gap) } == [true, false])
        let overlap = try feed.send(.json, #"{"stream":"s","values":[[3,4],[5,6]],"sequence":6,"end":true}"#)
        #expect(overlap.map(\.sequence) == [7])
        #expect(overlap.map(\.step) == [3])
        #expect(overlap.allSatisfy { $0.flags.contains(.final) })
        #expect(try feed.send(.json, #"{"stream":"s","values":[1,2]}"#).map(\.step) == [1])
        #expect(try feed.send(.json, #"{"stream":"s","values":[1,2],"start":true}"#).map(\.step) == [1])
        #expect(try feed.send(.text, "s 1 2").map(\.step) == [2])
        #expect(feed.table.counters.duplicates == 1)
        #expect(feed.table.counters.gaps == 1)
    }

    @Test func `JSON and text messages wait for a paused stream too`() throws {
        let feed = try feed()
        let alone = Alone(try livelyModel(features: 2))
        var decisions = try feed.send("s", [1, 2])
        _ = try feed.table.pause(.all)
        #expect(try feed.send(.text, "s 3 4").isEmpty)
        #expect(try feed.send(.json, #"{"stream":"s","values":[[5,6],[7,8]],"sequence":3}"#).isEmpty)
        decisions += try feed.resume(.all).flatMap(\.decisions)
        #expect(bits(decisions) == alone.answers(to: [1, 2, 3, 4, 5, 6, 7, 8]))
    }

    @Test func `the model of the stream determines the number of values in a timestep`() throws {
        let feed = Feed(
            served(try echo(), name: "one"), served(try echo(3), name: "three", ServingPolicy(prefixes: ["three-"])))
        #expect(try feed.send(.text, "s 1").count == 1)
        #expect(try feed.send(.text, "three-s 1 2 3").count == 1)
        #expect(try feed.send(.json, #"{"stream":"three-s","values":[[1,2,3],[4,5,6]]}"#).count == 2)
        #expect(throws: DropCause.length) { try feed.send(.text, "three-s 1") }
        #expect(throws: DropCause.length) { try feed.send(.text, "s 1 2 3") }
        #expect(throws: DropCause.length) { try feed.send(.json, #"{"stream":"three-s","values":[[1],[2],[3]]}"#) }
    }

    static let bad: [(DropCause, IngestCodec, String)] = [
        (.json, .json, "s 1 2"), (.json, .json, #"{"stream":"s"}"#), (.id, .json, #"{"values":[1,2]}"#),
        (.id, .json, #"{"stream":"","values":[1,2]}"#), (.id, .json, #"{"stream":"a\u0000","values":[1,2]}"#),
        (.id, .json, #"{"stream":"!sluice/x","values":[1,2]}"#), (.unrouted, .json, #"{"stream":"t","values":[1,2]}"#),
        (.length, .json, #"{"stream":"s","values":[1]}"#), (.nonFinite, .json, #"{"stream":"s","values":[1,1e39]}"#),
        (.sequence, .json, #"{"stream":"s","values":[[1,2],[1,2]],"sequence":18446744073709551615}"#),
        (.id, .text, ""), (.id, .text, "!sluice/x 1 2"), (.id, .text, String(repeating: "s", count: 256) + " 1 2"),
        (.id, .text, "s\u{7F} 1 2"), (.unrouted, .text, "t 1 2"), (.length, .text, "s 1"), (.text, .text, "s 1 two"),
        (.nonFinite, .text, "s 1 inf"),
    ]

    @Test(arguments: bad)
    func `an invalid message changes no stream`(cause: DropCause, codec: IngestCodec, text: String) throws {
        let feed = try feed(ServingPolicy(prefixes: ["s"]))
        #expect(throws: cause) { try feed.send(codec, text) }
        #expect(feed.table.count == 0)
        let alone = Alone(try livelyModel(features: 2))
        let before = try feed.send("s", [1, 2])
        let image = try feed.image("s")
        #expect(throws: cause) { try feed.send(codec, text, time: 99) }
        #expect(try feed.image("s") == image)
        #expect(feed.table.counters.dropped.filter { $0.value > 0 } == [cause: 2])
        #expect(bits(before + (try feed.send("s", [3, 4]))) == alone.answers(to: [1, 2, 3, 4]))
    }
}
