import Recurrent
import Streams
import TestSupport
import Testing
import Wire

/// Tests journal records and their replay.
@Suite struct `The records of a journal` {
    /// The contents of a store into which some slices were written, and the records of a journal.
    private struct Durable {
        var stored: [UInt32: (slice: StreamSlice, number: Int)] = [:]
        var records: [JournalRecords.Record] = []

        mutating func write(_ slice: StreamSlice) {
            for key in slice.removedKeys { stored[key] = nil }
            for (number, entry) in slice.entries.enumerated() { stored[entry.key] = (slice, number) }
        }

        /// Appends the records since the previous call.
        mutating func commit(_ feed: Feed) {
            var taken = JournalRecords()
            feed.table.journal.take(&taken)
            var reader = JournalRecords.Reader(taken.bytes)
            while let record = reader.next() { records.append(record) }
            #expect(reader.isAtEnd)
        }

        /// Starts a table that loads the store and replays the journal without the first `cut` records.
        func start(_ models: ServedModel, cut: Int = 0) throws -> Feed {
            let feed = Feed(models)
            for key in stored.keys.sorted() {
                guard let (slice, number) = stored[key] else { continue }
                var one = StreamSlice(fingerprints: slice.fingerprints)
                one.append(slice.entries[number], id: slice.id(number), values: slice.values(number))
                #expect(try feed.table.load(one) == 1)
            }
            for (index, record) in records.enumerated().dropFirst(cut) {
                feed.table.replay(record, at: UInt64(index + 1), models: [5: 0])
            }
            feed.table.endReplay()
            return feed
        }
    }

    private func recording(_ served: ServedModel) -> Feed {
        let feed = Feed(served)
        feed.table.journal.start([5])
        return feed
    }

    private func sorted(_ feed: Feed) throws -> [StreamImage] {
        try feed.images().sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
    }

    @Test func `records alone replay to the same streams, bit for bit`() throws {
        let served = served(try livelyModel(), ServingPolicy(gap: .reset))
        let feed = recording(served)
        try feed.send("a", signal(5), time: 1)
        try feed.send("b", signal(3), sequence: 9, .start, time: 2)
        try feed.send("a", signal(4), sequence: 4, time: 3)
        try feed.send("a", signal(2), sequence: 20, .end, time: 4)
        try feed.send("c", signal(1), time: 5)
        _ = try feed.table.reset(.prefix("b"))
        _ = try feed.table.remove(.stream("c"))
        #expect(throws: DropCause.length) { try feed.send("a", []) }
        var durable = Durable()
        durable.commit(feed)
        #expect(durable.records.count == 7)
        #expect(feed.table.journal.position == 7)
        let again = try durable.start(served)
        #expect(try sorted(again) == sorted(feed))
        #expect(again.table.journal.position == 7)
        #expect(again.table.counters == StreamCounters())
        #expect(try again.send("a", signal(3)) == feed.send("a", signal(3)))
    }

