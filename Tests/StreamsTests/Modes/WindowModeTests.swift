import Recurrent
import Streams
import TestSupport
import Testing
import Wire

@Suite struct `Window mode` {
    private func mode(_ length: Int, _ stride: Int) throws -> ServingPolicy.Mode {
        .window(try #require(ServingPolicy.Window(length: length, stride: stride)))
    }

    private func feed(
        _ length: Int, _ stride: Int, emit: ServingPolicy.Emit = .every, gap: ServingPolicy.Gap = .continue,
        features: Int = 1
    ) throws -> Feed {
        Feed(
            served(
                try livelyModel(features: features), ServingPolicy(mode: try mode(length, stride), emit: emit, gap: gap)
            ))
    }

    /// Returns the bits of the output for a sequence that starts from the zero state.
    private func answer(_ values: [Float], features: Int = 1) throws -> [UInt32] {
        try #require(Alone(try livelyModel(features: features)).answers(to: values).last)
    }

    static let windows = [(1, 1), (4, 1), (4, 3), (4, 4), (3, 5), (24, 1), (5, 40)]

    @Test(arguments: windows, [[1], [7], [2, 1, 11], [60]])
    func `every stride decides the last timesteps as a separate sequence, whatever the sizes of messages`(
        window: (length: Int, stride: Int), cuts: [Int]
    ) throws {
        let feed = try feed(window.length, window.stride, features: 2)
        let values = signal(60, features: 2)
        var decisions: [Decision] = []
        var start = 0
        for index in 0... {
            guard start < 60 else { break }
            let end = min(60, start + cuts[index % cuts.count])
            decisions += try feed.send("s", Array(values[(2 * start)..<(2 * end)]))
            start = end
        }
        let ends = Array(stride(from: window.length, through: 60, by: window.stride))
        #expect(decisions.map(\.sequence) == ends.map { UInt64($0) })
        #expect(decisions.map(\.step) == decisions.map(\.sequence))
        for (decision, end) in zip(decisions, ends) {
            let alone = try answer(Array(values[(2 * (end - window.length))..<(2 * end)]), features: 2)
            #expect(bits([decision]) == [alone])
        }
    }

    @Test(arguments: [1, 3, 4, 5, 6, 7, 9])
    func `the end flag asks for a decision on the timesteps so far, and the next window begins after it`(length: Int)
        throws
    {
        let feed = try feed(4, 3)
        let values = signal(length)
        let decisions = try feed.send("s", values, .end)
        let last = try #require(decisions.last)
        #expect(last.step == UInt64(length))
        #expect(bits([last]) == [try answer(Array(values.suffix(4)))])
        #expect(decisions.map { $0.flags.contains(.final) } == decisions.indices.map { $0 == decisions.count - 1 })
        #expect(decisions.count == [1: 1, 3: 1, 4: 1, 5: 2, 6: 2, 7: 2, 9: 3][length])

        let next = signal(4, from: 50)
        let after = try feed.send("s", next)
        #expect(after.map(\.step) == [4])
        #expect(bits(after) == [try answer(next)])
    }

    @Test func `a start flag, a gap that resets, a reset and a removal empty the window`() throws {
        let feed = try feed(4, 1, gap: .reset)
        let values = signal(4, from: 20)
        let resets: [() throws -> [Decision]] = [
            { try feed.send("s", values, .start) }, { try feed.send("s", values, sequence: 100) },
            {
                _ = try feed.table.reset(.stream("s"))
                return try feed.send("s", values)
            },
            {
                _ = try feed.table.remove(.stream("s"))
                return try feed.send("s", values)
            },
        ]
        for reset in resets {
            try feed.send("s", signal(6))
            let decisions = try reset()
            #expect(decisions.map(\.step) == [4])
            #expect(bits(decisions) == [try answer(values)])
        }
    }

    @Test func `the next window reports a gap that does not reset the window`() throws {
        let feed = try feed(4, 1)
        try feed.send("s", signal(3))
        let decisions = try feed.send("s", signal(2, from: 3), sequence: 10)
        #expect(decisions.map(\.sequence) == [10, 11])
        #expect(decisions.map { $0.flags.contains(.gap) } == [true, false])
        #expect(bits(decisions) == [try answer(signal(4)), try answer(signal(4, from: 1))])
    }

    @Test func `duplicate timesteps do not enter the window again`() throws {
        let feed = try feed(4, 1)
        let values = signal(6)
        try feed.send("s", Array(values[..<3]), sequence: 1)
        let decisions = try feed.send("s", Array(values[1...]), sequence: 2)
        #expect(decisions.map(\.sequence) == [4, 5, 6])
        #expect(
            bits(decisions) == [
                try answer(Array(values[0..<4])), try answer(Array(values[1..<5])), try answer(Array(values[2..<6])),
            ])
        #expect(feed.table.counters.duplicates == 2)
    }

