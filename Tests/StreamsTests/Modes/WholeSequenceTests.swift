import Recurrent
import Streams
import TestSupport
import Testing
import Wire

/// Tests with a model that has no output before the end of a sequence.
@Suite struct `A sequence that must be complete` {
    private let model: Model

    init() throws {
        model = try twoWayModel()
    }

    private func feed(
        _ emit: ServingPolicy.Emit = .final, length: Int? = nil, maximum: Int = 65_536,
        gap: ServingPolicy.Gap = .continue, threshold: ServingPolicy.Threshold = .half
    ) -> Feed {
        let policy = ServingPolicy(
            mode: .sequence, emit: emit, threshold: threshold, gap: gap, maximumLength: maximum)
        return Feed(served(model, policy, sequenceLength: length))
    }

    /// Returns the engine's output for the sequence, computed without a table.
    private func answer(_ values: [Float]) -> [Float] {
        let answer = SequenceRunner(model: model).output(for: values.span)
        return answer.indices.map { answer[$0] }
    }

    /// Sends a sequence in messages of `length` timesteps. The last message has the end flag.
    ///
    /// - Returns: The published decisions, and the number of dropped messages.
    private func send(_ feed: Feed, _ values: [Float], by length: Int) throws -> (decisions: [Decision], dropped: Int) {
        var decisions: [Decision] = []
        var dropped = 0
        for start in stride(from: 0, to: values.count, by: length) {
            let part = Array(values[start..<min(values.count, start + length)])
            do throws(DropCause) {
                decisions += try feed.send("s", part, start + length >= values.count ? .end : [])
            } catch {
                #expect(error == .tooLong)
                dropped += 1
            }
        }
        return (decisions, dropped)
    }

    @Test(arguments: [1, 2, 7, 20])
    func `a sequence is decided once, at its end, whatever the sizes of its messages`(length: Int) throws {
        let feed = feed()
        for start: Float in [0, 50] {
            let values = signal(20, from: start)
            let (decisions, dropped) = try send(feed, values, by: length)
            #expect(decisions.map(\.probabilities) == [answer(values)])
            #expect(decisions.map(\.step) == [20])
            #expect(decisions.map(\.sequence) == [start == 0 ? 20 : 40])
            #expect(decisions.allSatisfy { $0.flags.contains(.final) && !$0.flags.contains(.first) })
            #expect(dropped == 0)
        }
    }

    @Test(arguments: [[1], [2], [3], [4, 1], [10]])
    func `a sequence ends by itself after the model's fixed length`(cuts: [Int]) throws {
        let feed = feed(length: 3)
        let values = signal(10)
        var decisions: [Decision] = []
        var rest = values[...]
        for index in 0... {
            guard !rest.isEmpty else { break }
            decisions += try feed.send("s", Array(rest.prefix(cuts[index % cuts.count])))
            rest = rest.dropFirst(cuts[index % cuts.count])
        }
        #expect(decisions.map(\.sequence) == [3, 6, 9])
        #expect(decisions.map(\.probabilities) == [0, 3, 6].map { answer(Array(values[$0..<($0 + 3)])) })
        #expect(try feed.send("s", [1], .end).map(\.probabilities) == [answer([values[9], 1])])
    }

    @Test func `emit change publishes a sequence if its label differs from the previous one`() throws {
        let sequences = (0..<30).map { signal(4, from: Float(7 * $0)) }
        let answers = sequences.map { answer($0)[0] }
        let middle = answers.sorted()[15]
        let feed = feed(.change, threshold: .init(both: middle))
        var label: UInt8?
        var changes = 0
        for (sequence, answer) in zip(sequences, answers) {
            let decisions = try feed.send("s", sequence, .end)
            let newLabel: UInt8 = answer >= middle ? 1 : 0
            #expect(decisions.map(\.label) == (newLabel == label ? [] : [newLabel]))
            changes += newLabel == label ? 0 : 1
            label = newLabel
        }
        #expect(changes > 2 && changes < 30)
    }

