import Streams
import TestSupport
import Testing
import Wire

@Suite struct `A paused stream` {
    private func feed(_ policy: ServingPolicy = ServingPolicy()) throws -> Feed {
        Feed(served(try livelyModel(), policy))
    }

    @Test func `timesteps that waited give the same decisions, message by message`() throws {
        let feed = try feed()
        let alone = Alone(try livelyModel())
        let values = signal(10)
        let before = try feed.send("s", Array(values[0..<3]))
        let image = try feed.image("s")
        #expect(try feed.table.pause(.stream("s")) == 1)
        #expect(feed.table.pausedCount == 1)
        #expect(try feed.table.status(of: "s", time: 0).paused)
        #expect(try feed.send("s", Array(values[3..<5])).isEmpty)
        #expect(try feed.send("s", Array(values[3..<8]), sequence: 4).isEmpty)
        #expect(feed.table.waitingCount == 7)
        #expect(try feed.image("s") == image)
        let resumed = try feed.resume(.stream("s"), time: 55)
        #expect(resumed.map(\.id) == ["s", "s"])
        #expect(resumed.map { $0.decisions.map(\.sequence) } == [[4, 5], [6, 7, 8]])
        #expect(resumed.flatMap(\.decisions).allSatisfy { $0.time == 55 })
        #expect(feed.table.waitingCount == 0)
        #expect(feed.table.pausedCount == 0)
        #expect(try !feed.table.status(of: "s", time: 0).paused)
        let after = try feed.send("s", Array(values[8..<10]))
        #expect(bits(before + resumed.flatMap(\.decisions) + after) == alone.answers(to: values))
        #expect(feed.table.counters.duplicates == 2)
        #expect(feed.table.counters.timesteps == 10)
        #expect(feed.table.counters.decisions == 10)
    }

    @Test func `flags and gaps wait with their timesteps`() throws {
        let feed = try feed()
        let alone = Alone(try livelyModel())
        let values = signal(3)
        try feed.send("s", signal(4, from: 50))
        _ = try feed.table.pause(.all)
        try feed.send("s", values, sequence: 10, [.start, .end])
        #expect(feed.table.counters.gaps == 0)
        let decisions = try feed.resume(.all).flatMap(\.decisions)
        #expect(decisions.map(\.step) == [1, 2, 3])
        #expect(decisions.map(\.flags.rawValue).map { $0 & 0b111 } == [0b110, 0, 0b001])
        #expect(bits(decisions) == alone.answers(to: values))
        #expect(feed.table.counters.gaps == 1)
        #expect(try feed.image("s")?.step == 0)
    }

    @Test func `above the limit, the newest timesteps are dropped and counted`() throws {
        #expect(StreamTable.maximumWaiting == 65_536)
        let feed = try feed()
        let alone = Alone(try livelyModel())
        let values = signal(65_546)
        let first = try feed.send("s", Array(values[0..<1]))
        _ = try feed.table.pause(.stream("s"))
        try feed.send("s", Array(values[1..<60_001]))
        // There is room for 5,536 timesteps. The timestep with the end flag is dropped.
        #expect(throws: DropCause.paused) { try feed.send("s", Array(values[60_001..<65_546]), .end) }
        #expect(feed.table.waitingCount == 65_536)
        #expect(feed.table.counters.dropped[.paused] == 9)
        #expect(throws: DropCause.paused) { try feed.send("s", signal(3)) }
        #expect(feed.table.counters.dropped[.paused] == 12)
        #expect(feed.table.waitingCount == 65_536)

        // Other streams are not affected.
        #expect(try feed.send("t", signal(1)).count == 1)
        let resumed = try feed.resume(.stream("s")).flatMap(\.decisions)
        #expect(resumed.count == 65_536)
        #expect(resumed.last?.sequence == 65_537)
        #expect(resumed.allSatisfy { !$0.flags.contains(.final) })
        #expect(bits(first + resumed) == alone.answers(to: Array(values[0..<65_537])))
        #expect(try feed.send("s", signal(1)).first?.step == 65_538)
    }

    @Test func `a message that just fits is kept completely, with its end flag`() throws {
        let feed = try feed()
        try feed.send("s", signal(1))
        _ = try feed.table.pause(.stream("s"))
        try feed.send("s", signal(65_536), .end)
        #expect(feed.table.counters.dropped[.paused] == 0)
        let resumed = try feed.resume(.stream("s")).flatMap(\.decisions)
        #expect(resumed.last?.flags.contains(.final) == true)
    }

    @Test func `a malformed message does not wait`() throws {
        let feed = try feed()
        try feed.send("s", signal(1))
        _ = try feed.table.pause(.stream("s"))
        #expect(throws: DropCause.nonFinite) { try feed.send("s", [1, .nan]) }
        #expect(feed.table.waitingCount == 0)
        #expect(try feed.resume(.stream("s")).isEmpty)
    }

    @Test func `a waiting timestep whose number overflows is dropped when it is admitted`() throws {
        let feed = try feed()
        try feed.send("s", signal(1), sequence: .max)
        _ = try feed.table.pause(.stream("s"))
        try feed.send("s", signal(1))
        #expect(try feed.resume(.stream("s")).isEmpty)
        #expect(feed.table.counters.dropped[.sequence] == 1)
    }

    @Test func `a pause affects exactly the selected streams, and a single stream must exist`() throws {
        let feed = try feed()
        let error = try #require(throws: StreamsError.self) { try feed.table.pause(.stream("s")) }
        #expect(error.cause == .unknownStream)
        #expect(try feed.table.pause(.all) == 0)
        for id in ["a1", "a2", "b"] { try feed.send(id, signal(1)) }
        #expect(try feed.table.pause(.prefix("a")) == 2)
        #expect(try feed.table.pause(.stream("a1")) == 1)
        #expect(feed.table.pausedCount == 2)
        #expect(try feed.send("b", signal(1)).count == 1)
        #expect(try feed.send("a3", signal(1)).count == 1)
        #expect(try feed.send("a1", signal(1)).isEmpty)
        #expect(try feed.resume(.all).map(\.id) == ["a1"])
        #expect(throws: StreamsError.self) { try feed.resume(.stream("c")) }
        #expect(try feed.resume(.stream("b")).isEmpty)
    }

    @Test func `the waiting timesteps of a removed stream are removed too`() throws {
        let feed = try feed()
        try feed.send("s", signal(3))
        _ = try feed.table.pause(.stream("s"))
        try feed.send("s", signal(5))
        _ = try feed.table.remove(.stream("s"))
        #expect(feed.table.waitingCount == 0)
        #expect(feed.table.pausedCount == 0)
        let again = try feed.send("s", signal(1))
        #expect(again.map(\.sequence) == [1])
    }

    @Test func `a resumed stream publishes according to its emit policy`() throws {
        let feed = try feed(ServingPolicy(emit: .last))
        try feed.send("s", signal(1))
        _ = try feed.table.pause(.stream("s"))
        try feed.send("s", signal(3))
        try feed.send("s", signal(2))
        #expect(try feed.resume(.stream("s")).map { $0.decisions.map(\.sequence) } == [[4], [6]])
    }
}
