import Streams
import TestSupport
import Testing
import Wire

@Suite struct `A control request` {
    /// Two encodings of “café” that are equal as Swift strings.
    static let composed = "caf\u{E9}"
    static let decomposed = "cafe\u{301}"

    private func feed() throws -> Feed {
        Feed(served(try livelyModel()))
    }

    @Test func `a reset sets state and step to zero, and keeps the sequence number`() throws {
        let feed = try feed()
        let alone = Alone(try livelyModel())
        for id in ["a1", "a2", "b"] { try feed.send(id, signal(4, from: 30)) }
        _ = feed.takeChanged()
        #expect(try feed.table.reset(.prefix("a")) == 2)
        #expect(feed.takeChanged().map(\.id) == ["a1", "a2"])
        let image = try #require(try feed.image("a1"))
        #expect(image.sequence == 4)
        #expect(image.step == 0)
        #expect(image.values.dropLast().allSatisfy { $0 == 0 })
        #expect(try feed.table.status(of: "a1", time: 0).probability == .several([]))
        let next = try feed.send("a1", signal(3))
        #expect(next.map(\.sequence) == [5, 6, 7])
        #expect(next.map(\.step) == [1, 2, 3])
        #expect(bits(next) == alone.answers(to: signal(3)))
        #expect(try feed.send("b", signal(1)).first?.step == 5)
        #expect(try feed.table.reset(.all) == 3)
        #expect(try feed.table.reset(.prefix("c")) == 0)
    }

    @Test func `a removed stream starts from the beginning`() throws {
        let feed = try feed()
        let alone = Alone(try livelyModel())
        try feed.send("s", signal(5, from: 9))
        try feed.send("t", signal(5, from: 9))
        #expect(try feed.table.remove(.stream("s")) == [0])
        #expect(feed.table.count == 1)
        #expect(feed.takeChanged().map(\.id) == ["t"])
        let again = try feed.send("s", signal(4))
        #expect(again.map(\.sequence) == [1, 2, 3, 4])
        #expect(again[0].flags == [.first, .changed])
        #expect(bits(again) == alone.answers(to: signal(4)))
        #expect(feed.takeChanged().map(\.id) == ["s"])
    }

    @Test func `a request on a missing stream gets the error noSuchStream`() throws {
        let feed = try feed()
        try feed.send("s", signal(1))
        let attempts: [() throws -> Void] = [
            { _ = try feed.table.reset(.stream("x")) }, { _ = try feed.table.remove(.stream("x")) },
            { _ = try feed.table.pause(.stream("x")) }, { _ = try feed.resume(.stream("x")) },
            { _ = try feed.table.status(of: "x", time: 0) }, { _ = try feed.table.copy(.stream("x")) },
            { _ = try feed.table.status(of: "", time: 0) },
        ]
        for attempt in attempts {
            let error = try #require(throws: StreamsError.self) { try attempt() }
            #expect(error.cause == .unknownStream)
        }
        #expect(feed.table.count == 1)
    }

    @Test func `the status of a stream has its position and its last outputs`() throws {
        let feed = Feed(served(try echo(3), name: "three"))
        try feed.send("s", [0.1, 0.2, 0.3, 0.5, 0.25, 0.125], sequence: 7, time: 1_000_000_000)
        let expected = StreamStatus(
            stream: "s", model: "three", sequence: 8, step: 2, probability: .several([0.5, 0.25, 0.125]), label: 0,
            idleSeconds: 1.5, paused: false, tally: StreamTally(gaps: 1))
        #expect(try feed.table.status(of: "s", time: 2_500_000_000) == expected)
        #expect(try feed.table.status(of: "s", time: 0).idleSeconds == 0)
    }

    @Test func `statuses follow the order of the requested ids, and count waiting timesteps`() throws {
        let feed = try feed()
        for id in ["a", "b", "c"] { try feed.send(id, signal(2)) }
        _ = try feed.table.pause(.stream("a"))
        try feed.send("a", signal(3))
        try feed.send("a", signal(1))
        let found = feed.table.statuses(of: ["c", "unknown", "a", Self.composed], time: 0)
        #expect(found.map(\.stream) == ["c", "a"])
        #expect(found.map(\.waiting) == [0, 4])
        #expect(found.map(\.sequence) == [2, 2])
    }

