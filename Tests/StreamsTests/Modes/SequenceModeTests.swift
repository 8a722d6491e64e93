import Streams
import TestSupport
import Testing
import Wire

@Suite struct `Sequence mode` {
    private let values: [Float] = [0.5, -1, 2, 0.25, 0.125, -0.5, 1, 0.75, -2, 0.1]

    private func feed(_ emit: ServingPolicy.Emit = .final, length: Int? = 3) throws -> Feed {
        Feed(served(try livelyModel(), ServingPolicy(mode: .sequence, emit: emit), sequenceLength: length))
    }

    @Test func `a message may contain the ends of several sequences`() throws {
        let decisions = try feed().send("s", values)
        #expect(decisions.map(\.sequence) == [3, 6, 9])
        #expect(decisions.map(\.step) == [3, 3, 3])
        #expect(decisions.allSatisfy { $0.flags.contains(.final) })
    }

    @Test(arguments: [[1], [2], [3], [4, 1], [10]])
    func `each sequence is decided as if it were alone, whatever the sizes of its messages`(cuts: [Int]) throws {
        let feed = try feed()
        var decisions: [Decision] = []
        var rest = values[...]
        for index in 0... {
            guard !rest.isEmpty else { break }
            decisions += try feed.send("s", Array(rest.prefix(cuts[index % cuts.count])))
            rest = rest.dropFirst(cuts[index % cuts.count])
        }
        for (number, decision) in decisions.enumerated() {
            let alone = try self.feed().send("alone", Array(values[(3 * number)..<(3 * number + 3)]))
            #expect(decision.probabilities == alone.first?.probabilities)
        }
        #expect(decisions.count == 3)
    }

    @Test func `the end flag ends a sequence early, and is the only end of a sequence without a fixed length`() throws {
        #expect(try feed().send("s", [1, 2], .end).map(\.step) == [2])
        let open = try feed(length: nil)
        #expect(try open.send("s", values).isEmpty)
        #expect(try open.send("s", values, .end).map(\.step) == [20])
        #expect(try open.send("s", [1], .end).map(\.step) == [1])
    }

    @Test func `a stateful model continues past the length of its input`() throws {
        let feed = Feed(served(try livelyModel(), ServingPolicy(mode: .stateful), sequenceLength: 3))
        #expect(try feed.send("s", values).map(\.step) == Array(1...10))
    }

    @Test func `emit every publishes a decision on each prefix of a sequence`() throws {
        let decisions = try feed(.every).send("s", values)
        #expect(decisions.map(\.step) == [1, 2, 3, 1, 2, 3, 1, 2, 3, 1])
        #expect(decisions.map { $0.flags.contains(.first) } == decisions.map { $0.step == 1 })
    }

    @Test(arguments: [3, 4, 1_000, UInt64.max])
    func `a state that is already past the sequence length continues until the end flag`(step: UInt64) throws {
        let stateful = Feed(served(try livelyModel(), ServingPolicy(mode: .stateful), sequenceLength: 3))
        try stateful.send("s", values)
        var image = try #require(try stateful.image("s"))
        image.step = step - 1
        let feed = try feed(.every)
        try feed.table.restore([image])
        // If the state is one timestep short of the sequence length, the first timestep ends the sequence. If the state
        // has already reached the length, the sequence ends only at the end flag.
        let ends = step == 3
        #expect(try feed.send("s", [1, 2], .end).map { $0.flags.contains(.final) } == [ends, true])
        #expect(try feed.send("s", [1]).map(\.step) == [1])
    }
}
