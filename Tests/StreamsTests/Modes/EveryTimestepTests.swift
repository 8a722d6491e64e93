import Recurrent
import Streams
import TestSupport
import Testing
import Wire

/// Tests with a model that answers every timestep, but only when the sequence is complete.
@Suite struct `A model that answers every timestep at the end` {
    private let model: Model

    init() throws {
        model = try taggerModel()
    }

    private func feed(_ emit: ServingPolicy.Emit, threshold: ServingPolicy.Threshold = .half) throws -> Feed {
        let policy = ServingPolicy(mode: .sequence, emit: emit, threshold: threshold)
        try policy.check(ServableModel(model, answersEveryTimestep: true))
        return Feed(served(model, policy, answersEveryTimestep: true))
    }

    /// Returns the engine's outputs for the sequence, computed without a table, shape (timesteps, 1).
    private func answers(_ values: [Float]) -> [[Float]] {
        let runner = SequenceRunner(model: model)
        let outputs = runner.everyOutput(for: values.span)
        return outputs.indices.map { [outputs[$0]] }
    }

    @Test(arguments: [1, 2, 7, 20])
    func `the end of a sequence decides on each timestep, whatever the sizes of the messages`(length: Int) throws {
        let feed = try feed(.every)
        for start: Float in [0, 50] {
            let values = signal(20, from: start)
            var decisions: [Decision] = []
            for first in stride(from: 0, to: 20, by: length) {
                #expect(decisions.isEmpty)
                let part = Array(values[first..<min(20, first + length)])
                decisions += try feed.send("s", part, first + length >= 20 ? .end : [])
            }
            #expect(decisions.map(\.probabilities) == answers(values))
            #expect(decisions.map(\.step) == Array(1...20))
            #expect(decisions.map(\.sequence) == Array(start == 0 ? 1...20 : 21...40))
            #expect(decisions.map { $0.flags.contains(.first) } == (1...20).map { $0 == 1 })
            #expect(decisions.map { $0.flags.contains(.final) } == (1...20).map { $0 == 20 })
        }
    }

    @Test func `emit selects among the decisions on the timesteps of a sequence`() throws {
        let values = signal(20)
        let every = try feed(.every).send("s", values, .end)
        let changed = try feed(.change).send("s", values, .end)
        let last = try feed(.last).send("s", values, .end)
        let final = try feed(.final).send("s", values, .end)
        #expect(changed.map(\.step) == every.filter { $0.flags.contains(.changed) }.map(\.step))
        #expect((2..<20).contains(changed.count))
        #expect(last == final && final == every.suffix(1))
    }

    @Test func `between two thresholds, a timestep has the label of the previous timestep`() throws {
        let values = signal(20)
        let outputs = answers(values).map { $0[0] }
        let (low, high) = (try #require(outputs.min()), try #require(outputs.max()))
        let threshold = try #require(
            ServingPolicy.Threshold(rise: low + 0.7 * (high - low), fall: low + 0.3 * (high - low)))
        var label = false
        let expected = outputs.map { output in
            label = threshold.isReached(by: output, after: label)
            return label ? 1 : 0
        }
        #expect(try feed(.every, threshold: threshold).send("s", values, .end).map { Int($0.label) } == expected)
    }

    @Test func `after a gap within a sequence, the numbers count back from its end`() throws {
        let feed = try feed(.every)
        #expect(try feed.send("s", [1, 2], sequence: 1).isEmpty)
        let decisions = try feed.send("s", [3], sequence: 10, .end)
        #expect(decisions.map(\.sequence) == [8, 9, 10])
        #expect(decisions.map(\.probabilities) == answers([1, 2, 3]))
        #expect(decisions.map { $0.flags.contains(.gap) } == [true, false, false])
    }
}
