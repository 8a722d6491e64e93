import Streams
import TestSupport
import Testing
import Wire

@Suite struct `An image of a stream` {
    private func feed(_ name: String = "m", seed: Float = 0) throws -> Feed {
        Feed(served(try livelyModel(seed: seed), name: name))
    }

    @Test func `an image contains all data of a stream`() throws {
        let feed = Feed(served(try livelyModel(), fingerprint: "f", ServingPolicy(emit: .final)))
        try feed.send("s", signal(3), sequence: 5, time: 77)
        let image = try #require(try feed.image("s"))
        #expect(image.id == "s" && image.fingerprint == "f")
        #expect(image.sequence == 7 && image.step == 3 && image.time == 77)
        #expect(image.label != nil)
        #expect(image.gapPending)
        #expect(image.values.count == 2 * 3 + 1)
        #expect(image.byteCount == 28)
        #expect(Array(image.values.suffix(1)) == (try feed.table.status(of: "s", time: 0).probability.values))
    }

    @Test func `a changed stream is copied once, in its current state`() throws {
        let feed = try feed()
        #expect(feed.takeChanged().isEmpty)
        for id in ["a", "b", "a", "c", "a"] { try feed.send(id, signal(1)) }
        #expect(feed.table.changedCount == 3)
        let changed = feed.takeChanged()
        #expect(changed.map(\.id) == ["a", "b", "c"])
        #expect(changed.map(\.sequence) == [3, 1, 1])
        #expect(feed.table.changedCount == 0)
        #expect(feed.takeChanged().isEmpty)
        try feed.send("b", signal(1))
        #expect(feed.takeChanged().map(\.id) == ["b"])
    }

    @Test func `streams that could not be stored count as changed again, once, if they still exist`() throws {
        let feed = try feed()
        for id in ["a", "b", "c"] { try feed.send(id, signal(1)) }
        let slice = feed.table.copyChanged(from: 0, limit: .max).slice
        try feed.send("a", signal(1))
        _ = try feed.table.remove(.stream("c"))
        feed.table.markChanged(slice)
        feed.table.markChanged(slice)
        let again = feed.table.copyChanged(from: 0, limit: .max).slice
        #expect(again.images.map { [$0.id: $0.sequence] } == [["a": 2], ["b": 1]])
        #expect(again.removedKeys == [slice.entries[2].key])
        feed.table.markChanged(again)
        #expect(feed.table.changedCount == 2)
    }

    @Test func `a restore returns a stream to its image, and other streams stay unchanged`() throws {
        let feed = try feed()
        let values = signal(10)
        try feed.send("a", Array(values[0..<4]))
        try feed.send("b", values)
        let images = try feed.table.copy(.stream("a")).images
        let first = try feed.send("a", Array(values[4..<10]))
        let other = try feed.image("b")
        _ = feed.takeChanged()
        try feed.table.restore(images)
        #expect(try feed.image("a") == images.first)
        #expect(try feed.image("b") == other)
        #expect(feed.takeChanged().map(\.id) == ["a"])
        #expect(try feed.send("a", Array(values[4..<10])) == first)
    }

    @Test func `a restore brings a removed stream back`() throws {
        let feed = try feed()
        try feed.send("a", signal(4))
        let images = try feed.images()
        _ = try feed.table.remove(.all)
        try feed.table.restore(images)
        #expect(try feed.images() == images)
        #expect(feed.table.changedCount == 1)
    }

    @Test func `streams loaded from the last checkpoint do not count as changed`() throws {
        let feed = try feed()
        try feed.send("a", signal(4))
        let slice = feed.table.copyChanged(from: 0, limit: .max).slice
        let other = try self.feed()
        #expect(try other.table.load(slice) == 1)
        other.table.endReplay()
        #expect(other.table.changedCount == 0)
        try other.send("a", signal(1))
        #expect(other.takeChanged().map(\.sequence) == [5])
    }

