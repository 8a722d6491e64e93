import Streams
import Wire

/// The format of answers as lines of text.
package enum PredictionText: String, CaseIterable, Sendable {
    /// Comma-separated values with a header line and one column per output.
    case csv
    /// One JSON object per line.
    case json

    /// Returns the header line; nil if there is none.
    ///
    /// - Parameters:
    ///   - outputs: The number of outputs that the model has.
    ///   - hasNames: Whether the sequences have names.
    /// - Returns: The line, without a line end.
    func header(outputs: Int, hasNames: Bool) -> String? {
        switch self {
        case .csv:
            let columns = outputs == 1 ? ["probability"] : (0..<outputs).map { "probability\($0)" }
            return (["stream"] + (hasNames ? ["sequence"] : []) + ["step"] + columns + ["label"]).joined(separator: ",")
        case .json: return nil
        }
    }

    /// Appends an answer and a line end.
    ///
    /// - Parameters:
    ///   - outputs: The model's answer, shape (outputs).
    ///   - label: The decided class.
    ///   - step: The number of timesteps that the answer is based on.
    ///   - sequence: The sequence.
    ///   - bytes: The bytes to which the line is appended.
    /// - Throws: ``ClientError`` if JSON cannot be written.
    func append(
        _ outputs: Span<Float>, label: Int, step: Int, of sequence: RecordedSequence, to bytes: inout [UInt8]
    ) throws(ClientError) {
        switch self {
        case .csv:
            CSVRecord.append(field: sequence.stream, to: &bytes)
            if let name = sequence.name {
                bytes.append(UInt8(ascii: ","))
                CSVRecord.append(field: name, to: &bytes)
            }
            bytes.append(contentsOf: ",\(step)".utf8)
            for index in outputs.indices { bytes.append(contentsOf: ",\(outputs[index])".utf8) }
            bytes.append(contentsOf: ",\(label)".utf8)
        case .json:
            let values = outputs.indices.map { outputs[$0] }
            let answer = JSONAnswer(
                stream: sequence.stream, sequence: sequence.name, step: step, probability: .init(values), label: label)
            bytes.append(contentsOf: try JSONText.line(of: answer).utf8)
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Returns the class according to the daemon's rule. A single output is compared with the threshold. With several
    /// outputs, the first of the largest ones gives the class.
    static func label(for outputs: Span<Float>, threshold: ServingPolicy.Threshold, before: Int) -> Int {
        outputs.count == 1 ? threshold.isReached(by: outputs[0], after: before == 1) ? 1 : 0 : outputs.indexOfLargest
    }
}

private struct JSONAnswer: Encodable {
    let stream: String
    let sequence: String?
    let step: Int
    let probability: StreamStatus.Probability
    let label: Int
}
