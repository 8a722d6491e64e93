import NIOCore

/// The address on this machine at which a server answers HTTP, or `off`.
public enum HTTPEndpoint: Equatable, Sendable, CustomStringConvertible {
    /// The server does not answer.
    case off
    /// A numeric IPv4 or IPv6 address and a port. Port 0 stands for any free port.
    case address(String, port: UInt16)

    /// A description of the notation, for help and errors.
    public static let notation = "HOST:PORT with a numeric address or localhost, [HOST]:PORT for IPv6, or off"

    /// Reads an endpoint, such as `127.0.0.1:5553`, `[::1]:5553`, `localhost:*` or `off`. The port `*` stands for any
    /// free port. Returns nil if the text is not an endpoint.
    ///
    /// - Parameter text: The endpoint in the notation of flags and files; see ``notation``.
    public init?(_ text: String) {
        guard text != "off" else {
            self = .off
            return
        }
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let digits = text[text.index(after: colon)...]
        guard let port = digits == "*" ? 0 : UInt16(digits) else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
            guard host.contains(":") else { return nil }
        } else {
            guard !host.contains(":") else { return nil }
            if host == "localhost" { host = "127.0.0.1" }
        }
        guard IPAddress(host) != nil else { return nil }
        self = .address(host, port: port)
    }

    /// The endpoint in the notation that ``init(_:)`` reads.
    public var description: String {
        switch self {
        case .off: "off"
        case .address(let host, let port): "\(host.contains(":") ? "[\(host)]" : host):\(port == 0 ? "*" : "\(port)")"
        }
    }

    /// Whether only this machine can reach the endpoint.
    package var isLocal: Bool {
        guard case .address(let host, _) = self else { return true }
        return IPAddress(host)?.isLoopback == true
    }

    /// The address for SwiftNIO; nil for ``off``.
    var socketAddress: SocketAddress? {
        guard case .address(let host, let port) = self else { return nil }
        return try? SocketAddress(ipAddress: host, port: Int(port))
    }

    /// Creates the endpoint from the address to which a socket is bound.
    init?(_ address: SocketAddress?) {
        guard let host = address?.ipAddress, let port = address?.port else { return nil }
        self = .address(host, port: UInt16(port))
    }
}