    static let lasts: [([Int], TimestepHeader.Flags, [UInt64])] = [
        ([3], [], []), ([4], [], [4]), ([5], [], [4]), ([6], [], [4]), ([10], [], [10]), ([9], [], [7]),
        ([9], .end, [9]), ([10], .end, [10]), ([2], .end, [2]), ([5, 1, 4], [], [4, 10]),
    ]

    @Test(arguments: lasts)
    func `emit last publishes the last window of each message`(
        lengths: [Int], flags: TimestepHeader.Flags, expected: [UInt64]
    ) throws {
        let feed = try feed(4, 3, emit: .last)
        #expect(try lengths.flatMap { try feed.send("s", signal($0), flags) }.map(\.sequence) == expected)
    }

    @Test func `emit change publishes changes of the label, and emit final publishes ends`() throws {
        let window = try mode(2, 1)
        let change = Feed(served(try echo(), ServingPolicy(mode: window, emit: .change)))
        #expect(try change.send("s", [0, 0, 1, 1, 0, 0, 0, 1]).map(\.sequence) == [2, 3, 5, 8])
        let final = Feed(served(try echo(), ServingPolicy(mode: window, emit: .final)))
        #expect(try final.send("s", [0, 1, 1]).isEmpty)
        #expect(try final.send("s", [1], .end).map(\.sequence) == [4])
    }

    @Test func `between two thresholds, a window has the label of the previous window, and the first has 0`() throws {
        let threshold = try #require(ServingPolicy.Threshold(rise: 0.6, fall: 0.4))
        let feed = Feed(served(try echo(), ServingPolicy(mode: try mode(2, 1), threshold: threshold)))
        #expect(try feed.send("s", [0.9, 0.5, 0.9, 0.5, 0.3, 0.5]).map(\.label) == [0, 1, 1, 0, 0])
        #expect(try feed.send("s", [0.9, 0.5], [.start]).map(\.label) == [0])
        #expect(try feed.send("s", [0.9, 0.5], [.end]).map(\.label) == [1, 1])
        #expect(try feed.send("s", [0.9, 0.5]).map(\.label) == [0])
    }

    @Test func `the first flag marks a window that ends at step 1`() throws {
        #expect(try feed(1, 1).send("s", signal(3)).map { $0.flags.contains(.first) } == [true, false, false])
        let feed = try feed(4, 1)
        #expect(try feed.send("s", signal(5)).contains { $0.flags.contains(.first) } == false)
        _ = try feed.table.reset(.all)
        #expect(try feed.send("s", signal(1), .end).first?.flags.contains([.first, .final]) == true)
    }

