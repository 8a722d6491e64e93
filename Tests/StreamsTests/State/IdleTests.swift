import Streams
import TestSupport
import Testing
import Wire

/// Tests streams whose state moves to the store and back.
@Suite struct `An idle stream` {
    private func feed(_ policy: ServingPolicy = ServingPolicy()) throws -> Feed {
        Feed(served(try livelyModel(), policy))
    }

    /// Hibernates the streams, as the daemon does after a checkpoint.
    ///
    /// - Returns: The images that the store would contain.
    private func sleep(_ feed: Feed) -> [StreamImage] {
        let images = feed.takeChanged()
        for now in [0, 1] as [Int64] { _ = feed.table.putToSleep(from: 0, limit: 100, idleFor: 1, now: now) }
        return images
    }

    /// Wakes the streams that have waiting timesteps.
    private func wake(_ feed: Feed, _ images: [StreamImage]) -> (decisions: [Decision], lost: [String]) {
        feed.wake(feed.table.takeWakeRequests(), images)
    }

    @Test func `a stream wakes at its next timestep and gives the same bits`() throws {
        let policy = ServingPolicy(threshold: try #require(.init(rise: 0.6, fall: 0.4)))
        let (feed, undisturbed) = (try self.feed(policy), try self.feed(policy))
        var expected = try undisturbed.send("s", signal(5))
        #expect(try feed.send("s", signal(5)) == expected)
        let images = sleep(feed)
        #expect(feed.table.asleepCount == 1)

        #expect(try feed.send("s", signal(2, from: 5), sequence: 8).isEmpty)
        #expect(try feed.send("s", signal(3, from: 7)).isEmpty)
        expected = try undisturbed.send("s", signal(2, from: 5), sequence: 8)
        expected += try undisturbed.send("s", signal(3, from: 7))
        let woken = wake(feed, images)

        #expect(woken.decisions == expected && woken.lost.isEmpty)
        #expect(expected.first?.flags.contains(.gap) == true)
        #expect(feed.table.asleepCount == 0)
        #expect(try feed.send("s", signal(1)) == undisturbed.send("s", signal(1)))
        #expect(try feed.image("s") == undisturbed.image("s"))
    }

    @Test func `a stream hibernates only if it is idle for long, stored and not paused`() throws {
        let feed = try feed()
        func sleeping(_ now: Int64) -> [String] {
            feed.table.putToSleep(from: 0, limit: 100, idleFor: 50, now: now).ids
        }
        for id in ["old", "young", "paused", "changed"] { try feed.send(id, signal(1)) }
        #expect(sleeping(0).isEmpty)
        #expect(sleeping(50).isEmpty, "nothing is stored yet")
        _ = feed.takeChanged()
        _ = try feed.table.pause(.stream("paused"))
        try feed.send("young", signal(1))
        _ = feed.takeChanged()
        #expect(sleeping(60) == ["old", "changed"])
        #expect(sleeping(109).isEmpty)
        #expect(sleeping(110) == ["young"])
        _ = try feed.resume(.stream("paused"))
        #expect(sleeping(111).isEmpty, "a paused stream is not idle")
        #expect(sleeping(161) == ["paused"])
    }

    @Test func `the search for idle streams examines a few streams at a time`() throws {
        let feed = try feed()
        for id in ["a", "b", "c"] { try feed.send(id, signal(1)) }
        _ = feed.takeChanged()
        _ = feed.table.putToSleep(from: 0, limit: 3, idleFor: 1, now: 0)
        let first = feed.table.putToSleep(from: 0, limit: 2, idleFor: 1, now: 1)
        #expect(first.ids == ["a", "b"] && first.next == 2)
        let second = feed.table.putToSleep(from: 2, limit: 2, idleFor: 1, now: 1)
        #expect(second.ids == ["c"] && second.next == nil)
    }

    @Test func `the time of day never makes a stream idle`() throws {
        let feed = try feed()
        let year: Int64 = 365 * 86_400_000_000_000
        for (id, time) in [("1970", 5), ("2026", 56 * year), ("3000", 200 * year)] as [(String, Int64)] {
            try feed.send(id, signal(1), time: time)
        }
        #expect(feed.table.forget(from: 0, limit: 100, idleFor: 50, now: 0).ids.isEmpty)
        try feed.send("2026", signal(1), time: 7)
        #expect(feed.table.forget(from: 0, limit: 100, idleFor: 50, now: 49).ids.isEmpty)
        #expect(feed.table.forget(from: 0, limit: 100, idleFor: 50, now: 50).ids == ["1970", "3000"])
        #expect(feed.table.forget(from: 0, limit: 100, idleFor: 50, now: 99).ids == ["2026"])
    }

    @Test func `a new stream does not inherit the idle time of its slot`() throws {
        let feed = try feed()
        try feed.send("first", signal(1))
        #expect(feed.table.forget(from: 0, limit: 100, idleFor: 50, now: 0).ids.isEmpty)
        _ = try feed.table.remove(.stream("first"))
        try feed.send("second", signal(1))
        #expect(feed.table.forget(from: 0, limit: 100, idleFor: 50, now: 60).ids.isEmpty)
        #expect(feed.table.forget(from: 0, limit: 100, idleFor: 50, now: 110).ids == ["second"])
    }

    @Test func `a jump of the wall clock does not change the idle time`() throws {
        let feed = try feed()
        let second: Int64 = 1_000_000_000
        let (before, after) = (1_000 * second, 500_000 * second)
        for id in ["still", "moving"] { try feed.send(id, signal(1), time: before) }
        func idle(_ id: String, _ time: Int64) throws -> Double {
            try feed.table.status(of: id, time: time).idleSeconds
        }
        #expect(try idle("still", before + 3 * second) == 3)
        feed.table.noteClock(steppedBy: after - before, to: after)
        #expect(try idle("still", after + 5 * second) == 5)
        try feed.send("moving", signal(1), time: after + 5 * second)
        #expect(try idle("moving", after + 6 * second) == 1)
        let back = 2 * (before - after)
        feed.table.noteClock(steppedBy: back, to: after + back + 6 * second)
        #expect(try idle("still", after + back + 7 * second) == 7)
        #expect(try idle("moving", after + back + 7 * second) == 2)
    }

    @Test func `a stream whose last timestep is in the future counts as idle since the start`() throws {
        let feed = try feed()
        try feed.send("s", signal(1), time: 1_000_000_000_000)
        feed.table.noteClock(steppedBy: 0, to: 10)
        #expect(try feed.table.status(of: "s", time: 3_000_000_010).idleSeconds == 3)
    }

    @Test func `a hibernated stream is listed, paused, removed and restored like any other`() throws {
        let feed = try feed()
        for id in ["a1", "a2", "b"] { try feed.send(id, signal(4)) }
        let images = sleep(feed)
        let status = try feed.table.status(of: "a1", time: 0)
        #expect(status.asleep && status.sequence == 4 && status.step == 4)
        #expect(feed.table.page(prefix: "a", after: nil, limit: 9, time: 0).streams.map(\.stream) == ["a1", "a2"])
        #expect(try feed.table.asleep(.prefix("a"), limit: 9).ids == ["a1", "a2"])
        let (first, next) = try feed.table.asleep(.all, limit: 2)
        #expect(try first + feed.table.asleep(.all, from: next, limit: 2).ids == ["a1", "a2", "b"])
        #expect(try feed.images().isEmpty)

        #expect(try feed.table.pause(.stream("a1")) == 1)
        try feed.send("a1", signal(2))
        #expect(feed.table.takeWakeRequests().isEmpty)
        #expect(try feed.resume(.stream("a1")).isEmpty)
        #expect(wake(feed, images.filter { $0.id == "a1" }).decisions.map(\.sequence) == [5, 6])

        #expect(try feed.table.remove(.stream("a2")).count == 1)
        #expect(feed.table.asleepCount == 1)
        try feed.table.restore(images.filter { $0.id == "b" })
        #expect(feed.table.asleepCount == 0)
        #expect(try feed.send("b", signal(1)).map(\.sequence) == [5])
    }

    @Test func `a stream that the store has lost begins at zero and is reported`() throws {
        let feed = try feed()
        let alone = Alone(try livelyModel())
        try feed.send("s", signal(4))
        _ = sleep(feed)
        try feed.send("s", signal(3))
        let woken = wake(feed, [])
        #expect(woken.lost == ["s"])
        #expect(woken.decisions.map(\.sequence) == [5, 6, 7])
        #expect(bits(woken.decisions) == alone.answers(to: signal(3)))
    }

    @Test func `a stream removed while it wakes stays removed, and a new one is independent of it`() throws {
        let feed = try feed()
        try feed.send("s", signal(4))
        let images = sleep(feed)
        try feed.send("s", signal(1))
        let ids = feed.table.takeWakeRequests()
        _ = try feed.table.remove(.stream("s"))
        let again = try feed.send("s", signal(2))
        #expect(feed.table.wake(ids, images).isEmpty)
        #expect(again.map(\.sequence) == [1, 2])
        #expect(try feed.send("s", signal(1)).map(\.step) == [3])
    }

    @Test func `timesteps that waited for an unreadable stream are admitted, even after a restore`() throws {
        let feed = try feed()
        try feed.send("s", signal(4))
        let images = sleep(feed)
        try feed.send("s", signal(1))
        let unread = feed.table.takeWakeRequests()
        try feed.table.restore(images)
        feed.table.requestWaking(unread)
        #expect(wake(feed, []).decisions.map(\.sequence) == [5])
        #expect(try feed.send("s", signal(1)).map(\.sequence) == [6])
    }

    @Test func `forgotten streams are removed, hibernated or not`() throws {
        let feed = try feed()
        for id in ["old", "young", "asleep"] { try feed.send(id, signal(1)) }
        _ = feed.takeChanged()
        _ = feed.table.putToSleep(from: 0, limit: 3, idleFor: 1, now: 0)
        #expect(feed.table.putToSleep(from: 2, limit: 1, idleFor: 1, now: 1).ids == ["asleep"])
        try feed.send("young", signal(1))
        #expect(feed.table.forget(from: 0, limit: 100, idleFor: 50, now: 50).ids == ["old", "asleep"])
        #expect(feed.table.count == 1 && feed.table.asleepCount == 0)
    }

    @Test func `the idle time of a restored stream begins at the restore`() throws {
        let feed = try feed()
        try feed.send("s", signal(1), time: 1)
        let images = try feed.images()
        #expect(feed.table.forget(from: 0, limit: 100, idleFor: 50, now: 0).ids.isEmpty)
        try feed.table.restore(images)
        #expect(feed.table.forget(from: 0, limit: 100, idleFor: 50, now: 60).ids.isEmpty)
        #expect(feed.table.forget(from: 0, limit: 100, idleFor: 50, now: 109).ids.isEmpty)
        #expect(feed.table.forget(from: 0, limit: 100, idleFor: 50, now: 110).ids == ["s"])
    }

    @Test func `only new streams are refused at the limit`() throws {
        let feed = try feed()
        feed.table.maximumStreams = 2
        for id in ["a", "b"] { try feed.send(id, signal(1)) }
        #expect(throws: DropCause.tooManyStreams) { try feed.send("c", signal(1)) }
        #expect(try feed.send("a", signal(1)).count == 1)
        #expect(feed.table.counters.dropped[.tooManyStreams] == 1)
        var image = try #require(try feed.image("a"))
        image.id = "c"
        let error = try #require(throws: StreamsError.self) { try feed.table.restore([image]) }
        #expect(error.cause == .tooManyStreams)
        _ = try feed.table.remove(.stream("b"))
        #expect(try feed.send("c", signal(1)).count == 1)
    }
}
