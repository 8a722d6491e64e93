import Streams
import TestSupport
import Testing
import Wire

/// Tests the histories of decisions, from which plots are drawn.
@Suite struct `The history of decisions` {
    private static let second: Int64 = 1_000_000_000
    /// The size of a history of 4 decisions, as the table counts it.
    private static let bytesOfFour = 80

    /// Creates a feed that keeps 4 decisions for each stream, with room for `rings` streams.
    private func feed(_ policy: ServingPolicy = ServingPolicy(), rings: Int = 100) throws -> Feed {
        let feed = Feed(served(try livelyModel(), policy))
        feed.table.keepHistory(points: 4, bytes: rings * Self.bytesOfFour)
        return feed
    }

    private func history(_ feed: Feed, _ ids: String..., since: Double? = nil, limit: Int = .max) -> [StreamHistory] {
        feed.table.histories(of: ids, limit: limit, time: 0).answer(since: since).streams
    }

    /// Searches a few streams at a time.
    private func recent(_ feed: Feed, _ count: Int, _ text: String? = nil, model: Int? = nil) -> [String] {
        var search = HistorySearch(text: text, model: model, limit: count)
        while !feed.table.goOn(with: &search, count: 7) {}
        return feed.table.histories(of: search, limit: .max, time: 0).answer(since: nil).streams.map(\.stream)
    }

    @Test func `a stream's history has its last decisions with their times, oldest first`() throws {
        let feed = try feed()
        var sent: [Decision] = []
        for (index, value) in signal(7).enumerated() {
            sent += try feed.send("s", [value], time: Int64(1000 + index) * Self.second + 250_000_000)
            let kept = sent.suffix(4)
            let found = try #require(history(feed, "s", "unknown").first)
            #expect(found.probabilities == kept.map { $0.probabilities[0] })
            #expect(found.times == kept.map { Double($0.time) / 1e9 })
            #expect(found.probability == sent.last?.probabilities[0])
            #expect(found.timesteps == UInt64(index + 1))
        }
        let all = try #require(history(feed, "s").first)
        #expect(history(feed, "s", limit: 2)[0].times == all.times.suffix(2))
        #expect(history(feed, "s", since: all.times[1])[0].times == all.times.suffix(2))
        #expect(history(feed, "s", since: all.times[3])[0].times.isEmpty)
    }

    @Test func `each decision of a long message is in the history`() throws {
        let feed = try feed()
        let decisions = try feed.send("s", signal(9), time: Self.second)
        #expect(history(feed, "s")[0].probabilities == decisions.suffix(4).map { $0.probabilities[0] })
        #expect(history(feed, "s")[0].times == [1, 1, 1, 1])
    }

    @Test func `a stream that publishes only changes has all of its decisions in the history, and its gaps`() throws {
        let every = try feed()
        let change = try feed(ServingPolicy(emit: .change))
        let window = ServingPolicy.Mode("window:2:1") ?? .stateful
        let windows = (try feed(ServingPolicy(mode: window)), try feed(ServingPolicy(mode: window, emit: .change)))
        for (index, value) in signal(9).enumerated() {
            for feed in [every, change, windows.0, windows.1] {
                let sequence = UInt64(index < 8 ? index + 1 : index + 5)
                try feed.send("s", [value], sequence: sequence, time: Int64(index) * Self.second)
            }
        }
        #expect(change.table.counters.decisions < every.table.counters.decisions)
        #expect(history(change, "s")[0].probabilities == history(every, "s")[0].probabilities)
        #expect(history(change, "s")[0].times == [6, 7, 8])
        #expect(history(change, "s")[0].marks.map(\.kind) == [.gap])
        #expect(history(windows.1, "s")[0].probabilities == history(windows.0, "s")[0].probabilities)
        try change.send("t", signal(20))
        try every.send("t", signal(20))
        #expect(history(change, "t")[0].probabilities == history(every, "t")[0].probabilities)
    }

    @Test func `the history of a model with several outputs has the output of the class`() throws {
        let feed = Feed(served(try livelyModel(outputs: 3)))
        feed.table.keepHistory(points: 4, bytes: 1 << 20)
        let decisions = try feed.send("s", signal(3))
        let found = try #require(history(feed, "s").first)
        #expect(found.probabilities == decisions.map { $0.probabilities[Int($0.label)] })
        #expect(found.threshold == nil)
    }

    @Test func `times stay correct over years, and after the clock is set back`() throws {
        let feed = try feed()
        let days = [0, 20, 40, 60, 59]
        let times = days.map { 1_700_000_000 + 86_400 * Int64($0) }
        for time in times { try feed.send("s", signal(1), time: time * Self.second) }
        #expect(history(feed, "s")[0].times == times.suffix(4).map { Double($0) })
    }

