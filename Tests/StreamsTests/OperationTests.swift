import Streams
import Testing
import Wire

/// Requests on many streams, whose work is done some streams at a time.
struct OperationTests {
    private static let ids = ["a0", "b0", "a1", "b1", "a2", "b2"]
    private static let operations: [StreamOperation] = [.reset, .remove, .pause, .resume]

    /// Six streams of which two are paused, with timesteps that wait for them.
    private func feed() throws -> Feed {
        let feed = Feed(served(try livelyModel()))
        feed.table.startRecording([5])
        for (number, id) in Self.ids.enumerated() { try feed.send(id, signal(3, from: Float(number))) }
        for id in ["a1", "b1"] {
            _ = try feed.table.pause(.stream(id))
            try feed.send(id, signal(2, from: 40))
        }
        return feed
    }

    /// All that can be seen of the streams.
    private func state(of feed: Feed) throws -> [String] {
        try feed.images().map { "\($0)" }.sorted()
            + feed.table.page(prefix: nil, after: nil, limit: 100, time: 0).streams.map { "\($0)" }
            + ["\(feed.table.count) \(feed.table.pausedCount) \(feed.table.waitingCount)"]
            + ["\(feed.table.counters.timesteps) \(feed.table.counters.decisions)"]
    }

    private func lines(_ decisions: [Decision]) -> [String] { decisions.map { "\($0)" } }

    @Test(arguments: operations, [ControlCommand.Selection.all, .prefix("a")])
    func `an operation in slices, with timesteps at every moment of it, is as in one go`(
        operation: StreamOperation, selection: ControlCommand.Selection
    ) throws {
        for moment in 0...Self.ids.count {
            for id in Self.ids + ["a9"] {
                let whole = try feed()
                let count = try whole.table.carryOut(operation, on: selection)
                let sliced = try feed()
                #expect(try sliced.table.begin(operation, on: selection) == count)
                for _ in 0..<moment where sliced.table.isSweeping { _ = sliced.table.sweep(limit: 1) }
                #expect(sliced.table.isSweeping == (moment < Self.ids.count))

                // What waited for one stream is not ordered with what comes of another.
                let expected = try whole.send(id, signal(2, from: 7)) + whole.takeBacklog().flatMap(\.decisions)
                var found = try sliced.send(id, signal(2, from: 7))
                sliced.table.finishSweep()
                found += sliced.takeBacklog().flatMap(\.decisions)
                #expect(lines(found).sorted() == lines(expected).sorted())
                #expect(try state(of: sliced) == state(of: whole), "\(moment) \(id)")
                for id in Self.ids {
                    #expect(try lines(sliced.send(id, signal(1))) == lines(whole.send(id, signal(1))))
                }
            }
        }
    }

    @Test(arguments: [StreamOperation.reset, .remove], 0...6)
    func `a checkpoint in the midst of an operation has streams as they are after it`(
        operation: StreamOperation, moment: Int
    ) throws {
        let feed = try feed()
        _ = try feed.table.begin(operation, on: .prefix("a"))
        for _ in 0..<moment { _ = feed.table.sweep(limit: 1) }
        let stored = feed.takeChanged()
        #expect(stored.filter { $0.id.hasPrefix("a") }.allSatisfy { $0.step == 0 })
        #expect(stored.count == (operation == .remove ? 3 : 6))
        feed.table.finishSweep()
        #expect(feed.takeChanged().isEmpty)
    }

    @Test(arguments: operations)
    func `the records of an operation in slices make the same streams again`(operation: StreamOperation) throws {
        let feed = try feed()
        _ = try feed.table.begin(operation, on: .prefix("a"))
        for (number, id) in Self.ids.enumerated() {
            try feed.send(id, signal(2, from: 9))
            if number.isMultiple(of: 2) { _ = feed.table.sweep(limit: 1) }
        }
        feed.table.finishSweep()
        _ = feed.takeBacklog()
        var taken = JournalRecords()
        feed.table.takeRecords(&taken)
        let again = Feed(served(try livelyModel()))
        var reader = JournalRecords.Reader(taken.bytes)
        var position: UInt64 = 0
        while let record = reader.next() {
            position += 1
            again.table.replay(record, at: position, models: [5: 0])
        }
        again.table.endReplay()
        #expect(try again.images().map { "\($0)" }.sorted() == feed.images().map { "\($0)" }.sorted())
    }

    @Test func `an operation on no stream, or on one, needs no slices`() throws {
        let feed = try feed()
        #expect(try feed.table.begin(.reset, on: .prefix("c")) == 0)
        #expect(feed.table.isSweeping == false)
        #expect(try feed.table.begin(.reset, on: .stream("a0")) == 1)
        #expect(feed.table.isSweeping == false)
        #expect(try feed.image("a0")?.step == 0)
        #expect(try feed.image("b0")?.step == 3)
    }

