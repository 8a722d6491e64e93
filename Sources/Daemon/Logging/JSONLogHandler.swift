import Foundation
import Logging
import Wire

/// Writes each log entry as one line of JSON: `time` (RFC 3339, UTC), `level`, `message` and, if the entry has any,
/// `metadata`.
struct JSONLogHandler: LogHandler {
    private let write: @Sendable (Data) -> Void
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    /// - Parameter write: A closure that writes one line, which ends with a newline.
    init(write: @escaping @Sendable (Data) -> Void) {
        self.write = write
    }

    /// A handler that writes to standard error. If standard error is closed, the entries are lost.
    static var standardError: JSONLogHandler {
        JSONLogHandler { try? FileHandle.standardError.write(contentsOf: $0) }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { write(line(of: event, at: .now)) }

    private func line(of event: LogEvent, at time: Date) -> Data {
        var all = metadata
        all.merge(metadataProvider?.get() ?? [:]) { $1 }
        all.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { all["error"] = "\(error)" }
        let stamp = time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        var line = Data(#"{"time":"\#(stamp)","level":"\#(event.level.rawValue)","message":"#.utf8)
        line += Self.json("\(event.message)")
        if !all.isEmpty { line += Data(#","metadata":"#.utf8) + Self.json(JSONMetadata(.dictionary(all))) }
        return line + Data("}\n".utf8)
    }

    private static func json(_ value: some Encodable) -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Encoding cannot fail, because the value consists only of strings.
        guard let json = try? encoder.encode(value) else { return Data("null".utf8) }
        return Data(VisibleText.escaped(json: Array(json)))
    }
}

/// Metadata as JSON: strings, and objects and arrays of strings.
private struct JSONMetadata: Encodable {
    private let value: Logger.Metadata.Value

    init(_ value: Logger.Metadata.Value) {
        self.value = value
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch value {
        case .dictionary(let members): try container.encode(members.mapValues(JSONMetadata.init))
        case .array(let elements): try container.encode(elements.map(JSONMetadata.init))
        case .string(let text): try container.encode(text)
        case .stringConvertible(let value): try container.encode("\(value)")
        }
    }
}
