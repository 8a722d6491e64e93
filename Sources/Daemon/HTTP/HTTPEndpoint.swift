import NIOCore

/// Where the daemon answers HTTP: an address of this machine, or nowhere.
public enum HTTPEndpoint: Equatable, Sendable, CustomStringConvertible {
    /// Nowhere.
    case off
    /// At an IPv4 or IPv6 address in numbers; port 0: any that is free.
    case address(String, port: UInt16)

    /// The form of an endpoint, in words.
    public static let notation = "HOST:PORT with a numeric address or localhost, [HOST]:PORT for IPv6, or off"

    /// Reads an endpoint: `127.0.0.1:5553`, `[::1]:5553`, `localhost:*` or `off`. The port `*` is any that is free.
    ///
    /// - Parameter text: The endpoint as flags and files write it; see ``notation``. Nil if `text` is no endpoint.
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

    /// The endpoint as ``init(_:)`` reads it.
    public var description: String {
        switch self {
        case .off: "off"
        case .address(let host, let port): "\(host.contains(":") ? "[\(host)]" : host):\(port == 0 ? "*" : "\(port)")"
        }
    }

    /// Whether only this machine can reach it.
    var isLocal: Bool {
        guard case .address(let host, _) = self else { return true }
        return IPAddress(host)?.isLoopback == true
    }

    /// The address as the system wants it; nil for ``off``.
    var socketAddress: SocketAddress? {
        guard case .address(let host, let port) = self else { return nil }
        return try? SocketAddress(ipAddress: host, port: Int(port))
    }

    /// Where a socket really is.
    init?(_ address: SocketAddress?) {
        guard let host = address?.ipAddress, let port = address?.port else { return nil }
        self = .address(host, port: UInt16(port))
    }
}
