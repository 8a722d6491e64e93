import Foundation
import TestSupport
import Testing

/// Sequences from a reference file, with Keras' answer after each timestep that has one.
struct KerasAnswers {
    /// The name, values and answers of each stream, in the order of the file.
    let streams: [(name: String, values: [Float], answers: [Float])]

    init(_ path: String) throws {
        var streams: [(name: String, values: [Float], answers: [Float])] = []
        for row in try Fixtures.rows(path) {
            let name = try #require(row["stream"])
            if streams.last?.name != name { streams.append((name, [], [])) }
            streams[streams.count - 1].values.append(try #require(row["x0"].flatMap(Float.init)))
            // A model that needs whole sequences has answers only at the ends of sequences.
            let answer = try #require(row["probability"])
            if !answer.isEmpty { streams[streams.count - 1].answers.append(try #require(Float(answer))) }
        }
        self.streams = streams
    }
}

/// The largest accepted difference from Keras' answer.
let tolerance: Float = 1e-5

/// The model that most tests serve.
let model2 = Fixtures.url("reference/model2.keras").path

/// Values in the range of model2's training data. They are the same in every run.
func values(_ count: Int, seed: Int = 1) -> [Float] {
    (0..<count).map { Float(sin(Double($0 * seed) * 0.7 + Double(seed)) * 1.5) }
}
