import Foundation
import Testing
import Wire

/// Tests the answers to `stream` and `streams` for an unbounded model.
@Suite struct `The status of a stream` {
    static let probabilities: [(outputs: [Float], json: String)] = [
        ([0.5], "0.5"), ([.nan], "null"), ([.infinity], "null"), ([-.infinity], "null"),
        ([0.5, 0.25], "[0.5,0.25]"), ([0.5, .nan], "[0.5,null]"),
    ]

    @Test(arguments: probabilities)
    func `an output that JSON cannot express is null, which keeps the rest of the answer valid`(
        outputs: [Float], json: String
    ) throws {
        let status = StreamStatus(
            stream: "s", model: "m", sequence: 1, step: 1, probability: StreamStatus.Probability(outputs), label: 0,
            idleSeconds: 0, paused: false)

        let text = try JSONEncoder().encode(status)

        #expect(String(decoding: text, as: UTF8.self).contains("\"probability\":\(json)"))
        let read = try JSONDecoder().decode(StreamStatus.self, from: text)
        #expect(read.probability.values.map(\.isFinite) == outputs.map(\.isFinite))
    }
}