    @Test func `the label does not depend on earlier sequences`() throws {
        let values = signal(4)
        let p = answer(values)[0]
        let feed = feed(threshold: try #require(.init(rise: p.nextUp, fall: 0)))
        let high = try #require((1..<40).map { signal(4, from: Float($0)) }.first { answer($0)[0] > p.nextUp })
        #expect(try feed.send("s", high, .end).map(\.label) == [1])
        #expect(try feed.send("s", values, .end).map(\.label) == [0])
    }

    @Test func `a start flag, a gap and a reset request discard the timesteps so far`() throws {
        let feed = feed(gap: .reset)
        let values = signal(4, from: 20)
        let resets: [() throws -> [Decision]] = [
            { try feed.send("s", values, [.start, .end]) }, { try feed.send("s", values, sequence: 100, .end) },
            {
                _ = try feed.table.reset(.stream("s"))
                return try feed.send("s", values, .end)
            },
        ]
        for reset in resets {
            try feed.send("s", signal(6))
            let decisions = try reset()
            #expect(decisions.map(\.step) == [4])
            #expect(decisions.map(\.probabilities) == [answer(values)])
        }
    }

    @Test(arguments: [1, 2, 5, 7, 12])
    func `a sequence that becomes too long is dropped, but the next one is decided`(length: Int) throws {
        let feed = feed(maximum: 5)
        let (decisions, dropped) = try send(feed, signal(12), by: length)
        #expect(decisions.isEmpty)
        #expect(dropped == [1: 7, 2: 4, 5: 2, 7: 2, 12: 1][length])
        #expect(feed.table.counters.dropped[.tooLong] == UInt64(dropped))
        #expect(feed.table.counters.timesteps == 12)
        #expect(try feed.image("s")?.sequence == 12 && feed.image("s")?.step == 0)

        let next = signal(5, from: 30)
        #expect(try send(feed, next, by: length).decisions.map(\.probabilities) == [answer(next)])
        #expect(feed.table.counters.dropped[.tooLong] == UInt64(dropped))
    }

    @Test func `a start flag begins a new sequence after a dropped one`() throws {
        let feed = feed(maximum: 5)
        #expect(throws: DropCause.tooLong) { try feed.send("s", signal(6)) }
        let values = signal(3, from: 9)
        #expect(try feed.send("s", values, [.start, .end]).map(\.probabilities) == [answer(values)])
    }

    @Test func `a sequence that becomes too long while it waits is dropped`() throws {
        let feed = feed(maximum: 5)
        try feed.send("s", signal(4))
        _ = try feed.table.pause(.all)
        try feed.send("s", signal(2), .end)
        try feed.send("s", signal(3), .end)
        let decisions = try feed.resume(.all).flatMap(\.decisions)
        #expect(decisions.map(\.probabilities) == [answer(signal(3))])
        #expect(feed.table.counters.dropped[.tooLong] == 1)
    }

    @Test(arguments: 0...11)
    func `a sequence continues from its image at any position`(place: Int) throws {
        let values = signal(12)
        let before = feed(length: 10)
        if place > 0 { try before.send("s", Array(values[..<place])) }
        let images = try before.images()
        let after = feed(length: 10)
        try after.table.restore(images)
        #expect(try after.images() == images)
        #expect(images.allSatisfy { $0.fingerprint == "fingerprint of m:sequence" })
        #expect(images.allSatisfy { $0.values.count == place % 10 + 1 })
        let decisions = try after.send("s", Array(values[place...]), .end)
        let expected = (place < 10 ? [answer(Array(values[..<10]))] : []) + [answer(Array(values[10...]))]
        #expect(decisions.map(\.probabilities) == expected)
    }

    @Test func `a dropped sequence stays dropped in its image, even if longer ones are allowed later`() throws {
        let before = feed(maximum: 5)
        #expect(throws: DropCause.tooLong) { try before.send("s", signal(6)) }
        let images = try before.images()
        #expect(images.map(\.step) == [6])
        #expect(images.map(\.values.count) == [1])
        let after = feed(maximum: 100)
        try after.table.restore(images)
        #expect(throws: DropCause.tooLong) { try after.send("s", signal(1), .end) }
        #expect(try after.send("s", signal(4), .end).map(\.probabilities) == [answer(signal(4))])
    }

    @Test func `a sequence is dropped if its image is longer than the current limit`() throws {
        let before = feed(maximum: 10)
        try before.send("s", signal(8))
        let after = feed(maximum: 5)
        try after.table.restore(before.images())
        #expect(throws: DropCause.tooLong) { try after.send("s", signal(1), .end) }
        #expect(try after.send("s", signal(5), .end).map(\.probabilities) == [answer(signal(5))])
    }

    @Test func `an image that lacks a part of the sequence is refused`() throws {
        let before = feed()
        try before.send("s", signal(4))
        for change: (inout StreamImage) -> Void in [{ $0.values.removeLast() }, { $0.step = 5 }, { $0.values = [] }] {
            var image = try #require(try before.image("s"))
            change(&image)
            let error = try #require(throws: StreamsError.self) {
                try feed().table.restore([image])
            }
            #expect(error.cause == .otherState)
        }
        var window = try #require(try before.image("s"))
        window.fingerprint = "fingerprint of m:window:4"
        let error = try #require(throws: StreamsError.self) { try feed().table.restore([window]) }
        #expect(error.cause == .mode)
    }

