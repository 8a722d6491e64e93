import Foundation
import Glibc

/// The reply of an HTTP server to one request on a separate connection.
package struct HTTPReply: Sendable {
    /// The status code.
    package let status: Int
    /// The header fields, by lower-case name.
    package let headers: [String: String]
    /// The body.
    package let body: String

    /// Sends a request and reads the reply.
    ///
    /// - Parameters:
    ///   - method: GET, HEAD or another method.
    ///   - path: The path of the page.
    ///   - address: HOST:PORT with an IPv4 address.
    ///   - fields: More header fields, by name.
    ///   - content: The body; nil if the request has none.
    /// - Throws: A `POSIXError` if there is no server, or if the reply is not HTTP.
    package init(
        _ method: String = "GET", _ path: String, at address: String, _ fields: [String: String] = [:],
        body content: String? = nil
    ) throws {
        let connection = try TCPConnection(address)
        var fields = fields
        fields["Content-Length"] = content.map { "\($0.utf8.count)" }
        let extra = fields.map { "\($0): \($1)\r\n" }.joined()
        try connection.send(
            "\(method) \(path) HTTP/1.1\r\nHost: \(address)\r\nConnection: close\r\n\(extra)\r\n\(content ?? "")")
        let reply = try connection.receiveAll()
        let parts = reply.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let lines = parts[0].split(separator: "\r\n")
        let words = lines.first?.split(separator: " ") ?? []
        guard parts.count == 2, words.count > 1, let status = Int(words[1]) else { throw POSIXError(.EPROTO) }
        self.status = status
        headers = Dictionary(
            lines.dropFirst().map { line in
                let halves = line.split(separator: ": ", maxSplits: 1)
                return (halves[0].lowercased(), halves.count > 1 ? String(halves[1]) : "")
            }, uniquingKeysWith: { $1 })
        body = String(parts[1])
    }
}

/// A TCP connection that closes when its last reference is released.
package final class TCPConnection {
    private let socket: Int32

    /// Connects to a server.
    ///
    /// - Parameter address: HOST:PORT with an IPv4 address.
    /// - Throws: A `POSIXError` if there is no server.
    package init(_ address: String) throws {
        let parts = address.split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1]) else { throw POSIXError(.EINVAL) }
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        unsafe inet_pton(AF_INET, String(parts[0]), &name.sin_addr)
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafePointer(to: &name) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(socket, $0, length) }
        }
        guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }

    deinit { close(socket) }

    /// Sends text, and waits while the socket's buffer is full.
    ///
    /// - Parameter text: The text.
    /// - Throws: A `POSIXError` if the peer has closed the connection.
    package func send(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes { bytes in
                unsafe Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
            rest = rest.dropFirst(sent)
        }
    }

    /// Waits for more bytes from the peer.
    ///
    /// - Returns: The bytes as text; empty if the peer has closed the connection.
    package func receive() -> String {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe bytes.withUnsafeMutableBytes { bytes in
            unsafe recv(socket, bytes.baseAddress, bytes.count, 0)
        }
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }

    /// Closes the sending side of the connection.
    package func endSending() { shutdown(socket, Int32(SHUT_WR)) }

    /// Waits until the peer closes the connection.
    ///
    /// - Returns: The received text.
    /// - Throws: Foundation's error if the connection fails.
    package func receiveAll() throws -> String {
        let data = try FileHandle(fileDescriptor: socket).readToEnd() ?? Data()
        return String(decoding: data, as: UTF8.self)
    }
}
