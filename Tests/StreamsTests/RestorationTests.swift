import Streams
import TestSupport
import Testing
import Wire

/// Tests how a snapshot is restored a few streams at a time.
@Suite struct `A restoration in slices` {
    private static let ids = ["a0", "b0", "a1", "b1", "a2", "b2"]

    /// Returns a table with six streams. Two of them are paused and have waiting timesteps.
    private func feed() throws -> Feed {
        let feed = Feed(served(try livelyModel()))
        feed.table.journal.start([5])
        for (number, id) in Self.ids.enumerated() { try feed.send(id, signal(3, from: Float(number))) }
        for id in ["a1", "b1"] {
            _ = try feed.table.pause(.stream(id))
            try feed.send(id, signal(2, from: 40))
        }
        return feed
    }

    /// Returns a snapshot of streams, some of which the table lacks.
    private func snapshot() throws -> StreamSlice {
        let other = Feed(served(try livelyModel()))
        for id in ["new", "b1", "a0", "zero"] { try other.send(id, signal(5, from: 70)) }
        return try other.table.copy(.all)
    }

    /// Returns the visible state of all streams.
    private func state(of feed: Feed) throws -> [String] {
        try feed.images().map { "\($0)" }.sorted()
            + feed.table.page(prefix: nil, after: nil, limit: 100, time: 0).streams.map { "\($0)" }
            + ["\(feed.table.count) \(feed.table.pausedCount) \(feed.table.waitingCount) \(feed.table.asleepCount)"]
            + ["\(feed.table.counters.timesteps) \(feed.table.counters.decisions)"]
    }

    /// Checks the snapshot and begins its restoration.
    private func begin(_ feed: Feed) throws {
        let slice = try snapshot()
        feed.table.beginChecking()
        try feed.table.check(slice, 0..<1)
        try feed.table.check(slice, 1..<4)
        #expect(feed.table.checkedCount == 4)
        try feed.table.beginRestoring()
    }

    /// Restores all streams and ends the restoration.
    private func end(_ feed: Feed) throws {
        try feed.table.restore(snapshot(), 0..<4)
        feed.table.finishSweep()
        #expect(feed.table.isSweeping == false)
    }

    private func lines(_ decisions: [Decision]) -> [String] { decisions.map { "\($0)" } }

    /// Replays the journal's records, and returns the images of the resulting streams.
    private func replayed(_ feed: Feed) throws -> [String] {
        try feed.replayed(served(try livelyModel())).images().map { "\($0)" }.sorted()
    }

    /// Stages of a restoration: the number of swept slots, and the number of restored streams.
    private static let moments = (0...6).flatMap { swept in (0...4).map { (swept, $0) } }

    @Test(arguments: Self.moments)
    func `a restoration in slices equals an undivided one, whenever timesteps arrive`(swept: Int, put: Int) throws {
        for id in Self.ids + ["new", "zero", "other"] {
            let whole = try feed()
            try begin(whole)
            try end(whole)
            let expected = try whole.send(id, signal(2, from: 7)) + whole.send(id, signal(1, from: 8))
            let sliced = try feed()
            try begin(sliced)
            for _ in 0..<swept where sliced.table.canSweep { _ = sliced.table.sweep(limit: 1) }
            try sliced.table.restore(snapshot(), 0..<put)
            var found = try sliced.send(id, signal(2, from: 7)) + sliced.send(id, signal(1, from: 8))
            let awaited = sliced.table.takeRestoreRequests(limit: 9)
            #expect(awaited.isEmpty != (found.isEmpty && id != "b1" && id != "a1"))
            // Requested streams are restored first.
            let slice = try snapshot()
            for number in slice.entries.indices where awaited.contains(slice.images[number].id) {
                sliced.table.restore(slice, number..<(number + 1))
                found += sliced.takeBacklog().flatMap(\.decisions)
            }
            try end(sliced)
            #expect(sliced.takeBacklog().isEmpty)
            #expect(lines(found) == lines(expected))
            #expect(try state(of: sliced) == state(of: whole), "\(id)")
            #expect(try replayed(sliced) == sliced.images().map { "\($0)" }.sorted())
        }
    }

    @Test func `timesteps wait only if their stream has not been restored yet`() throws {
        let feed = try feed()
        try begin(feed)
        #expect(try feed.send("a0", signal(2)).isEmpty)
        #expect(try feed.send("new", signal(2)).isEmpty)
        #expect(try feed.send("b0", signal(2)).count == 2)
        #expect(feed.table.hasRestoreRequests == true)
        #expect(feed.table.takeRestoreRequests(limit: 9) == ["a0", "new"])
        // A checkpoint leaves out the streams that have not been restored yet.
        #expect(Set(feed.takeChanged().map(\.id)).isDisjoint(with: ["a0", "b1", "new"]))
        feed.table.finishSweep()
        #expect(feed.table.isSweeping == true)
        try end(feed)
        #expect(feed.takeBacklog().map(\.id).sorted() == ["a0", "new"])
        #expect(feed.takeChanged().map(\.id).contains("new"))
    }

