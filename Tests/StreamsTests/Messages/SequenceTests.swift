import Streams
import TestSupport
import Testing
import Wire

@Suite struct `Sequence numbers and flags` {
    private func feed(_ policy: ServingPolicy = ServingPolicy()) throws -> Feed {
        Feed(served(try livelyModel(), policy))
    }

    @Test func `without a header, or with sequence 0, timesteps continue the numbering`() throws {
        let feed = try feed()
        let first = try feed.send("s", signal(2))
        let second = try feed.send("s", signal(1), sequence: 0)
        let third = try feed.send("s", signal(3))
        #expect((first + second + third).map(\.sequence) == [1, 2, 3, 4, 5, 6])
        #expect((first + second + third).map(\.step) == [1, 2, 3, 4, 5, 6])
        #expect(feed.table.counters.gaps == 0)
    }

    @Test func `the sequence in the header is the number of the first timestep`() throws {
        let feed = try feed()
        let first = try feed.send("s", signal(2), sequence: 1)
        let second = try feed.send("s", signal(2), sequence: 3)
        #expect((first + second).map(\.sequence) == [1, 2, 3, 4])
        #expect(feed.table.counters.timesteps == 4)
        #expect(feed.table.counters.decisions == 4)
    }

    @Test(arguments: [(1, 1), (1, 5), (3, 3), (5, 1)] as [(UInt64, Int)])
    func `a duplicate message changes nothing`(sequence: UInt64, count: Int) throws {
        let feed = try feed()
        try feed.send("s", signal(5), time: 7)
        let before = try feed.image("s")
        _ = feed.takeChanged()
        let decisions = try feed.send("s", signal(count, from: 90), sequence: sequence, time: 8)
        #expect(decisions.isEmpty)
        #expect(try feed.image("s") == before)
        #expect(feed.table.changedCount == 0)
        #expect(feed.table.counters.duplicates == UInt64(count))
        #expect(feed.table.counters.timesteps == 5)
    }

    @Test(arguments: [[], .start, .end, [.start, .end]] as [TimestepHeader.Flags])
    func `the flags of a duplicate message change nothing`(flags: TimestepHeader.Flags) throws {
        let feed = try feed()
        try feed.send("s", signal(5))
        let before = try feed.image("s")
        let decisions = try feed.send("s", signal(3), sequence: 3, flags)
        #expect(decisions.isEmpty)
        #expect(try feed.image("s") == before)
    }

    @Test func `only the new part of an overlapping message is consumed`() throws {
        let feed = try feed()
        let alone = Alone(try livelyModel())
        let values = signal(8)
        let first = try feed.send("s", Array(values[0..<5]), sequence: 1)
        let second = try feed.send("s", Array(values[2..<8]), sequence: 3)
        #expect(second.map(\.sequence) == [6, 7, 8])
        #expect(bits(first + second) == alone.answers(to: values))
        #expect(feed.table.counters.duplicates == 3)
        #expect(feed.table.counters.timesteps == 8)
        #expect(feed.table.counters.gaps == 0)
    }

    @Test func `the start flag of an overlapping message is ignored, but its end flag takes effect`() throws {
        let feed = try feed()
        let alone = Alone(try livelyModel())
        let values = signal(6)
        let first = try feed.send("s", Array(values[0..<3]), sequence: 1, .start)
        let second = try feed.send("s", values, sequence: 1, [.start, .end])
        #expect(bits(first + second) == alone.answers(to: values))
        #expect(second.map(\.step) == [4, 5, 6])
        #expect(second.map { $0.flags.contains(.final) } == [false, false, true])
        let next = try feed.send("s", signal(1))
        #expect(next.map(\.step) == [1])
        #expect(next.map(\.sequence) == [7])
    }

    @Test func `with the policy continue, the state continues across a gap`() throws {
        let feed = try feed(ServingPolicy(gap: .continue))
        let alone = Alone(try livelyModel())
        let values = signal(5)
        let first = try feed.send("s", Array(values[0..<2]), sequence: 1)
        let second = try feed.send("s", Array(values[2..<5]), sequence: 10)
        #expect(second.map(\.sequence) == [10, 11, 12])
        #expect(second.map(\.step) == [3, 4, 5])
        #expect(second.map { $0.flags.contains(.gap) } == [true, false, false])
        #expect(bits(first + second) == alone.answers(to: values))
        #expect(feed.table.counters.gaps == 1)
    }