    @Test func `timesteps that waited give the same windows`() throws {
        let feed = try feed(4, 2)
        try feed.send("s", signal(3))
        _ = try feed.table.pause(.all)
        try feed.send("s", signal(2, from: 3))
        try feed.send("s", signal(4, from: 5))
        let decisions = try feed.resume(.all).flatMap(\.decisions)
        #expect(decisions.map(\.sequence) == [4, 6, 8])
        #expect(
            bits(decisions) == [try answer(signal(4)), try answer(signal(4, from: 2)), try answer(signal(4, from: 4))])
    }

    @Test(arguments: 0...10)
    func `a window continues from its image at any position`(place: Int) throws {
        let whole = try feed(4, 3)
        let values = signal(20)
        let expected = try whole.send("s", values).filter { $0.sequence > UInt64(place) }
        let before = try feed(4, 3)
        if place > 0 { try before.send("s", Array(values[..<place])) }

        let images = try before.images()
        let after = try feed(4, 3)
        try after.send("t", signal(9))
        try after.table.restore(images)
        #expect(try after.table.copy(.prefix("s")).images == images)
        #expect(images.allSatisfy { $0.values.count == min(4, place) + 1 })
        let decisions = try after.send("s", Array(values[place...]))
        #expect(decisions == expected)
        #expect(try after.send("t", signal(1, from: 9)).map(\.step) == [10])
    }

    @Test func `an image contains the window in order, then the last outputs`() throws {
        let feed = Feed(served(try echo(2), fingerprint: "f", ServingPolicy(mode: try mode(2, 1))))
        try feed.send("s", [1, 2, 3, 4, 5, 6])
        let image = try #require(try feed.image("s"))
        #expect(image.fingerprint == "f:window:2")
        #expect(image.values == [3, 4, 5, 6, 5, 6])
        #expect(try feed.table.status(of: "s", time: 0).probability == .several([5, 6]))
    }

    /// Images that do not fit a window of four timesteps.
    static let misfits: [(String, StreamsError.Cause, @Sendable (inout StreamImage) -> Void)] = [
        ("other weights", .otherState, { $0.fingerprint = "fingerprint of another:window:4" }),
        ("a state", .mode, { $0.fingerprint = "fingerprint of m" }),
        ("a sequence", .mode, { $0.fingerprint = "fingerprint of m:sequence" }),
        ("another window", .mode, { $0.fingerprint = "fingerprint of m:window:5" }),
        ("a timestep too few", .otherState, { $0.values.removeLast(2) }),
        ("a timestep too many", .otherState, { $0.values += [0, 0] }),
        ("half a timestep", .otherState, { $0.values.append(0) }),
        ("nothing", .otherState, { $0.values = [] }),
        ("another step", .otherState, { $0.step = 3 }),
    ]

    @Test(arguments: misfits.map(\.0))
    func `an image of other weights, another mode or another window is refused`(name: String) throws {
        let (_, code, change) = try #require(Self.misfits.first { $0.0 == name })
        let source = try feed(4, 1, features: 2)
        try source.send("s", signal(6, features: 2))
        var images = try source.images()
        change(&images[0])
        let feed = try feed(4, 1, features: 2)
        let error = try #require(throws: StreamsError.self) { try feed.table.restore(images) }
        #expect(error.cause == code)
        #expect(error.description.contains("'s'"))
        #expect(feed.table.count == 0)
    }

    @Test func `a window is refused as the state of a stateful stream`() throws {
        let source = try feed(6, 1)
        try source.send("s", signal(6))
        let feed = Feed(served(try livelyModel()))
        let images = try source.images()
        // A state of the model has as many values as the window, so only the mode distinguishes the images.
        #expect(images[0].values.count == 2 * 3 + 1)
        let error = try #require(throws: StreamsError.self) { try feed.table.restore(images) }
        #expect(error.cause == .mode)
        #expect(error.description.contains("window:6") && error.description.contains("stateful"))
    }
}

@Suite struct `The notation of a mode` {
    static let modes = ["stateful", "sequence", "window:1:1", "window:24:1", "window:65536:100000"]

    @Test(arguments: modes)
    func `a mode is read in the same notation in which it is written`(text: String) throws {
        let mode = try #require(ServingPolicy.Mode(text))
        #expect("\(mode)" == text)
        #expect(mode.defaultEmit == (text == "sequence" ? .final : .every))
    }

    @Test(arguments: [
        "", "Stateful", "window", "window:24", "window:24:", "window::1", "window:0:1", "window:24:0", "window:-1:1",
        "window:65537:1", "window:24:1:1", "window:24:1 ", "window:a:b", "sequence:24:1",
        "window:99999999999999999999:1",
    ])
    func `a string that is not a mode is refused`(text: String) {
        #expect(ServingPolicy.Mode(text) == nil)
    }

    @Test func `a window that is too large for the store is refused`() throws {
        let window = try #require(ServingPolicy.Window(length: 65_536, stride: 1))
        let policy = ServingPolicy(mode: .window(window))
        #expect(throws: Never.self) { try policy.check(ServableModel(try livelyModel(features: 1_900))) }
        let error = try #require(throws: ServingError.self) {
            try policy.check(ServableModel(try livelyModel(features: 2_000)))
        }
        #expect(error.code == .size)
        #expect(error.description.contains("62500"))
    }
}
