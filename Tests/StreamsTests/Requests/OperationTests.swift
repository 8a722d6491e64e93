import Streams
import TestSupport
import Testing
import Wire

/// Tests requests on many streams. The table carries them out a few streams at a time.
@Suite struct `An operation on many streams` {
    private static let ids = ["a0", "b0", "a1", "b1", "a2", "b2"]
    private static let operations: [StreamOperation] = [.reset, .remove, .pause, .resume]

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

    /// Returns the visible state of all streams.
    private func state(of feed: Feed) throws -> [String] {
        try feed.images().map { "\($0)" }.sorted()
            + feed.table.page(prefix: nil, after: nil, limit: 100, time: 0).streams.map { "\($0)" }
            + ["\(feed.table.count) \(feed.table.pausedCount) \(feed.table.waitingCount)"]
            + ["\(feed.table.counters.timesteps) \(feed.table.counters.decisions)"]
    }

    private func lines(_ decisions: [Decision]) -> [String] { decisions.map { "\($0)" } }

    @Test(arguments: operations, [ControlCommand.Selection.all, .prefix("a")])
    func `an operation in slices has the same result as an undivided one, whenever timesteps arrive`(
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

                // The order between waiting timesteps of different streams is undefined, so sort the decisions before
                // comparing.
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
    func `a checkpoint during an operation contains the streams as they are after the operation`(
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
    func `the records of an operation in slices replay to the same streams`(operation: StreamOperation) throws {
        let feed = try feed()
        _ = try feed.table.begin(operation, on: .prefix("a"))
        for (number, id) in Self.ids.enumerated() {
            try feed.send(id, signal(2, from: 9))
            if number.isMultiple(of: 2) { _ = feed.table.sweep(limit: 1) }
        }
        feed.table.finishSweep()
        _ = feed.takeBacklog()
        let again = try feed.replayed(served(try livelyModel()))
        #expect(try again.images().map { "\($0)" }.sorted() == feed.images().map { "\($0)" }.sorted())
    }

    @Test func `an operation on one stream or none needs no slices`() throws {
        let feed = try feed()
        #expect(try feed.table.begin(.reset, on: .prefix("c")) == 0)
        #expect(feed.table.isSweeping == false)
        #expect(try feed.table.begin(.reset, on: .stream("a0")) == 1)
        #expect(feed.table.isSweeping == false)
        #expect(try feed.image("a0")?.step == 0)
        #expect(try feed.image("b0")?.step == 3)
    }

    @Test func `a hibernated stream that an operation resets wakes with the zero state`() throws {
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
    func `copies in slices show one moment, whenever timesteps arrive`(
        selection: ControlCommand.Selection
    ) throws {
        let expected = try feed().table.copy(selection).images.map { "\($0)" }.sorted()
        for moment in 0...Self.ids.count {
            for id in Self.ids + ["a9"] {
                let feed = try feed()
                #expect(try feed.table.begin(.copy, on: selection) == expected.count)
                var copies: [StreamImage] = []
                for _ in 0..<moment where feed.table.isSweeping {
                    _ = feed.table.sweep(limit: 1)
                    copies += feed.table.takeCopies().slice.images
                }
                try feed.send(id, signal(2))
                feed.table.finishSweep()
                copies += feed.table.takeCopies().slice.images
                #expect(copies.map { "\($0)" }.sorted() == expected)
            }
        }
    }

    @Test
    func `the key of a hibernated stream is copied, even if the stream wakes before its turn`() throws {
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

    @Test func `no checkpoint contains streams that the store is about to remove, until they are spared`() throws {
        let feed = try feed()
        #expect(try feed.table.begin(.doom, on: .prefix("a")) == 3)
        _ = feed.table.sweep(limit: 1)
        // Streams that are about to be removed are left out, even those that the operation has not reached yet.
        #expect(Set(feed.takeChanged().map(\.id)) == ["b0", "b1", "b2"])
        feed.table.finishSweep()
        #expect(feed.table.takeRemovedKeys().sorted() == [0, 2, 4])
        #expect(try feed.send("a0", signal(1)).map(\.step) == [4])
        #expect(feed.takeChanged().isEmpty)
        feed.table.spare()
        #expect(try feed.send("a0", signal(1)).map(\.step) == [5])
        #expect(feed.takeChanged().map(\.id) == ["a0", "a1", "a2"])
    }

    @Test func `the keys of removed streams go to the store before any stream`() throws {
        let feed = try feed()
        _ = feed.takeChanged()
        _ = try feed.table.remove(.prefix("a"))
        for id in ["a2", "a1"] { try feed.send(id, signal(1)) }
        var slices: [StreamSlice] = []
        var next: Int? = 0
        while let first = next {
            let copied = feed.table.copyChanged(from: first, limit: 2)
            slices.append(copied.slice)
            next = copied.next
        }
        #expect(slices.flatMap(\.removedKeys).sorted() == [0, 2, 4])
        #expect(slices.flatMap { $0.images.map(\.id) }.sorted() == ["a1", "a2"])
        let firstWithStreams = try #require(slices.firstIndex { !$0.entries.isEmpty })
        #expect(slices[(firstWithStreams + 1)...].allSatisfy { $0.removedKeys.isEmpty })
        #expect(slices.allSatisfy { $0.removedKeys.count <= 2 })
    }
}
