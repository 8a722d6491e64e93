import Foundation
import Testing

@testable import Client

/// Tests the figures of a training's live page without a server.
@Suite struct `A run on the live page` {
    private struct Shown: Decodable {
        let epoch, epochs, stride: Int
        let part: Double
        let rate: Double?
        let metrics: [String]
        let series: [String: [Double?]]
    }

    private func shown(_ run: LiveRun) throws -> Shown {
        try JSONDecoder().decode(Shown.self, from: JSONEncoder().encode(run))
    }

    @Test func `the metrics of several trainings are shown as their means`() throws {
        var run = LiveRun("m", epochs: 2, sequences: 10, trainings: 3)
        for (training, loss) in [0.25, 0.75, 2].enumerated() {
            run.add([("loss", loss), ("accuracy", training == 2 ? .nan : 0.5)], of: 1)
        }
        run.add([("loss", 0.125), ("accuracy", nil)], of: 2)
        for (training, part) in [1, 0.5, 0].enumerated() { run.update(training, part: part) }
        let shown = try shown(run)
        #expect(shown.metrics == ["loss", "accuracy"])
        #expect(shown.series == ["loss": [1, 0.125], "accuracy": [0.5, nil]])
        // Three of six epochs are done, so the fourth is under way.
        #expect(shown.part == 0.5 && shown.epoch == 4 && shown.epochs == 6)
    }

    @Test func `a training that goes on has no values for the epochs before`() throws {
        var run = LiveRun("m", epochs: 4, done: 2, sequences: 10)
        run.add([("loss", 0.5)], of: 3)
        run.update(part: 0.5)
        let shown = try shown(run)
        #expect(shown.series == ["loss": [nil, nil, 0.5]])
        #expect(shown.epoch == 4)
    }

    @Test func `a long training is shown with every second epoch, then with every fourth`() throws {
        var run = LiveRun("m", epochs: 2_500, sequences: 1)
        for epoch in 1...2_500 { run.add([("loss", Double(epoch))], of: epoch) }
        let shown = try shown(run)
        #expect(shown.stride == 4)
        #expect(shown.series["loss"] == stride(from: 1.0, through: 2_500, by: 4).map { $0 })
    }

    @Test func `the rate is that of the time between two events`() throws {
        var run = LiveRun("m", epochs: 10, sequences: 100)
        run.measureRate(at: 5)
        #expect(try shown(run).rate == nil)
        run.update(part: 0.25)
        run.measureRate(at: 7)
        #expect(try shown(run).rate == 125)
        run.measureRate(at: 8)
        #expect(try shown(run).rate == 0)
    }

    private static let values: [(Double, Double)] = [
        (1.0 / 3, 0.333333), (123_456_789.4, 123_456_789), (2.5e-9, 2.5e-9), (0, 0), (-1.0 / 3, -0.333333),
    ]

    @Test(arguments: values)
    func `values are shown with six digits or more`(value: Double, expected: Double) throws {
        var run = LiveRun("m", epochs: 1, sequences: 1)
        run.add([("loss", value)], of: 1)
        #expect(try shown(run).series == ["loss": [expected]])
    }
}