    @Test func `two encodings of one character are two streams`() throws {
        #expect(Self.composed == Self.decomposed)
        let feed = try feed()
        try feed.send(Self.composed, signal(2))
        #expect(try feed.send(Self.decomposed, signal(1)).map(\.sequence) == [1])
        #expect(feed.table.count == 2)
        #expect(try feed.table.status(of: Self.composed, time: 0).sequence == 2)
        #expect(try feed.table.status(of: Self.decomposed, time: 0).sequence == 1)
        let page = feed.table.page(prefix: nil, after: nil, limit: 10, time: 0).streams
        #expect(page.map { Array($0.stream.utf8) } == [Array(Self.decomposed.utf8), Array(Self.composed.utf8)])
        let prefixed = feed.table.page(prefix: "cafe", after: nil, limit: 10, time: 0).streams
        #expect(prefixed.map { Array($0.stream.utf8) } == [Array(Self.decomposed.utf8)])
        #expect(try feed.table.remove(.stream(Self.decomposed)).count == 1)
        #expect(try feed.table.status(of: Self.composed, time: 0).sequence == 2)
        #expect(throws: StreamsError.self) { try feed.table.status(of: Self.decomposed, time: 0) }
    }

    static let ids = ["b", "a", "B", "a1", "a-", "é", "e\u{301}", "流", "😀", "\u{FFFD}", "~", " ", "aa"]

    @Test func `pages are ordered by the bytes of ids, and follow one another`() throws {
        let feed = try feed()
        for id in Self.ids { try feed.send(id, signal(1)) }
        let sorted = Self.ids.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        for limit in 1...(sorted.count + 1) {
            var found: [[UInt8]] = []
            var after: String?
            var pages = 0
            repeat {
                let page = feed.table.page(prefix: nil, after: after, limit: limit, time: 0)
                #expect(page.streams.count <= limit)
                found += page.streams.map { Array($0.stream.utf8) }
                after = page.next
                pages += 1
            } while after != nil && pages <= sorted.count
            #expect(found == sorted)
            #expect(pages == (sorted.count + limit - 1) / limit)
        }
    }

    @Test func `pages that are searched in pieces contain every remaining stream exactly once`() throws {
        let feed = try feed()
        var chance = SplitMix64(seed: 7)
        let ids = (0..<60).map { "s\($0)" }.shuffled(using: &chance)
        for id in ids { try feed.send(id, [0.5]) }
        let gone = Set(ids.filter { _ in Bool.random(using: &chance) })
        var after: String?
        var found: [String] = []
        var rest = gone
        repeat {
            var search = StreamPageSearch(prefix: "s", after: after, limit: 7)
            while !feed.table.goOn(with: &search, slots: 5) {
                // On both sides of the search's position, streams are removed and new streams reuse their slots.
                guard let id = rest.popFirst() else { continue }
                _ = try feed.table.remove(.stream(id))
                try feed.send("t\(id)", [0.5])
            }
            let page = feed.table.page(of: search, time: 0)
            #expect(page.streams.map(\.stream) == page.streams.map(\.stream).sorted())
            found += page.streams.map(\.stream)
            after = page.next
        } while after != nil
        #expect(found.count == Set(found).count)
        #expect(found.allSatisfy { $0.hasPrefix("s") })
        #expect(Set(ids).subtracting(gone).isSubset(of: found))
    }

    @Test func `a page contains the streams of a prefix after an id, which need not exist`() throws {
        let feed = try feed()
        for id in Self.ids { try feed.send(id, signal(1)) }
        func page(_ prefix: String?, _ after: String?, _ limit: Int = 10) -> StreamPage<StreamStatus> {
            feed.table.page(prefix: prefix, after: after, limit: limit, time: 0)
        }
        #expect(page("a", nil).streams.map(\.stream) == ["a", "a-", "a1", "aa"])
        #expect(page("a", "a0").streams.map(\.stream) == ["a1", "aa"])
        #expect(page("a", "a", 2).streams.map(\.stream) == ["a-", "a1"])
        #expect(page("a", "a", 2).next == "a1")
        #expect(page("a", "a1").next == nil)
        #expect(page("a", "aa") == StreamPage(streams: [], next: nil))
        #expect(page("x", nil) == StreamPage(streams: [], next: nil))
        #expect(page("", nil, 100).streams.count == Self.ids.count)
    }
}
