import Streams
import TestSupport
import Testing
import Wire

/// Tests the last values that late subscribers receive.
@Suite struct `The last values for late subscribers` {
    /// Returns the records of the last values, by stream id.
    private func replay(_ feed: Feed, _ prefix: String = "") -> [String: [Decision]] {
        var found: [String: [Decision]] = [:]
        var next: Int? = 0
        while let first = next {
            next = feed.table.forEachLastValue(Array(prefix.utf8), from: first, limit: 2) { id, _, records in
                found[String(decoding: id.indices.map { id[$0] }, as: UTF8.self), default: []] += records.all
                return true
            }
        }
        return found
    }

    @Test func `each stream with the prefix has one record of its last decision`() throws {
        let feed = Feed(served(try livelyModel()))
        var last: [String: [Decision]] = [:]
        for index in 0..<7 {
            let id = "\(index.isMultiple(of: 2) ? "even" : "odd")-\(index)"
            var decision = try #require(try feed.send(id, signal(index + 1), time: Int64(index)).last)
            decision.flags = .replayed
            last[id] = [decision]
        }
        #expect(replay(feed) == last)
        #expect(replay(feed, "odd-") == last.filter { $0.key.hasPrefix("odd-") })
        #expect(replay(feed, "none").isEmpty)
    }

    @Test func `a stream whose record was not accepted comes first in the next call`() throws {
        let feed = Feed(served(try livelyModel()))
        for id in ["a", "b", "c"] { try feed.send(id, signal(1)) }
        var seen: [[UInt8]] = []
        let next = feed.table.forEachLastValue([], from: 0, limit: 10) { id, _, _ in
            seen.append(id.indices.map { id[$0] })
            return seen.count < 2
        }
        #expect(next == 1)
        #expect(seen.map { String(decoding: $0, as: UTF8.self) } == ["a", "b"])
    }

    @Test func `streams without a last value are left out`() throws {
        let window = ServingPolicy(mode: try #require(ServingPolicy.Mode("window:3:1")))
        let early = Feed(served(try livelyModel(), window))
        try early.send("s", signal(2))
        #expect(replay(early).isEmpty)
        try early.send("s", signal(1))
        #expect(replay(early)["s"]?.map(\.sequence) == [3])

        let final = Feed(served(try livelyModel(), ServingPolicy(mode: .sequence, emit: .final)))
        let decision = try #require(try final.send("s", signal(3), .end).first)
        #expect(replay(final)["s"]?.map(\.probabilities) == [decision.probabilities])
        #expect(replay(final)["s"]?.map(\.step) == [0])
        try final.send("s", signal(1))
        #expect(replay(final).isEmpty)

        let asleep = Feed(served(try livelyModel()))
        try asleep.send("s", signal(1))
        _ = asleep.takeChanged()
        for now in [0, 1] as [Int64] { _ = asleep.table.putToSleep(from: 0, limit: 10, idleFor: 1, now: now) }
        #expect(replay(asleep).isEmpty)
    }

    @Test func `the last values do not change any state`() throws {
        let (feed, undisturbed) = (Feed(served(try livelyModel())), Feed(served(try livelyModel())))
        for _ in 0..<3 {
            #expect(try feed.send("s", signal(2)) == undisturbed.send("s", signal(2)))
            #expect(replay(feed).count == 1)
        }
    }
}
