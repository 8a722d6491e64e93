import Streams
import Testing
import Wire

/// What goes to the store and comes back.
struct ImageTests {
    private func feed(_ name: String = "m", seed: Float = 0) throws -> Feed {
        Feed(served(try livelyModel(seed: seed), name: name))
    }

    @Test func `an image has all that a stream knows`() throws {
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

    @Test func `changed streams are taken once, as they stand then`() throws {
        let feed = try feed()
        #expect(feed.table.takeChanged().isEmpty)
        for id in ["a", "b", "a", "c", "a"] { try feed.send(id, signal(1)) }
        #expect(feed.table.changedCount == 3)
        let changed = feed.table.takeChanged()
        #expect(changed.map(\.id) == ["a", "b", "c"])
        #expect(changed.map(\.sequence) == [3, 1, 1])
        #expect(feed.table.changedCount == 0)
        #expect(feed.table.takeChanged().isEmpty)
        try feed.send("b", signal(1))
        #expect(feed.table.takeChanged().map(\.id) == ["b"])
    }

    @Test func `what could not be stored counts as changed again, once, and where it is still there`() throws {
        let feed = try feed()
        for id in ["a", "b", "c"] { try feed.send(id, signal(1)) }
        let images = feed.table.takeChanged()
        try feed.send("a", signal(1))
        _ = try feed.table.remove(.stream("c"))
        feed.table.markChanged(images)
        #expect(feed.table.changedCount == 2)
        #expect(feed.table.takeChanged().map { [$0.id: $0.sequence] } == [["a": 2], ["b": 1]])
        feed.table.markChanged(images)
        feed.table.markChanged(images)
        #expect(feed.table.changedCount == 2)
    }

    @Test func `a stream goes back to what its image has, and the others stay`() throws {
        let feed = try feed()
        let values = signal(10)
        try feed.send("a", Array(values[0..<4]))
        try feed.send("b", values)
        let images = try feed.table.images(of: .stream("a"))
        let first = try feed.send("a", Array(values[4..<10]))
        let other = try feed.image("b")
        _ = feed.table.takeChanged()
        try feed.table.restore(images, areStored: false)
        #expect(try feed.image("a") == images.first)
        #expect(try feed.image("b") == other)
        #expect(feed.table.takeChanged().map(\.id) == ["a"])
        #expect(try feed.send("a", Array(values[4..<10])) == first)
    }

    @Test func `a stream that was removed comes back`() throws {
        let feed = try feed()
        try feed.send("a", signal(4))
        let images = try feed.table.images(of: .all)
        _ = try feed.table.remove(.all)
        try feed.table.restore(images, areStored: false)
        #expect(try feed.table.images(of: .all) == images)
        #expect(feed.table.changedCount == 1)
    }

    @Test func `what comes from the last checkpoint need not be written again`() throws {
        let feed = try feed()
        try feed.send("a", signal(4))
        let images = feed.table.takeChanged()
        let other = try self.feed()
        try other.table.restore(images, areStored: true)
        #expect(other.table.changedCount == 0)
        try other.send("a", signal(1))
        #expect(other.table.takeChanged().map(\.sequence) == [5])
    }

    /// Ways in which an image does not fit the table.
    static let misfits: [(String, @Sendable (inout StreamImage) -> Void)] = [
        ("other weights", { $0.fingerprint = "fingerprint of another" }),
        ("too few values", { $0.values.removeLast() }),
        ("no values", { $0.values = [] }),
        ("too many values", { $0.values.append(0) }),
        ("no model takes it", { $0.id = "unrouted" }),
    ]

    @Test(arguments: misfits.map(\.0))
    func `if one image does not fit, none is restored`(name: String) throws {
        let change = try #require(Self.misfits.first { $0.0 == name }?.1)
        let policy = ServingPolicy(prefixes: ["s"])
        let source = Feed(served(try livelyModel(), policy))
        for id in ["s1", "s2", "s3"] { try source.send(id, signal(3)) }
        var images = try source.table.images(of: .all)
        change(&images[2])

        let feed = Feed(served(try livelyModel(), policy))
        try feed.send("s1", signal(1, from: 70))
        let before = try feed.table.images(of: .all)
        _ = feed.table.takeChanged()
        let error = try #require(throws: ControlError.self) { try feed.table.restore(images, areStored: false) }
        #expect(error.code == .fingerprintDiffers)
        #expect(error.message.contains(images[2].id))
        #expect(try feed.table.images(of: .all) == before)
        #expect(feed.table.changedCount == 0)
    }

    @Test func `a pending gap and a label survive`() throws {
        let policy = ServingPolicy(emit: .final, threshold: try #require(.init(rise: 0.6, fall: 0.4)))
        let source = Feed(served(try echo(), policy))
        try source.send("s", [0.9], sequence: 5)
        let feed = Feed(served(try echo(), policy))
        try feed.table.restore(source.table.images(of: .all), areStored: true)
        let decisions = try feed.send("s", [0.5], .end)
        #expect(decisions.map(\.label) == [1])
        #expect(decisions.map(\.flags) == [[.final, .gap]])
    }
}
