import Streams
import Testing
import Wire

/// Tests the publication, label and flags of decisions. The models' outputs equal their inputs.
@Suite struct `The decision rule` {
    private func feed(_ policy: ServingPolicy, width: Int = 1) throws -> Feed {
        Feed(served(try echo(width), policy))
    }

    static let values: [Float] = [0.1, 0.2, 0.9, 0.8, 0.3]

    @Test(
        arguments: [
            (.every, [1, 2, 3, 4, 5], [6, 7, 8, 9, 10]), (.last, [5], [10]), (.change, [1, 3, 5], [8, 10]),
            (.final, [], [10]),
        ] as [(ServingPolicy.Emit, [UInt64], [UInt64])])
    func `the emit policy selects the published decisions`(
        emit: ServingPolicy.Emit, first: [UInt64], second: [UInt64]
    ) throws {
        let feed = try feed(ServingPolicy(emit: emit))
        #expect(try feed.send("s", Self.values).map(\.sequence) == first)
        #expect(try feed.send("s", Self.values, .end).map(\.sequence) == second)
        #expect(feed.table.counters.timesteps == 10)
        #expect(feed.table.counters.decisions == UInt64(first.count + second.count))
        #expect(feed.table.changedCount == 1)
    }

    @Test func `a record has the time, the outputs and the position in the stream`() throws {
        let feed = try feed(ServingPolicy())
        let decisions = try feed.send("s", [0.25, 0.75], time: 123)
        #expect(
            decisions == [
                Decision(
                    sequence: 1, step: 1, time: 123, flags: [.first, .changed], label: 0, probabilities: [0.25]),
                Decision(sequence: 2, step: 2, time: 123, flags: [.changed], label: 1, probabilities: [0.75]),
            ])
    }

    @Test func `the changed flag compares with the previous decision, across messages and resets`() throws {
        let feed = try feed(ServingPolicy())
        let changed = try
            (feed.send("s", Self.values, .end) + feed.send("s", [0.4, 0.6], .start) + feed.send("s", [1]))
            .map { $0.flags.contains(.changed) }
        #expect(changed == [true, false, true, false, true, false, true, false])
    }

    @Test func `the changed flag also compares with unpublished decisions`() throws {
        let feed = try feed(ServingPolicy(emit: .last))
        let decisions = try feed.send("s", [0.9, 0.1]) + feed.send("s", [0.9, 0.2]) + feed.send("s", [0.1])
        #expect(decisions.map(\.label) == [0, 0, 0])
        #expect(decisions.map { $0.flags.contains(.changed) } == [true, true, false])
    }

    @Test(
        arguments: [
            (0.5, 0.5, [0, 1, 1, 0]), (0.6, 0.4, [0, 0, 1, 1]), (1, 1, [0, 0, 0, 0]), (0, 0, [1, 1, 1, 1]),
            (0.61, 0, [0, 0, 0, 0]),
        ] as [(Float, Float, [UInt8])])
    func `the label rises at one threshold and falls below the other`(
        rise: Float, fall: Float, labels: [UInt8]
    ) throws {
        let threshold = try #require(ServingPolicy.Threshold(rise: rise, fall: fall))
        let feed = try feed(ServingPolicy(threshold: threshold))
        let decisions = try feed.send("s", [0.4, 0.5, 0.6, 0.4])
        #expect(decisions.map(\.label) == labels)
    }

    @Test func `the label is 1 at the rise threshold, and 0 just below the fall threshold`() throws {
        let threshold = try #require(ServingPolicy.Threshold(rise: 0.6, fall: 0.4))
        let feed = try feed(ServingPolicy(threshold: threshold))
        let decisions = try feed.send("s", [Float(0.6).nextDown, 0.6, 0.4, Float(0.4).nextDown, Float(0.6).nextDown])
        #expect(decisions.map(\.label) == [0, 1, 1, 0, 0])
    }

    @Test func `between the thresholds, the label does not depend on the previous sequence`() throws {
        let threshold = try #require(ServingPolicy.Threshold(rise: 0.6, fall: 0.4))
        let feed = try feed(ServingPolicy(threshold: threshold))
        #expect(try feed.send("s", [0.9, 0.5]).map(\.label) == [1, 1])
        #expect(try feed.send("s", [0.5, 0.5], .start).map(\.label) == [0, 0])
        try feed.send("s", [0.9], .end)
        #expect(try feed.send("s", [0.5]).map(\.label) == [0])
        try feed.send("s", [0.9])
        _ = try feed.table.reset(.stream("s"))
        let afterReset = try feed.send("s", [0.5])
        #expect(afterReset.map(\.label) == [0])
        #expect(afterReset.map { $0.flags.contains(.changed) } == [true])
    }

    @Test(
        arguments: [
            ([0.1, 0.7, 0.2], 1), ([0.3, 0.3, 0.3], 0), ([0.1, 0.2, 0.2], 1), ([-3, -2, -1], 2), ([0.9, 0.1, 0.8], 0),
        ] as [([Float], UInt8)])
    func `the label of several outputs is the index of the first largest output`(values: [Float], label: UInt8) throws {
        let feed = try feed(ServingPolicy(), width: 3)
        let decisions = try feed.send("s", values)
        #expect(decisions.map(\.label) == [label])
        #expect(decisions.map(\.probabilities) == [values])
    }

    @Test(arguments: [(0.4, 0.6), (.infinity, 0.5), (0.5, -.infinity), (.nan, 0.5), (0.5, .nan)] as [(Float, Float)])
    func `invalid thresholds cannot be created`(rise: Float, fall: Float) {
        #expect(ServingPolicy.Threshold(rise: rise, fall: fall) == nil)
    }

    @Test func `emit change publishes a stream's first decision, whatever its label`() throws {
        let feed = try feed(ServingPolicy(emit: .change))
        #expect(try feed.send("low", [0.1, 0.1]).map(\.label) == [0])
        #expect(try feed.send("high", [0.9, 0.9]).map(\.label) == [1])
        #expect(try feed.send("low", [0.2]).isEmpty)
    }
}