    @Test(arguments: [UInt64(1), 2, 3, 4])
    func `slices of different moments, with the records since the oldest slice, give the same streams`(seed: UInt64)
        throws
    {
        let served = served(
            try livelyModel(), ServingPolicy(threshold: try #require(.init(rise: 0.6, fall: 0.4)), gap: .reset))
        let feed = recording(served)
        var chance = SplitMix64(seed: seed)
        var durable = Durable()
        var snapshot: [StreamImage] = []
        var next: Int?
        // `cut` is the journal position that the last complete checkpoint covers. `begin` is the journal position at
        // which the running checkpoint began.
        var (cut, begin) = (0, 0)
        for round in 0..<3_000 {
            let id = "s\(Int.random(in: 0..<40, using: &chance))"
            switch Int.random(in: 0..<100, using: &chance) {
            case 0: _ = try? feed.table.reset(.stream(id))
            case 1: _ = try feed.table.reset(.prefix("s1"))
            case 2..<6: _ = try? feed.table.remove(.stream(id))
            case 6: _ = try feed.table.remove(.prefix("s2"))
            case 7: snapshot = try feed.images()
            case 8: try feed.table.restore(snapshot)
            default:
                let flags: TimestepHeader.Flags = [[], [], [], .start, .end].randomElement(using: &chance) ?? []
                try feed.send(id, signal(1 + round % 3, from: Float(round)), flags, time: Int64(round))
            }
            durable.commit(feed)
            if round.isMultiple(of: 7) {
                if next == nil { begin = Int(feed.table.journal.position) }
                let copied = feed.table.copyChanged(from: next ?? 0, limit: 3)
                durable.write(copied.slice)
                next = copied.next
                if next == nil { cut = begin }
            }
            if round.isMultiple(of: 100) {
                #expect(try sorted(durable.start(served, cut: cut)) == sorted(feed))
            }
        }
        #expect(cut > 0)
        #expect(try sorted(durable.start(served, cut: cut)) == sorted(feed))
    }

    @Test func `timesteps that were decided together share a record, and those of the next batch do not`() throws {
        let served = served(try livelyModel())
        let feed = recording(served)
        for streams in [["a", "b", "c"], ["a", "c"]] {
            try feed.sendTogether(streams.map { ($0, signal($0 == "b" ? 2 : 1)) }, time: 3)
        }
        #expect(feed.table.journal.position == 2)
        var durable = Durable()
        durable.commit(feed)
        #expect(durable.records.count == 2)
        let messages = durable.records.compactMap { record -> [String]? in
            guard case .timesteps(let messages, weights: 5, _) = record else { return nil }
            return messages.map { String(decoding: $0.id, as: UTF8.self) }
        }
        #expect(messages == [["a", "b", "c"], ["a", "c"]])
        #expect(try sorted(durable.start(served)) == sorted(feed))
    }

    @Test func `a record of the first version, which has one message, is read`() {
        let bytes: [UInt8] =
            [0, 0b1_0101, 5, 0] + [9, 0, 0, 0, 0, 0, 0, 0] + [3, 0, 0, 0, 0, 0, 0, 0] + [1, 97]
            + [2, 0, 0, 0] + [0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]
        var reader = JournalRecords.Reader(bytes)
        guard case .timesteps(let messages, weights: 5, time: 3) = reader.next() else {
            Issue.record("the record was not read")
            return
        }
        #expect(messages.map(\.id) == [[97]] && messages.map(\.isFirst) == [true])
        #expect(messages.map(\.header) == [TimestepHeader(sequence: 9, flags: .start)])
        #expect(messages.map(\.values) == [[1, 2]] && messages.map(\.rest) == [0])
        #expect(reader.next() == nil && reader.isAtEnd)
    }

    @Test func `the timesteps kept for sequences and windows are replayed too`() throws {
        let window = ServingPolicy(mode: .window(try #require(.init(length: 4, stride: 2))), emit: .every)
        for served in [
            served(try livelyModel(), window), served(try twoWayModel(), ServingPolicy(mode: .sequence, emit: .final)),
        ] {
            let feed = recording(served)
            try feed.send("s", signal(7))
            try feed.send("s", signal(2), .end)
            try feed.send("s", signal(3))
            var durable = Durable()
            durable.commit(feed)
            let again = try durable.start(served)
            #expect(try again.images() == feed.images())
            #expect(try again.send("s", signal(5), .end) == feed.send("s", signal(5), .end))
        }
    }

    @Test func `timesteps that wait for a paused stream are recorded when they are admitted`() throws {
        let served = served(try livelyModel())
        let feed = recording(served)
        try feed.send("s", signal(3))
        _ = try feed.table.pause(.all)
        try feed.send("s", signal(4))
        #expect(feed.table.journal.records.count == 1)
        _ = try feed.resume(.all)
        var durable = Durable()
        durable.commit(feed)
        #expect(durable.records.count == 2)
        #expect(try durable.start(served).images() == feed.images())
    }

    @Test func `a table records only between start and stop, and the positions show the gap`() throws {
        let feed = Feed(served(try livelyModel()))
        try feed.send("s", signal(1))
        #expect(feed.table.journal.position == 0)
        feed.table.journal.start([5])
        try feed.send("s", signal(1))
        #expect(feed.table.journal.position == 1)
        feed.table.journal.stop()
        try feed.send("s", signal(1))
        #expect(feed.table.journal.records.count == 0)
        feed.table.journal.start([5])
        try feed.send("s", signal(1))
        #expect(feed.table.journal.position == 3)
    }

    @Test func `damaged bytes give no records`() throws {
        let feed = recording(served(try livelyModel()))
        try feed.send("s", signal(2))
        try feed.table.restore(feed.images())
        _ = try feed.table.reset(.stream("s"))
        var records = JournalRecords()
        feed.table.journal.take(&records)
        for count in 0..<records.bytes.count {
            var reader = JournalRecords.Reader(Array(records.bytes[..<count]))
            var read = 0
            while reader.next() != nil { read += 1 }
            #expect(read < 3)
        }
        var reader = JournalRecords.Reader([9] + records.bytes)
        #expect(reader.next() == nil)
        #expect(!reader.isAtEnd)
    }
}
