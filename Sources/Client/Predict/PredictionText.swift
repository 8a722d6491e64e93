import Wire

/// Answers as lines of text.
public enum PredictionText: String, CaseIterable, Sendable {
    /// Comma-separated values under a header, a column for each of several outputs.
    case csv
    /// One JSON object a line.
    case json

    /// The line above all others; nil where there is none.
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
    ///   - step: How many timesteps of the sequence it is the answer to.
    ///   - bytes: The line is appended.
    /// - Throws: ``ClientError`` where JSON cannot be written.
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

    /// The class decided on, by the daemon's rule: for one output 1 where it is at least 0.5, else 0; for several the
    /// first of the largest.
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

/// The number of answers and how good they are, in figures for a program.
struct PredictionSummary: Encodable {
    let sequences: Int
    let timesteps: Int
    /// How many sequences have a label.
    let labelled: Int
    /// The mean loss; nil where it is no number, which JSON could not have.
    let loss: Double?
    let accuracy: Double

    /// The summary's lines.
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
