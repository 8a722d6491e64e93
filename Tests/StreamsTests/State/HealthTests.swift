import Recurrent
import Streams
import TestSupport
import Testing
import Wire

/// Tests states that become NaN or infinite, and the counters of a stream.
@Suite struct `A state that becomes infinite` {
    /// Returns an unbounded SimpleRNN, `h = 2·h + x`, whose state outgrows float32 even without further inputs.
    private func unbounded() throws -> Model {
        try Model(layers: [
            SimpleRNN(
                units: 1, activation: .linear, kernel: Tensor(shape: [1, 1], values: [1]),
                recurrentKernel: Tensor(shape: [1, 1], values: [2]), bias: nil)
        ])
    }

    private func feed(_ fault: ServingPolicy.Fault = .zero) throws -> Feed {
        Feed(served(try unbounded(), ServingPolicy(fault: fault)))
    }

    @Test func `an infinite state is reset to zero before the next timestep, and other streams stay unchanged`() throws
    {
        let feed = try feed()
        try feed.send("other", [1])
        let other = try feed.image("other")
        let decisions = try feed.send("s", [3e38, 1], time: 7)

        #expect(decisions.map { $0.probabilities[0] } == [3e38, .infinity])
        let next = try #require(try feed.send("s", [0.5]).first)
        #expect(next.probabilities == [0.5] && next.step == 1 && next.sequence == 3)
        #expect(feed.table.counters.quarantined == 1)
        #expect(try feed.table.status(of: "s", time: 0).tally.quarantined == 1)
        #expect(try feed.image("other") == other)
        var event = StreamEvent(.quarantined, .stream("s"), time: 7)
        event.sequence = 2
        event.to = "zero"
        #expect(feed.table.takeEvents() == [event])
        #expect(feed.table.takeEvents().isEmpty)
    }

    @Test func `an infinite state returns to its last checkpoint, and later timesteps wait meanwhile`() throws {
        let feed = try feed(.checkpoint)
        feed.table.hasStore = true
        try feed.send("s", [1, 1])
        let checkpoint = feed.takeChanged()
        #expect(try feed.send("s", [3e38, 3e38]).count == 2)
        #expect(feed.table.takeEvents().map(\.to) == ["checkpoint"])
        #expect(try feed.send("s", [1]).isEmpty, "the checkpoint has not been read yet")
        #expect(feed.takeChanged().isEmpty, "an invalid state is not stored")

        let (after, lost) = feed.wake(feed.table.takeWakeRequests(), checkpoint)

        // At the checkpoint, h was 3, so the output is 2·3 + 1.
        #expect(after.map { [$0.probabilities[0], Float($0.step), Float($0.sequence)] } == [[7, 3, 5]])
        #expect(lost.isEmpty)
        #expect(feed.takeChanged().map(\.sequence) == [5])
    }

    @Test func `without a checkpoint, the state begins at zero, even after faults in waiting timesteps`() throws {
        let feed = try feed(.checkpoint)
        feed.table.hasStore = true
        try feed.send("s", [3e38, 3e38])
        try feed.send("s", [3e38, 3e38])
        try feed.send("s", [2])
        var after: [[Decision]] = []
        var told: [[StreamEvent.Kind]] = []
        for _ in 0..<2 {
            after.append(feed.wake(feed.table.takeWakeRequests(), []).decisions)
            told.append(feed.table.takeEvents().map(\.event))
        }
        #expect(after.map { $0.map(\.sequence) } == [[3, 4], [5]])
        #expect(told == [[.quarantined, .quarantined], []])
        #expect(after.last?.first?.probabilities == [2])
        #expect(feed.table.counters.quarantined == 2)
    }

    @Test func `a new stream does not return to the checkpoint of a removed stream with its id`() throws {
        let feed = try feed(.checkpoint)
        feed.table.hasStore = true
        try feed.send("s", [1, 1])
        _ = feed.takeChanged()
        _ = try feed.table.remove(.stream("s"))
        try feed.send("s", [3e38, 3e38])
        #expect(feed.table.takeEvents().map(\.to) == ["zero"])
        #expect(feed.table.takeWakeRequests().isEmpty)
        #expect(try feed.send("s", [2]).first?.probabilities == [2])
    }

    @Test(arguments: ServingPolicy.Fault.allCases, [1, 2, 3, 7, 11])
    func `a fault has the same outcome whatever the sizes of messages`(fault: ServingPolicy.Fault, size: Int) throws {
        let timesteps: [Float] = [1, 2, 3e38, 1, 5, 3e38, 3e38, 2, 3, 1, 4]
        let decisions = try [1, size].map { size in
            let feed = try feed(fault)
            feed.table.hasStore = true
            try feed.send("s", [0.5])
            let checkpoint = feed.takeChanged()
            var decisions: [Decision] = []
            for start in stride(from: 0, to: timesteps.count, by: size) {
                let message = Array(timesteps[start..<min(start + size, timesteps.count)])
                decisions += try feed.send("s", message)
                while case let asleep = feed.table.takeWakeRequests(), !asleep.isEmpty {
                    decisions += feed.wake(asleep, checkpoint).decisions
                }
            }
            #expect(feed.table.counters.quarantined == 2)
            #expect(feed.table.counters.timesteps == 12)
            return decisions.map { "\($0.sequence) \($0.step) \($0.probabilities[0].bitPattern)" }
        }
        #expect(decisions[0].count == timesteps.count)
        #expect(decisions[0] == decisions[1])
    }

    @Test(arguments: [.nan, .infinity] as [Float])
    func `a state with a NaN or an infinity is not restored`(value: Float) throws {
        let feed = try feed()
        try feed.send("s", [1])
        let before = try #require(try feed.image("s"))
        var image = before
        image.values[0] = value
        let error = try #require(throws: StreamsError.self) { try feed.table.restore([image]) }
        #expect(error.cause == .otherState)
        #expect(try feed.image("s") == before)
    }

    @Test func `a mean of only masked timesteps is NaN, but not a fault`() throws {
        let model = try Model(layers: [Masking(units: 1, value: 0), GlobalAveragePooling(units: 1)])
        let feed = Feed(served(model, ServingPolicy(mode: .stateful)))
        #expect(try feed.send("s", [0, 0]).allSatisfy { $0.probabilities[0].isNaN })
        #expect(feed.table.counters.quarantined == 0)
        #expect(try feed.send("s", [4]).last?.probabilities == [4])
    }

    @Test func `gaps and duplicates are counted stream by stream`() throws {
        let feed = Feed(served(try livelyModel()))
        try feed.send("a", signal(5))
        try feed.send("a", signal(5), sequence: 3)
        try feed.send("a", signal(1), sequence: 20)
        try feed.send("b", signal(1))
        #expect(try feed.table.status(of: "a", time: 0).tally == StreamTally(gaps: 1, duplicates: 3))
        #expect(try feed.table.status(of: "b", time: 0).tally == StreamTally())
        #expect(feed.table.counters.gaps == 1 && feed.table.counters.duplicates == 3)
        _ = try feed.table.remove(.stream("a"))
        try feed.send("c", signal(1))
        #expect(
            try feed.table.status(of: "c", time: 0).tally == StreamTally(), "the slot belongs to another stream now")
    }
}
