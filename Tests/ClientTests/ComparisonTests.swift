import Testing

@testable import Client

@Suite struct `The recommendation of a comparison` {
    private func result(
        _ pattern: String, accuracy: [Double], settled: Int? = nil, parameters: Int = 491
    ) -> PatternResult {
        PatternResult(
            pattern: pattern, model: "", loss: SeedFigures([0.2]), accuracy: SeedFigures(accuracy), curve: nil,
            settled: settled, decisions: .none, parameters: parameters, trainingSeconds: 1, nanoseconds: 1,
            stateBytes: 1, trainingLosses: [])
    }

    @Test func `a pattern is recommended if no other comes within the spread of its accuracy`() {
        let results = [
            result("sequence", accuracy: [0.80, 0.82], settled: 3),
            result("stateful", accuracy: [0.95, 0.96], settled: 24, parameters: 10_000),
        ]
        let found = Recommendation(results, longest: 24)
        #expect(found.pattern == "stateful")
        #expect(
            found.sentence
                == "take stateful: its accuracy of 0.9550 is the best, and no other is within its spread of 0.0071")
    }

    @Test func `among patterns within the spread of the best one, the earliest is recommended`() {
        let results = [
            result("sequence", accuracy: [0.94, 0.95], settled: 9),
            result("stateful", accuracy: [0.70, 0.71], settled: 2),
            result("dense-first", accuracy: [0.94, 0.96], settled: 17, parameters: 1459),
        ]
        let found = Recommendation(results, longest: 24)
        #expect(found.pattern == "sequence")
        #expect(
            found.sentence == "take sequence: its accuracy of 0.9450 equals that of dense-first (0.9500) within the "
                + "spread of 0.0141, and it decides earlier: after 9 timesteps instead of 17")
    }

    @Test func `among equally early patterns, the one with the fewest parameters is recommended`() {
        let results = [
            result("tokens-both-ways", accuracy: [0.93, 0.95], parameters: 11_781),
            result("tokens", accuracy: [0.93, 0.94], settled: 20, parameters: 6211),
        ]
        let found = Recommendation(results, longest: 20)
        #expect(found.pattern == "tokens")
        #expect(found.sentence.hasSuffix("and it has the fewest parameters, 6,211"))
    }

    @Test func `a single pattern is recommended`() {
        let found = Recommendation([result("tokens", accuracy: [0.9])], longest: 20)
        #expect(found.sentence == "take tokens: its accuracy of 0.9000 is the best, and it is the only pattern here")
    }

    @Test(arguments: [
        ([0.5, 0.9, 0.95, 0.951], 3), ([0.95, 0.5, 0.951], 3), ([0.9, 0.9], 1), ([0.94, 0.95], 1), ([0.97, 0.95], 2),
    ])
    func `a curve is settled once it stays within 0.01 of its end`(curve: [Double], timesteps: Int) {
        #expect(PatternResult.settled(curve) == timesteps)
    }

    @Test func `the spread is the standard deviation of a sample`() {
        let figures = SeedFigures([2, 4, 4, 4, 5, 5, 7, 9])
        #expect(figures.mean == 5)
        #expect(abs(figures.deviation - (32.0 / 7).squareRoot()) < 1e-12)
        #expect(SeedFigures([3]).deviation == 0)
    }
}

@Suite struct `The held-out part` {
    private let labels: [Float] = (0..<50).map { $0 % 5 == 0 ? 1 : 0 }

    @Test func `the same share of each class is held out, and no sequence is in both parts`() throws {
        let parts = try HeldOutPart(labels: labels, part: 0.2, seed: 1, name: "data.csv")
        #expect(parts.heldOut.count == 10)
        #expect(parts.heldOut.count { labels[$0] == 1 } == 2)
        #expect((parts.training + parts.heldOut).sorted() == Array(0..<50))
    }

    @Test func `a seed always selects the same part, and another seed selects a different part`() throws {
        let parts = try [1, 1, 2].map { try HeldOutPart(labels: labels, part: 0.2, seed: $0, name: "data.csv") }
        #expect(parts[0] == parts[1])
        #expect(parts[0] != parts[2])
    }

    @Test(arguments: [(0.01, "leaves none to judge the models"), (0.99, "leaves none to train them")])
    func `a part that lacks one of the classes is refused`(part: Double, words: String) {
        let error = #expect(throws: ClientError.self) {
            try HeldOutPart(labels: labels, part: part, seed: 1, name: "data.csv")
        }
        #expect(error?.status == .data)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }
}
