import FoundationEssentials
package import Wire

/// The format of decisions as lines of text for other programs.
package enum DecisionText: String, CaseIterable, Sendable {
    /// Comma-separated values with a header line. Flags are 0 or 1. Multiple probabilities are separated by semicolons.
    case csv
    /// One JSON object per line, as in the daemon's own `json` codec.
    case jsonl

    /// The header line; nil if there is none.
    package var header: String? {
        switch self {
        case .csv: "stream,sequence,step,time,probability,label,final,first,gap,changed"
        case .jsonl: nil
        }
    }

    /// Appends a decision and a line end.
    ///
    /// - Parameters:
    ///   - decision: The decision.
    ///   - stream: The stream's id.
    ///   - bytes: The bytes to which the line is appended.
    package func append(_ decision: Decision, stream: String, to bytes: inout [UInt8]) {
        switch self {
        case .csv: Self.appendCSV(decision, stream, &bytes)
        case .jsonl:
            // The daemon's ids contain no control characters, but another publisher may send any characters.
            var line: [UInt8] = []
            decision.appendJSON(stream: stream.utf8.span, to: &line)
            bytes += VisibleText.escaped(json: line)
        }
        bytes.append(UInt8(ascii: "\n"))
    }

    private static func appendCSV(_ decision: Decision, _ stream: String, _ bytes: inout [UInt8]) {
        CSVRecord.append(field: stream, to: &bytes)
        bytes.append(contentsOf: ",\(decision.sequence),\(decision.step),\(decision.time),".utf8)
        for (index, probability) in decision.probabilities.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ";")) }
            bytes.append(contentsOf: "\(probability)".utf8)
        }
        bytes.append(contentsOf: ",\(decision.label)".utf8)
        for (_, flag) in flags { bytes.append(contentsOf: decision.flags.contains(flag) ? ",1".utf8 : ",0".utf8) }
    }

    /// The names of a decision's flags, in column order.
    static let flags: [(name: String, flag: Decision.Flags)] = [
        ("final", .final), ("first", .first), ("gap", .gap), ("changed", .changed),
    ]

    /// Reads the second frame of a decision message in either codec.
    ///
    /// - Parameter frame: The frame.
    /// - Returns: Its decisions, in order.
    /// - Throws: ``ClientError`` if the frame is neither records nor JSON.
    static func decisions(in frame: [UInt8]) throws(ClientError) -> [Decision] {
        // A record begins with an eight-byte number whose highest byte is 0 in practice. JSON contains no zero bytes.
        if frame.first == UInt8(ascii: "{"), !frame.prefix(8).contains(0) {
            do {
                let lines = frame.split(separator: UInt8(ascii: "\n"))
                return try lines.map { try JSONDecoder().decode(JSONDecision.self, from: Data($0)).decision }
            } catch {
                throw ClientError(.protocol, "a decision is not the expected JSON object: \(error)")
            }
        }
        do {
            return unsafe try Decision.records(in: frame.span.bytes)
        } catch {
            throw ClientError(.protocol, "\(error)")
        }
    }
}

/// A decision in the `json` codec.
private struct JSONDecision: Decodable {
    let sequence: UInt64
    let step: UInt64
    let time: Int64
    let probability: StreamStatus.Probability
    let label: UInt8
    let final: Bool
    let first: Bool
    let gap: Bool
    let changed: Bool
    /// Whether the decision is replayed. Nil stands for false, because the JSON then leaves the member out.
    let replayed: Bool?

    var decision: Decision {
        var flags: Decision.Flags = []
        if final { flags.insert(.final) }
        if first { flags.insert(.first) }
        if gap { flags.insert(.gap) }
        if changed { flags.insert(.changed) }
        if replayed == true { flags.insert(.replayed) }
        return Decision(
            sequence: sequence, step: step, time: time, flags: flags, label: label,
            probabilities: probability.values)
    }
}