    @Test(arguments: [(4, 1), (3, 5)])
    func `a window may be a complete sequence`(length: Int, stride: Int) throws {
        let window = try #require(ServingPolicy.Window(length: length, stride: stride))
        let feed = Feed(served(model, ServingPolicy(mode: .window(window))))
        let values = signal(20)
        let decisions = try feed.send("s", values)
        let ends = Array(Swift.stride(from: length, through: 20, by: stride))
        #expect(decisions.map(\.probabilities) == ends.map { answer(Array(values[($0 - length)..<$0])) })
    }
}

@Suite struct `A model that needs whole sequences` {
    static let refused: [(ServingPolicy, Int?, ServingError.Code, String)] = [
        (ServingPolicy(mode: .stateful), nil, .mode, "window:LENGTH:STRIDE"),
        (ServingPolicy(mode: .sequence, emit: .every), nil, .emit, "final or change"),
        (ServingPolicy(mode: .sequence, emit: .last), nil, .emit, "final or change"),
        (ServingPolicy(mode: .sequence, emit: .final, maximumLength: 19), 20, .maximumLength, "max_length of 20"),
        (ServingPolicy(mode: .sequence, emit: .final), 65_537, .maximumLength, "max_length of 65537"),
    ]

    @Test(arguments: refused)
    func `a policy that needs a state is refused with named alternatives, but not for other models`(
        policy: ServingPolicy, length: Int?, code: ServingError.Code, remedy: String
    ) throws {
        let error = try #require(throws: ServingError.self) {
            try policy.check(ServableModel(try twoWayModel(), sequenceLength: length))
        }
        #expect(error.code == code)
        #expect(error.description.contains(remedy))
        #expect(throws: Never.self) { try policy.check(ServableModel(try livelyModel(), sequenceLength: length)) }
    }

    @Test func `sequences and windows of any storable length are allowed`() throws {
        let model = try twoWayModel()
        let window = try #require(ServingPolicy.Window(length: 65_536, stride: 1))
        for policy in [
            ServingPolicy(mode: .sequence, emit: .final), ServingPolicy(mode: .sequence, emit: .change),
            ServingPolicy(mode: .sequence, emit: .final, maximumLength: 16_777_216),
            ServingPolicy(mode: .window(window), emit: .every), ServingPolicy(mode: .window(window), emit: .last),
        ] {
            #expect(throws: Never.self) { try policy.check(ServableModel(model)) }
        }
        let long = ServingPolicy(mode: .sequence, emit: .final, maximumLength: 16_777_216)
        let error = try #require(throws: ServingError.self) {
            try long.check(ServableModel(try twoWayModel(features: 8)))
        }
        #expect(error.code == .size)
        #expect(error.description.contains("15625000"))
    }

    @Test func `pooling over the timesteps of each call is refused in stateful mode`() throws {
        let model = try Model(layers: [GlobalAveragePooling(units: 1)])
        for mode in [ServingPolicy.Mode.sequence, .stateful] {
            #expect(throws: Never.self) { try ServingPolicy(mode: mode).check(ServableModel(model)) }
        }
        let error = try #require(throws: ServingError.self) {
            try ServingPolicy(mode: .stateful).check(ServableModel(model, isStateful: true))
        }
        #expect(error.code == .mode)
        #expect(error.description.contains("sequence or window"))
    }

    @Test func `a model that answers every timestep may publish every decision at the end of a sequence`() throws {
        let model = ServableModel(try twoWayModel(), answersEveryTimestep: true)
        for emit in ServingPolicy.Emit.allCases {
            #expect(throws: Never.self) { try ServingPolicy(mode: .sequence, emit: emit).check(model) }
        }
        #expect(model.refusal(of: .stateful)?.code == .mode)
    }
}
