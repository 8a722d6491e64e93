import Streams
import TestSupport
import Testing
import Wire

@Suite struct `A dropped message` {
    /// An invalid message, and the cause that its drop must have.
    struct Bad: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let cause: DropCause
        let frames: Int
        let id: [UInt8]
        let payload: [UInt8]
        let header: [UInt8]

        init(
            _ description: String, _ cause: DropCause, frames: Int = 3, id: [UInt8] = Array("s".utf8),
            payload: [UInt8] = Timesteps.bytes([1, 2]), header: [UInt8] = TimestepHeader(sequence: 3).bytes
        ) {
            testDescription = description
            self.cause = cause
            self.frames = frames
            self.id = id
            self.payload = payload
            self.header = header
        }
    }

    static let bad = [
        Bad("no frames", .frames, frames: 0),
        Bad("one frame", .frames, frames: 1),
        Bad("four frames", .frames, frames: 4),
        Bad("no id", .id, id: []),
        Bad("a long id", .id, id: Array(repeating: 0x61, count: 256)),
        Bad("an id that is no UTF-8", .id, id: [0xC3, 0x28]),
        Bad("an id with a line break", .id, id: Array("a\nb".utf8)),
        Bad("a reserved id", .id, id: Array("!sluice/subscribed/1".utf8)),
        Bad("no timesteps", .length, payload: []),
        Bad("a part of a float", .length, payload: [0, 0, 0]),
        Bad("a part of a timestep", .length, payload: Timesteps.bytes([1, 2, 3])),
        Bad("a NaN in the last timestep", .nonFinite, payload: Timesteps.bytes([1, 2, 3, .nan])),
        Bad("an infinity", .nonFinite, payload: Timesteps.bytes([-.infinity, 2])),
        Bad("an empty header", .header, header: []),
        Bad("a long header", .header, header: TimestepHeader().bytes + [0]),
        Bad("a reserved field in use", .header, header: Array(repeating: 0, count: 15) + [1]),
        Bad("an unknown flag", .flags, header: TimestepHeader(flags: .init(rawValue: 4)).bytes),
        Bad(
            "a sequence past the end", .sequence, payload: Timesteps.bytes([1, 2, 3, 4]),
            header: TimestepHeader(sequence: .max).bytes),
    ]

    private func feed() throws -> Feed {
        Feed(served(try livelyModel(features: 2)))
    }

    @Test(arguments: bad)
    func `an invalid message creates no stream`(_ bad: Bad) throws {
        let feed = try feed()
        #expect(throws: bad.cause) {
            try feed.send(frames: bad.frames, id: bad.id, payload: bad.payload, header: bad.header)
        }
        #expect(feed.table.count == 0)
        #expect(feed.table.changedCount == 0)
        #expect(feed.table.counters.dropped.filter { $0.value > 0 } == [bad.cause: 1])
        #expect(feed.table.counters.timesteps == 0)
    }

    @Test(arguments: bad)
    func `an invalid message changes no stream`(_ bad: Bad) throws {
        let feed = try feed()
        let alone = Alone(try livelyModel(features: 2))
        let values = signal(4, features: 2)
        let before = try feed.send("s", Array(values[0..<4]))
        let image = try feed.image("s")
        _ = feed.takeChanged()
        #expect(throws: bad.cause) {
            try feed.send(frames: bad.frames, id: bad.id, payload: bad.payload, header: bad.header, time: 99)
        }
        #expect(try feed.image("s") == image)
        #expect(feed.table.changedCount == 0)
        let after = try feed.send("s", Array(values[4..<8]))
        #expect(bits(before + after) == alone.answers(to: values))
    }

    @Test func `a header is ignored if the message has only two frames`() throws {
        let feed = try feed()
        let decisions = try feed.send(
            frames: 2, id: Array("s".utf8), payload: Timesteps.bytes([1, 2]), header: [1, 2, 3])
        #expect(decisions.map(\.sequence) == [1])
    }

    @Test func `every cause of a drop is counted from zero`() throws {
        let counters = try feed().table.counters
        #expect(counters.dropped == Dictionary(uniqueKeysWithValues: DropCause.allCases.map { ($0, 0) }))
    }
}

@Suite struct `The routing of streams to models` {
    static let cases: [(String, String?)] = [
        ("meter-1", "power"), ("meter-", "power"), ("meter", nil), ("meter-x-1", "special"), ("meter-x-", "special"),
        ("meter-x", "power"), ("dna-1", "splice"), ("DNA-1", nil), ("é-1", "accent"), ("e\u{301}-1", nil),
    ]

    private func feed() throws -> Feed {
        Feed(
            served(try echo(), name: "power", ServingPolicy(prefixes: ["meter-"])),
            served(try echo(), name: "special", ServingPolicy(prefixes: ["meter-x-", "other"])),
            served(try echo(3), name: "splice", ServingPolicy(prefixes: ["dna-"])),
            served(try echo(), name: "accent", ServingPolicy(prefixes: ["é"])))
    }

    @Test(arguments: cases)
    func `a stream goes to the model with the longest matching prefix`(id: String, model: String?) throws {
        let feed = try feed()
        if let model {
            let isSplice = model == "splice"
            #expect(try feed.send(id, isSplice ? [1, 2, 3] : [1]).count == 1)
            #expect(try feed.table.status(of: id, time: 0).model == model)
        } else {
            #expect(throws: DropCause.unrouted) { try feed.send(id, [1]) }
            #expect(feed.table.counters.dropped[.unrouted] == 1)
            #expect(feed.table.count == 0)
        }
    }

    @Test func `the empty prefix matches all remaining streams`() throws {
        let feed = Feed(
            served(try echo(), name: "rest"), served(try echo(2), name: "two", ServingPolicy(prefixes: ["two-"])))
        try feed.send("anything", [1])
        #expect(try feed.table.status(of: "anything", time: 0).model == "rest")
        #expect(throws: DropCause.length) { try feed.send("two-1", [1]) }
        #expect(try feed.send("two-1", [1, 2]).first?.label == 1)
    }
}