    @Test func `changed streams are copied a few at a time, in their current state and only once`() throws {
        let feed = try feed()
        for number in 0..<10 { try feed.send("s\(number)", signal(1)) }
        let first = feed.table.copyChanged(from: 0, limit: 4)
        // A change behind the copy's position belongs to the next round, and a change ahead of it to the current one.
        try feed.send("s2", signal(1))
        try feed.send("s8", signal(1))
        let second = feed.table.copyChanged(from: try #require(first.next), limit: 4)
        let third = feed.table.copyChanged(from: try #require(second.next), limit: 4)
        #expect(first.slice.images.map(\.id) == (0..<4).map { "s\($0)" })
        #expect(second.slice.images.map(\.id) == (4..<8).map { "s\($0)" })
        #expect(third.slice.images.map { [$0.id: $0.sequence] } == [["s8": 2], ["s9": 1]])
        #expect(third.next == nil)
        #expect(feed.takeChanged().map { [$0.id: $0.sequence] } == [["s2": 2]])
    }

    @Test func `streams keep their keys across a restart, and new streams get unused keys`() throws {
        let policy = ServingPolicy(prefixes: ["s"])
        let feed = Feed(served(try livelyModel()))
        for id in ["s0", "s1", "other", "s3", "s4"] { try feed.send(id, signal(2)) }
        _ = try feed.table.remove(.stream("s1"))
        let slice = feed.table.copyChanged(from: 0, limit: .max).slice
        #expect(slice.entries.map(\.key) == [0, 2, 3, 4])
        #expect(slice.removedKeys == [1])

        let again = Feed(served(try livelyModel(), policy))
        #expect(try again.table.load(slice) == 3)
        again.table.endReplay()
        for id in ["s4", "s5", "s6", "s0"] { try again.send(id, signal(1)) }
        let changed = again.table.copyChanged(from: 0, limit: .max).slice
        // Key 2 belongs to a stream that no model serves any more. The stream stays in the store.
        #expect(changed.entries.map(\.key) == [0, 1, 4, 5])
        #expect(changed.images.map(\.id) == ["s0", "s5", "s4", "s6"])
        #expect(changed.images.map(\.sequence) == [3, 1, 3, 1])
    }

    /// Images that do not fit the table.
    static let misfits: [(String, @Sendable (inout StreamImage) -> Void)] = [
        ("other weights", { $0.fingerprint = "fingerprint of another" }),
        ("too few values", { $0.values.removeLast() }),
        ("no values", { $0.values = [] }),
        ("too many values", { $0.values.append(0) }),
        ("an id that no model serves", { $0.id = "unrouted" }),
    ]

    @Test(arguments: misfits.map(\.0))
    func `if one image does not fit, none is restored`(name: String) throws {
        let change = try #require(Self.misfits.first { $0.0 == name }?.1)
        let policy = ServingPolicy(prefixes: ["s"])
        let source = Feed(served(try livelyModel(), policy))
        for id in ["s1", "s2", "s3"] { try source.send(id, signal(3)) }
        var images = try source.images()
        change(&images[2])

        let feed = Feed(served(try livelyModel(), policy))
        try feed.send("s1", signal(1, from: 70))
        let before = try feed.images()
        _ = feed.takeChanged()
        let error = try #require(throws: StreamsError.self) { try feed.table.restore(images) }
        #expect(error.cause == .otherState)
        #expect(error.description.contains(images[2].id))
        #expect(try feed.images() == before)
        #expect(feed.table.changedCount == 0)
    }

    @Test func `an image keeps a pending gap and a label`() throws {
        let policy = ServingPolicy(emit: .final, threshold: try #require(.init(rise: 0.6, fall: 0.4)))
        let source = Feed(served(try echo(), policy))
        try source.send("s", [0.9], sequence: 5)
        let feed = Feed(served(try echo(), policy))
        try feed.table.restore(source.images())
        let decisions = try feed.send("s", [0.5], .end)
        #expect(decisions.map(\.label) == [1])
        #expect(decisions.map(\.flags) == [[.final, .gap]])
    }
}
