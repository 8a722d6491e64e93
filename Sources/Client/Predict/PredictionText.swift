import Wire

/// Answers as lines of text.
package enum PredictionText: String, CaseIterable, Sendable {
    /// Comma-separated values under a header, with one column per output.
    case csv
    /// One JSON object per line.
    case json

    /// Returns the header line; nil if there is none.
    func header(outputs: Int) -> String? {
        switch self {
        case .csv:
            let columns = outputs == 1 ? ["probability"] : (0..<outputs).map { "probability\($0)" }
            return (["stream", "step"] + columns + ["label"]).joined(separator: ",")
        case .json: return nil
        }
    }

    /// Writes an answer and a line end.
    ///
    /// - Parameters:
    ///   - probabilities: The model's answer, shape (outputs).
    ///   - stream: The stream's id.
    ///   - step: The number of timesteps that the answer is based on.
    ///   - bytes: The line is appended to these bytes.
    /// - Throws: ``ClientError`` if JSON cannot be written.
    func append(
        _ probabilities: Span<Float>, stream: String, step: Int, to bytes: inout [UInt8]
    ) throws(ClientError) {
        let label = Self.label(for: probabilities)
        switch self {
        case .csv:
            CSVRecord.append(field: stream, to: &bytes)
            bytes.append(contentsOf: ",\(step)".utf8)
            for index in probabilities.indices { bytes.append(contentsOf: ",\(probabilities[index])".utf8) }
            bytes.append(contentsOf: ",\(label)".utf8)
        case .json:
            let values = probabilities.indices.map { probabilities[$0] }
            let answer = JSONAnswer(stream: stream, step: step, probability: .init(values), label: label)
            bytes.append(contentsOf: try JSONText.line(of: answer).utf8)
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Returns the class by the daemon's rule. With one output, the class is 1 if the output is at least 0.5, else 0.
    /// With several outputs, it is the first of the largest.
    static func label(for probabilities: Span<Float>) -> Int {
        if probabilities.count == 1 { return probabilities[0] >= 0.5 ? 1 : 0 }
        var largest = 0
        for index in probabilities.indices where probabilities[index] > probabilities[largest] { largest = index }
        return largest
    }
}

private struct JSONAnswer: Encodable {
    let stream: String
    let step: Int
    let probability: StreamStatus.Probability
    let label: Int
}

/// The extent and quality of a prediction, for programs.
struct PredictionSummary: Encodable {
    let sequences: Int
    let timesteps: Int
    /// The number of sequences with a label.
    let labelled: Int
    /// The mean loss; nil if it is not a number, because JSON could not express it.
    let loss: Double?
    let accuracy: Double

    /// Returns the summary's lines.
    func lines(as text: PredictionText) throws(ClientError) -> [String] {
        switch text {
        case .csv:
            [
                "sequences,timesteps,labelled,loss,accuracy",
                "\(sequences),\(timesteps),\(labelled),\(loss ?? .nan),\(accuracy)",
            ]
        case .json: [try JSONText.line(of: self)]
        }
    }
}