    @Test func `resets, restores and gaps are marks between the decisions`() throws {
        let feed = try feed()
        try feed.send("s", signal(1), sequence: 1, time: Self.second)
        let image = try #require(try feed.image("s"))
        feed.table.noteTime(2 * Self.second)
        _ = try feed.table.reset(.all)
        _ = try feed.table.reset(.stream("s"))
        #expect(history(feed, "s")[0].marks == [HistoryMark(time: 2, kind: .reset)])
        try feed.send("s", signal(1), sequence: 9, time: 3 * Self.second)
        feed.table.noteTime(4 * Self.second)
        try feed.table.restore([image])
        let found = history(feed, "s")[0]
        #expect(found.times == [3])
        #expect(
            found.marks == [
                HistoryMark(time: 2, kind: .reset), HistoryMark(time: 3, kind: .gap),
                HistoryMark(time: 4, kind: .restored),
            ])
    }

    /// Sends a timestep of a stream so often that the stream takes a ring if it can.
    private func insist(_ feed: Feed, _ id: String, at seconds: Int64) throws {
        for _ in 0..<16 { try feed.send(id, signal(1), time: seconds * Self.second) }
    }

    @Test func `a stream that decides takes the ring of one that has been idle for a long time`() throws {
        let feed = try feed(rings: 2)
        for time in 0..<4 { try feed.send("steady", signal(1), time: Int64(30 * time) * Self.second) }
        try feed.send("once", signal(1), time: 80 * Self.second)
        // No stream has been idle for more than a minute.
        try insist(feed, "new", at: 140)
        #expect(history(feed, "steady", "once", "new").map(\.times.count) == [4, 1, 0])
        try insist(feed, "new", at: 155)
        #expect(history(feed, "steady", "once", "new").map(\.times) == [[0, 30, 60, 90], [], [155]])
        // 'steady' must also be idle for longer than its history covers.
        try insist(feed, "newer", at: 180)
        #expect(history(feed, "newer")[0].times.isEmpty)
        try insist(feed, "newer", at: 181)
        #expect(history(feed, "steady", "new", "newer").map(\.times) == [[], [155], [181]])
    }

    @Test func `streams that decide as often as before keep their rings`() throws {
        let feed = try feed(rings: 2)
        // Each stream decides every ten minutes, and there is room for two of three.
        for round in 0..<40 {
            for (id, offset) in [("a", 0), ("b", 1), ("c", 590)] {
                try feed.send(id, signal(1), time: Int64(600 * round + offset) * Self.second)
            }
        }
        #expect(history(feed, "a", "b", "c").map(\.times.count) == [4, 4, 0])
    }

    @Test func `a removed stream gives its ring back`() throws {
        let feed = try feed(rings: 1)
        try feed.send("a", signal(1))
        try feed.send("b", signal(1))
        #expect(history(feed, "a", "b").map(\.times.count) == [1, 0])
        _ = try feed.table.remove(.stream("a"))
        try feed.send("b", signal(1))
        try feed.send("a", signal(1))
        #expect(history(feed, "a", "b").map(\.times.count) == [0, 1])
    }

    @Test func `a reload with other weights empties the histories of the model's streams only`() throws {
        let feed = Feed(
            served(try livelyModel(), name: "a", ServingPolicy(prefixes: ["a"])),
            served(try livelyModel(), name: "b", ServingPolicy(prefixes: ["b"])))
        feed.table.keepHistory(points: 4, bytes: 1 << 20)
        try feed.send("a", signal(3))
        try feed.send("b", signal(3))
        let other = served(try livelyModel(), name: "a", fingerprint: "other", ServingPolicy(prefixes: ["a"]))
        _ = try feed.table.reload(0, with: other, resetting: false)
        #expect(history(feed, "a", "b").map(\.times.count) == [0, 3])
    }

    @Test func `a search finds the most recent streams whose ids contain a string`() throws {
        let feed = try feed(rings: 3)
        for number in 0..<300 { try feed.send("hall-\(number)/x", signal(1), time: Int64(number) * Self.second) }
        #expect(recent(feed, 3) == ["hall-299/x", "hall-298/x", "hall-297/x"])
        #expect(recent(feed, 2, "l-1") == ["hall-199/x", "hall-198/x"])
        #expect(recent(feed, 5, "l-17/") == ["hall-17/x"])
        #expect(recent(feed, 5, "hall-17/x").count == 1)
        #expect(recent(feed, 5, "no").isEmpty)
        #expect(recent(feed, 500).count == 300)
        #expect(recent(feed, 1, model: 0) == ["hall-299/x"])
        #expect(recent(feed, 1, model: 1).isEmpty)
    }

    @Test func `without a history, streams are found but have no decisions`() throws {
        let feed = Feed(served(try livelyModel()))
        try feed.send("s", signal(3))
        let answer = feed.table.histories(of: ["s"], limit: .max, time: 0).answer(since: nil)
        #expect(answer.points == 0)
        #expect(answer.held == 0)
        #expect(answer.streams.map(\.times) == [[]])
        #expect(recent(feed, 5) == ["s"])
    }
}