    @Test func `with the policy reset, a gap resets the state`() throws {
        let feed = try feed(ServingPolicy(gap: .reset))
        let alone = Alone(try livelyModel())
        try feed.send("s", signal(2), sequence: 1)
        let values = signal(3, from: 40)
        let second = try feed.send("s", values, sequence: 10)
        #expect(second.map(\.sequence) == [10, 11, 12])
        #expect(second.map(\.step) == [1, 2, 3])
        #expect(second[0].flags.isSuperset(of: [.gap, .first]))
        #expect(bits(second) == alone.answers(to: values))
    }

    @Test func `a stream whose first message does not begin at 1 has a gap`() throws {
        let feed = try feed()
        let decisions = try feed.send("s", signal(2), sequence: 5)
        #expect(decisions.map(\.sequence) == [5, 6])
        #expect(decisions.map { $0.flags.contains(.gap) } == [true, false])
        #expect(feed.table.counters.gaps == 1)
    }

    @Test func `the gap flag is on the next published decision`() throws {
        let feed = Feed(served(try echo(), ServingPolicy(emit: .final)))
        try feed.send("s", [0.1], sequence: 1)
        let silent = try feed.send("s", [0.1, 0.2], sequence: 5)
        #expect(silent.isEmpty)
        #expect(try feed.image("s")?.gapPending == true)
        let final = try feed.send("s", [0.3, 0.4], .end)
        #expect(final.map(\.sequence) == [8])
        #expect(final[0].flags.contains(.gap))
        #expect(try feed.image("s")?.gapPending == false)
        let next = try feed.send("s", [0.5], .end)
        #expect(next.count == 1 && !next[0].flags.contains(.gap))
    }

    @Test func `the start flag resets before the first timestep, and the end flag resets after the last`() throws {
        let feed = try feed()
        let alone = Alone(try livelyModel())
        let values = signal(4)
        try feed.send("s", signal(3, from: 9))
        let started = try feed.send("s", values, .start)
        #expect(started.map(\.step) == [1, 2, 3, 4])
        #expect(started.map(\.sequence) == [4, 5, 6, 7])
        #expect(started.map { $0.flags.contains(.first) } == [true, false, false, false])
        #expect(bits(started) == alone.answers(to: values))
        alone.reset()

        let whole = try feed.send("s", values, [.start, .end])
        #expect(whole.map { $0.flags.contains(.final) } == [false, false, false, true])
        #expect(bits(whole) == alone.answers(to: values))
        alone.reset()

        let after = try feed.send("s", values)
        #expect(after.map(\.step) == [1, 2, 3, 4])
        #expect(bits(after) == alone.answers(to: values))
    }

    @Test func `sequence numbers end at the largest 64-bit number`() throws {
        let feed = try feed()
        let nearly = try feed.send("s", signal(1), sequence: .max - 3)
        #expect(nearly.map(\.sequence) == [.max - 3])
        #expect(throws: DropCause.sequence) { try feed.send("s", signal(5), sequence: .max - 2) }
        #expect(throws: DropCause.sequence) { try feed.send("s", signal(4)) }
        #expect(throws: DropCause.sequence) { try feed.send("s", signal(2), sequence: .max) }
        #expect(try feed.image("s")?.sequence == .max - 3)
        let last = try feed.send("s", signal(3))
        #expect(last.map(\.sequence) == [.max - 2, .max - 1, .max])
        #expect(throws: DropCause.sequence) { try feed.send("s", signal(1)) }
        let duplicates = try feed.send("s", signal(2), sequence: .max - 1)
        #expect(duplicates.isEmpty)
        #expect(feed.table.counters.duplicates == 2)
        #expect(feed.table.counters.dropped[.sequence] == 4)
        #expect(feed.table.counters.gaps == 1)
    }

    @Test func `a message whose sequence numbers overflow creates no stream`() throws {
        let feed = try feed()
        #expect(throws: DropCause.sequence) { try feed.send("s", signal(2), sequence: .max) }
        #expect(feed.table.count == 0)
    }
}
