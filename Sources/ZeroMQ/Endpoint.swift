/// The endpoint of a socket in CZMQ's notation: `@tcp://127.0.0.1:5550` binds and `>tcp://…` connects. Without a
/// prefix, the socket's role determines whether the socket binds or connects.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    /// The choice between binding and connecting.
    public enum Attachment: Hashable, Sendable {
        /// Bind to the address.
        case bind
        /// Connect to the address, and retry until a peer accepts.
        case connect
    }

    /// The choice between binding and connecting; nil if the socket's role decides.
    public let attachment: Attachment?
    /// The address for libzmq: `tcp://…`, `ipc://…` or `inproc://…`.
    public let address: String

    /// Creates an endpoint.
    ///
    /// - Parameters:
    ///   - attachment: The choice between binding and connecting; nil if the socket's role decides.
    ///   - address: The address for libzmq.
    public init(_ attachment: Attachment?, _ address: String) {
        self.attachment = attachment
        self.address = address
    }

    /// Reads an endpoint.
    ///
    /// - Throws: ``EndpointError`` if the text is not an endpoint.
    public init(_ text: String) throws(EndpointError) {
        switch text.first {
        case "@": self.init(.bind, String(text.dropFirst()))
        case ">": self.init(.connect, String(text.dropFirst()))
        default: self.init(nil, text)
        }
        let rests = Self.transports.compactMap { [address] in address.suffix(after: $0) }
        guard let rest = rests.first, !rest.isEmpty else {
            throw EndpointError(
                text: text, expected: "tcp://HOST:PORT, ipc://PATH or inproc://NAME, with @, > or nothing before it",
                suggestion: Self.likelyAddress(for: address).map { "\(Endpoint(attachment, $0))" })
        }
        if address.hasPrefix("tcp://"), !rest.hasPort {
            throw EndpointError(
                text: text, expected: "a port from 1 to 65535 after the host, as in tcp://127.0.0.1:5550")
        }
    }

    /// Returns the address that the user probably meant by a string without a known transport.
    private static func likelyAddress(for text: String) -> String? {
        var rest = text[...]
        if let end = text.firstRange(of: "://") {
            // An HTTP address names another kind of service, so its port is of no use here.
            guard !["http", "https"].contains(text[..<end.lowerBound].lowercased()) else { return nil }
            rest = text[end.upperBound...]
        } else if let transport = ["tcp:", "ipc:"].first(where: text.hasPrefix) {
            rest = text.dropFirst(transport.count).drop { $0 == "/" }
            if transport == "ipc:" { return "ipc:///\(rest)" }
        }
        if UInt16(rest) != nil { return "tcp://127.0.0.1:\(rest)" }
        if rest.hasPrefix("/") { return "ipc://\(rest)" }
        let isPlain = !rest.contains { "@>/ ".contains($0) }
        return isPlain && String(rest).hasPort ? "tcp://\(rest)" : nil
    }

    /// Whether the address is a TCP address, even if it is local.
    public var isTCP: Bool { address.hasPrefix("tcp://") }

    /// Whether only this machine can reach the endpoint: it is not TCP, or its address is a loopback address.
    public var isLocal: Bool {
        guard let host = hostAndPort?.host else { return true }
        if ["localhost", "lo", "[::1]", "::1"].contains(host) { return true }
        // Only a numeric address counts. A host name that begins with `127.` may belong to anyone.
        let bytes = host.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        return bytes.count == 4 && bytes.first == 127 && !bytes.contains(nil)
    }

    /// The parts of a TCP address; nil for other transports.
    public var hostAndPort: (host: String, port: String)? {
        guard let rest = address.suffix(after: "tcp://"), let colon = rest.lastIndex(of: ":") else { return nil }
        return (String(rest[..<colon]), String(rest[rest.index(after: colon)...]))
    }

    /// The address to bind. libzmq can bind only to numeric addresses and to the names of network interfaces.
    public var numericAddress: String {
        guard let (host, port) = hostAndPort else { return address }
        return "tcp://\(Self.numericHost(host)):\(port)"
    }

    /// Returns the IPv4 address for `localhost`, and any other host unchanged.
    static func numericHost(_ host: String) -> String { host == "localhost" ? "127.0.0.1" : host }

    /// The file of an `ipc://` endpoint; nil for other transports and for names without a file.
    public var ipcPath: String? {
        guard let path = address.suffix(after: "ipc://"), path != "*", !path.hasPrefix("@") else { return nil }
        return path
    }

    private static let transports = ["tcp://", "ipc://", "inproc://"]

    /// The endpoint in CZMQ's notation.
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
    /// The kind of socket that the daemon opens at the endpoint.
    public enum Kind: String, CaseIterable, Sendable {
        /// A SUB socket, which drops messages at the high-water mark.
        case sub
        /// A PULL socket with back-pressure: no message between the producer and the daemon is dropped.
        case pull
    }

    /// The kind of socket that the daemon opens.
    public let kind: Kind
    /// The endpoint of the socket.
    public let endpoint: Endpoint

    /// Creates an ingest endpoint.
    ///
    /// - Parameters:
    ///   - kind: The kind of socket that the daemon opens.
    ///   - endpoint: The endpoint of the socket.
    public init(_ kind: Kind, _ endpoint: Endpoint) {
        self.kind = kind
        self.endpoint = endpoint
    }

    /// Reads an ingest endpoint.
    ///
    /// - Throws: ``EndpointError`` if the text is not an endpoint.
    public init(_ text: String) throws(EndpointError) {
        for kind in Kind.allCases {
            let prefix = "\(kind.rawValue):"
            guard let rest = text.suffix(after: prefix) else { continue }
            do throws(EndpointError) {
                self.init(kind, try Endpoint(rest))
                return
            } catch {
                throw error.prefixed(by: prefix)
            }
        }
        self.init(.sub, try Endpoint(text))
    }

    /// The endpoint in CZMQ's notation.
    public var description: String {
        switch kind {
        case .sub: "\(endpoint)"
        case .pull: "pull:\(endpoint)"
        }
    }
}

/// The error for a string that is not an endpoint.
public struct EndpointError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The string.
    public let text: String
    /// The expected form.
    public let expected: String
    /// The endpoint that the user probably meant; nil if unclear.
    public let suggestion: String?

    init(text: String, expected: String, suggestion: String? = nil) {
        self.text = text
        self.expected = expected
        self.suggestion = suggestion
    }

    /// Returns the same error with a prefix before the string and before the suggestion.
    package func prefixed(by prefix: String) -> EndpointError {
        EndpointError(text: prefix + text, expected: expected, suggestion: suggestion.map { prefix + $0 })
    }

    /// The error in one line.
    public var description: String {
        "'\(text)' is not an endpoint"
            + (suggestion.map { "; did you mean '\($0)'?" } ?? ": expected \(expected)")
    }
}

extension String {
    fileprivate func suffix(after prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }

    /// Whether the address ends in `:PORT`, where PORT is a number or one of libzmq's wildcards, `*` and `!`.
    fileprivate var hasPort: Bool {
        guard let colon = lastIndex(of: ":"), colon != startIndex else { return false }
        let port = self[index(after: colon)...]
        return port == "*" || port == "!" || UInt16(port) != nil
    }
}