    @Test func `a stream that falls asleep after it was to be reset is zero when it wakes`() throws {
        let feed = Feed(served(try livelyModel()))
        let alone = Alone(try livelyModel())
        for id in ["a", "b"] { try feed.send(id, signal(4)) }
        let images = feed.takeChanged()
        for now: Int64 in [0, 5] { _ = feed.table.putToSleep(from: 0, limit: 9, idleFor: 5, now: now) }
        #expect(feed.table.asleepCount == 2)
        try feed.send("a", signal(2))
        let ids = feed.table.takeWakeRequests()
        _ = try feed.table.begin(.reset, on: .all)
        let woken = feed.wake(ids, images)
        feed.table.finishSweep()
        #expect(woken.lost.isEmpty)
        #expect(bits(woken.decisions) == alone.answers(to: signal(2)))
        #expect(try feed.send("b", signal(1)).map(\.step) == [1])
    }

    @Test(arguments: [ControlCommand.Selection.all, .prefix("a")])
    func `copies in slices, with timesteps at every moment of it, are those of one moment`(
        selection: ControlCommand.Selection
    ) throws {
        let expected = try feed().table.copy(selection).images.map { "\($0)" }.sorted()
        for moment in 0...Self.ids.count {
            for id in Self.ids + ["a9"] {
                let feed = try feed()
                #expect(try feed.table.begin(.copy, on: selection) == expected.count)
                for _ in 0..<moment where feed.table.isSweeping { _ = feed.table.sweep(limit: 1) }
                try feed.send(id, signal(2))
                feed.table.finishSweep()
                #expect(feed.table.takeCopies().slice.images.map { "\($0)" }.sorted() == expected)
            }
        }
    }

    @Test
    func `of a stream that is asleep the key is copied, also where it wakes before it is reached`()
        throws
    {
        let feed = try feed()
        let stored = feed.takeChanged()
        for now: Int64 in [0, 5] { _ = feed.table.putToSleep(from: 0, limit: 9, idleFor: 5, now: now) }
        try feed.send("b2", signal(1))
        let ids = feed.table.takeWakeRequests()
        _ = try feed.table.begin(.copy, on: .all)
        _ = feed.wake(ids, stored)
        feed.table.finishSweep()
        let copies = feed.table.takeCopies()
        #expect(copies.slice.entries.count == 2)
        #expect(copies.asleep.sorted() == [0, 1, 4, 5])
    }

    /// Streams of a snapshot: some that the table has, some that it has not, and none of others.
    private func restoration() throws -> StreamRestoration {
        let other = Feed(served(try livelyModel()))
        for id in ["new", "b1", "a0", "zero"] { try other.send(id, signal(5, from: 70)) }
        return StreamRestoration(try other.table.copy(.all))
    }

    private func restore(_ feed: Feed) throws {
        feed.table.prepare(try restoration())
        #expect(try feed.table.goOnPreparing(limit: .max))
        feed.table.beginRestoring()
    }

    @Test func `a restoration in slices, with timesteps at every moment of it, is as in one go`()
        throws
    {
        for moment in 0...12 {
            for id in Self.ids + ["new", "zero", "other"] {
                let whole = try feed()
                try restore(whole)
                whole.table.finishSweep()
                let expected = try whole.send(id, signal(2, from: 7))
                let sliced = try feed()
                try restore(sliced)
                for _ in 0..<moment where sliced.table.isSweeping { _ = sliced.table.sweep(limit: 1) }
                #expect(try lines(sliced.send(id, signal(2, from: 7))) == lines(expected))
                sliced.table.finishSweep()
                #expect(try state(of: sliced) == state(of: whole), "\(moment) \(id)")
                #expect(try replayed(sliced) == sliced.images().map { "\($0)" }.sorted())
            }
        }
    }

    @Test func `a restoration that was not begun changes nothing, also at a start`() throws {
        let feed = try feed()
        let before = try state(of: feed)
        feed.table.prepare(try restoration())
        #expect(try feed.table.goOnPreparing(limit: 2) == false)
        #expect(try state(of: feed) == before)
        #expect(try replayed(feed) == feed.images().map { "\($0)" }.sorted())
        feed.table.cancelRestoration()

        feed.table.maximumStreams = 7
        feed.table.prepare(try restoration())
        let error = try #require(throws: ControlError.self) {
            try feed.table.goOnPreparing(limit: .max)
        }
        #expect(error.code == .refusedInMode)
        #expect(try state(of: feed) == before)
        #expect(try feed.table.begin(.reset, on: .all) == 6)
    }

    /// The images of the streams that a start makes of the records.
    private func replayed(_ feed: Feed) throws -> [String] {
        var taken = JournalRecords()
        feed.table.takeRecords(&taken)
        let again = Feed(served(try livelyModel()))
        var reader = JournalRecords.Reader(taken.bytes)
        var position: UInt64 = 0
        while let record = reader.next() {
            position += 1
            again.table.replay(record, at: position, models: [5: 0])
        }
        #expect(reader.isAtEnd)
        again.table.endReplay()
        return try again.images().map { "\($0)" }.sorted()
    }
}
