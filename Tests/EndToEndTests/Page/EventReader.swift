import Foundation
import TestSupport
import Testing
import Wire

/// The data of a `status` event, as far as the tests need it.
struct StatusEvent: Decodable {
    struct Model: Decodable {
        let name: String
        let fingerprint: String
        let labels: [String: UInt64]
        let probabilities: [UInt64]?
    }

    struct Latency: Decodable {
        let bounds: [Double]
        let counts: [UInt64]
    }

    let instance: String
    let time: Double
    let status: DaemonStatus
    let models: [Model]
    /// Nil on a node of a cluster.
    let latency: Latency?
    /// Nil unless the daemon is a node of a cluster.
    let cluster: ClusterStatus?
}

/// A client that reads server-sent events.
final class EventReader {
    /// The head of the answer, without the events.
    let head: String
    private let connection: TCPConnection
    private var text: String

    /// Opens a daemon's stream of events.
    convenience init(_ daemon: DaemonProcess, _ query: String = "") throws { try self.init(at: daemon.http, query) }

    /// Opens a stream of events.
    ///
    /// - Parameters:
    ///   - address: The address and port of the server.
    ///   - query: The query, such as `?every=2`.
    /// - Throws: A `POSIXError` if there is no server, or a test's failure if the connection closes.
    init(at address: String, _ query: String = "") throws {
        connection = try TCPConnection(address)
        try connection.send("GET /api/events\(query) HTTP/1.1\r\nHost: \(address)\r\n\r\n")
        var text = ""
        while !text.contains("\r\n\r\n") {
            let more = connection.receive()
            try #require(!more.isEmpty, "the server closed the connection: \(text)")
            text += more
        }
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        (head, self.text) = (String(parts[0]), String(parts[1]))
    }

    /// Waits for the next event.
    ///
    /// - Returns: The name and the data; nil if the daemon has closed the connection.
    func next() -> (name: String, data: Data)? {
        // Each event is one chunk: its size, the event, and an empty line.
        while true {
            if let end = text.range(of: "\n\n\r\n"), let start = text.range(of: "event: ") {
                let lines = text[start.upperBound..<end.lowerBound].split(separator: "\n")
                text = String(text[end.upperBound...])
                let data = Data(lines[1].dropFirst("data: ".count).utf8)
                return (String(lines[0]), data)
            }
            let more = connection.receive()
            guard !more.isEmpty else { return nil }
            text += more
        }
    }

    /// Waits for the next event, which must be `status`.
    func nextStatus() throws -> StatusEvent {
        let event = try #require(next(), "the daemon closed the connection")
        try #require(event.name == "status")
        return try JSONDecoder().decode(StatusEvent.self, from: event.data)
    }
}