    @Test func `a restoration that has not taken effect changes nothing, even after a restart`() throws {
        let feed = try feed()
        let before = try state(of: feed)
        feed.table.beginChecking()
        try feed.table.check(snapshot(), 0..<2)
        #expect(try state(of: feed) == before)
        #expect(try replayed(feed) == feed.images().map { "\($0)" }.sorted())
        feed.table.cancelRestoration()

        feed.table.maximumStreams = 7
        feed.table.beginChecking()
        try feed.table.check(snapshot(), 0..<4)
        let error = try #require(throws: StreamsError.self) { try feed.table.beginRestoring() }
        feed.table.cancelRestoration()
        #expect(error.cause == .tooManyStreams)
        #expect(try state(of: feed) == before)
        #expect(try feed.table.begin(.reset, on: .all) == 6)
    }

    @Test func `streams that have not been restored yet count toward the limit`() throws {
        let feed = try feed()
        feed.table.maximumStreams = 8
        try begin(feed)
        #expect(throws: DropCause.tooManyStreams) { try feed.send("other", signal(1)) }
        #expect(try feed.send("zero", signal(1)).isEmpty)
        try end(feed)
        #expect(feed.table.count == 8)
    }

    @Test func `a hibernated stream that is being read is restored from the snapshot`() throws {
        let feed = try feed()
        let stored = feed.takeChanged()
        for now: Int64 in [0, 5] { _ = feed.table.putToSleep(from: 0, limit: 9, idleFor: 5, now: now) }
        #expect(feed.table.asleepCount == 4)
        #expect(try feed.send("a0", signal(1, from: 9)).isEmpty)
        let ids = feed.table.takeWakeRequests()
        #expect(ids == ["a0"])
        try begin(feed)
        // The stream does not count as lost, even if the store lacks it.
        let woken = feed.wake(ids, [])
        #expect(woken.lost.isEmpty && woken.decisions.isEmpty)
        #expect(feed.wake(["b0"], stored.filter { $0.id == "b0" }).lost.isEmpty)
        #expect(feed.table.takeRestoreRequests(limit: 9) == ["a0"])
        try end(feed)
        #expect(feed.table.asleepCount == 2)
        let whole = Feed(served(try livelyModel()))
        try whole.table.restore(snapshot().images)
        #expect(try lines(feed.takeBacklog().flatMap(\.decisions)) == lines(whole.send("a0", signal(1, from: 9))))
    }

    @Test func `a partly admitted large message continues after the restoration`() throws {
        func feed() throws -> Feed {
            let feed = Feed(served(try livelyModel()))
            try feed.setPieceSize(10)
            try feed.send("a0", signal(1))
            #expect(try feed.start("a0", signal(25, from: 3)).isEmpty)
            #expect(feed.takePiece().count == 10)
            return feed
        }
        let whole = try feed()
        try begin(whole)
        try end(whole)
        let expected = whole.takeBacklog().flatMap(\.decisions)
        #expect(expected.count == 15)
        let sliced = try feed()
        try begin(sliced)
        #expect(sliced.takeBacklog().isEmpty)
        #expect(sliced.table.takeRestoreRequests(limit: 9) == ["a0"])
        try end(sliced)
        #expect(lines(sliced.takeBacklog().flatMap(\.decisions)) == lines(expected))
    }

    @Test func `the backlog is full while many streams wait, unless the snapshot cannot be read`() throws {
        let count = 16_385
        let other = Feed(served(try livelyModel()))
        for number in 0..<count { try other.send("s\(number)", signal(1)) }
        let slice = try other.table.copy(.all)
        let feed = Feed(served(try livelyModel()))
        feed.table.beginChecking()
        try feed.table.check(slice, 0..<count)
        try feed.table.beginRestoring()
        for number in 0..<count {
            #expect(feed.table.isBacklogFull == false)
            try feed.send("s\(number)", signal(1))
        }
        #expect(feed.table.isBacklogFull == true)
        feed.table.setRestorationStuck(true)
        #expect(feed.table.isBacklogFull == false)
        feed.table.setRestorationStuck(false)
        feed.table.restore(slice, 0..<1)
        #expect(feed.table.isBacklogFull == false)
        feed.table.restore(slice, 1..<count)
        feed.table.finishSweep()
        #expect(feed.takeBacklog().count == count)
    }

    @Test func `streams that the snapshot has lost meanwhile begin at zero`() throws {
        let feed = try feed()
        try begin(feed)
        #expect(try feed.send("a0", signal(2, from: 7)).isEmpty)
        #expect(feed.table.isRestoring == true)
        #expect(feed.table.giveUpRestoring() == ["a0", "b1"])
        #expect(feed.table.isRestoring == false)
        feed.table.finishSweep()
        #expect(feed.table.isSweeping == false)
        #expect(feed.takeBacklog().flatMap(\.decisions).map(\.step) == [1, 2])
        #expect(try feed.image("b1")?.step == 0)
        #expect(try feed.image("b0")?.step == 3)
        #expect(feed.table.count == 6)
    }
}
