/// Where a socket is attached, as CZMQ writes it: `@tcp://127.0.0.1:5550` binds, `>tcp://…` connects; without either
/// the role decides.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// Which side waits and which side calls.
    public enum Attachment: Hashable, Sendable {
        /// Wait at the address.
        case bind
        /// Call the address, again and again until somebody is there.
        case connect
    }

    /// What the text says: nil where it leaves the choice to the role.
    public let attachment: Attachment?
    /// The address as libzmq takes it, `tcp://…`, `ipc://…` or `inproc://…`.
    public let address: String

    /// Creates an endpoint.
    ///
    /// - Parameters:
    ///   - attachment: Whether to bind or to connect; nil leaves it to the role.
    ///   - address: The address as libzmq takes it.
    public init(_ attachment: Attachment?, _ address: String) {
        self.attachment = attachment
        self.address = address
    }

    /// Reads an endpoint.
    ///
    /// - Throws: ``EndpointError`` where the text is none.
    public init(_ text: String) throws(EndpointError) {
        switch text.first {
        case "@": self.init(.bind, String(text.dropFirst()))
        case ">": self.init(.connect, String(text.dropFirst()))
        default: self.init(nil, text)
        }
        let rests = Self.transports.compactMap { [address] in address.suffix(after: $0) }
        guard let rest = rests.first, !rest.isEmpty else {
            throw EndpointError(
                text: text, expected: "tcp://HOST:PORT, ipc://PATH or inproc://NAME, after @ or > or neither")
        }
        if address.hasPrefix("tcp://"), !rest.hasPort {
            throw EndpointError(text: text, expected: "a port after the host, as tcp://127.0.0.1:5550")
        }
    }

    /// Whether others may reach it over a network, or over this machine's own.
    public var isTCP: Bool { address.hasPrefix("tcp://") }

    /// Whether only this machine can reach it: no TCP, or the address is one of the machine's own.
    public var isLocal: Bool {
        guard let rest = address.suffix(after: "tcp://"), let colon = rest.lastIndex(of: ":") else { return true }
        let host = rest[..<colon]
        if ["localhost", "lo", "[::1]", "::1"].contains(host) { return true }
        // Numbers only: a name that begins with 127. may be anybody's.
        let bytes = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return bytes.count == 4 && bytes.first == 127 && !bytes.contains(nil)
    }

    /// The file of an `ipc://` endpoint; nil for other transports, and for names that are no file's.
    var ipcPath: String? {
        guard let path = address.suffix(after: "ipc://"), path != "*", !path.hasPrefix("@") else { return nil }
        return path
    }

    private static let transports = ["tcp://", "ipc://", "inproc://"]

    /// The endpoint as it is written.
    public var description: String {
        switch attachment {
        case .bind: "@\(address)"
        case .connect: ">\(address)"
        case nil: address
        }
    }
}

/// An ingest endpoint: `sub` (the default) or `pull`, written `pull:@tcp://…`.
public struct IngestEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// What kind of socket the daemon has there.
    public enum Kind: String, CaseIterable, Sendable {
        /// SUB: drops at the high-water mark.
        case sub
        /// PULL: back-pressure, nothing is dropped between producer and daemon.
        case pull
    }

    /// What kind of socket the daemon has there.
    public let kind: Kind
    /// Where it is attached.
    public let endpoint: Endpoint

    /// Creates an ingest endpoint.
    ///
    /// - Parameters:
    ///   - kind: What kind of socket the daemon has there.
    ///   - endpoint: Where it is attached.
    public init(_ kind: Kind, _ endpoint: Endpoint) {
        self.kind = kind
        self.endpoint = endpoint
    }

    /// Reads an ingest endpoint.
    ///
    /// - Throws: ``EndpointError`` where the text is none.
    public init(_ text: String) throws(EndpointError) {
        for kind in Kind.allCases {
            if let rest = text.suffix(after: kind.rawValue + ":") {
                self.init(kind, try Endpoint(rest))
                return
            }
        }
        self.init(.sub, try Endpoint(text))
    }

    /// The endpoint as it is written.
    public var description: String {
        switch kind {
        case .sub: "\(endpoint)"
        case .pull: "pull:\(endpoint)"
        }
    }
}

/// A text that is no endpoint.
public struct EndpointError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The text.
    public let text: String
    /// What would be one.
    public let expected: String

    /// The error in one line.
    public var description: String { "'\(text)' is no endpoint: expected \(expected)" }
}

extension String {
    fileprivate func suffix(after prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }

    /// Whether it ends in `:PORT`, a number or one of libzmq's wildcards `*` and `!`.
    fileprivate var hasPort: Bool {
        guard let colon = lastIndex(of: ":"), colon != startIndex else { return false }
        let port = self[index(after: colon)...]
        return port == "*" || port == "!" || UInt16(port) != nil
    }
}
