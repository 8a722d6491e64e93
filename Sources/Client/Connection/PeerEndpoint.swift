import Wire
public import ZeroMQ

extension Endpoint {
    /// The other side of one of the daemon's endpoints: where it binds, a client connects, and the other way round.
    ///
    /// - Parameter control: Where the client reached the daemon. Its host stands in for a wildcard, at which a daemon
    ///   can listen but nobody can call it.
    /// - Returns: The client's endpoint.
    public func peer(control: Endpoint) -> Endpoint {
        guard attachment != .connect else { return Endpoint(.bind, address) }
        guard let (host, port) = Self.hostAndPort(address), Self.isWildcard(host) else {
            return Endpoint(.connect, address)
        }
        let known = Self.hostAndPort(control.address).map(\.host) ?? Self.thisHost
        return Endpoint(.connect, "tcp://\(Self.isWildcard(known) ? Self.thisHost : known):\(port)")
    }

    private static let thisHost = "127.0.0.1"

    private static func isWildcard(_ host: String) -> Bool {
        ["0.0.0.0", "*", "[::]", "::"].contains(host)
    }

    /// The parts of a TCP address; nil for other transports.
    private static func hostAndPort(_ address: String) -> (host: String, port: String)? {
        let scheme = "tcp://"
        guard address.hasPrefix(scheme), let colon = address.lastIndex(of: ":") else { return nil }
        let host = address[address.index(address.startIndex, offsetBy: scheme.count)..<colon]
        return (String(host), String(address[address.index(after: colon)...]))
    }
}

extension IngestEndpoint {
    /// The other side of one of the daemon's ingest endpoints; see ``ZeroMQ/Endpoint/peer(control:)``.
    ///
    /// - Parameter control: Where the client reached the daemon.
    /// - Returns: The client's endpoint.
    public func peer(control: Endpoint) -> IngestEndpoint {
        IngestEndpoint(kind, endpoint.peer(control: control))
    }
}

extension DaemonStatus {
    /// The client's side of the first ingest endpoint that takes binary messages, as the tool sends them.
    ///
    /// - Parameter control: Where the client reached the daemon.
    /// - Returns: The client's endpoint.
    /// - Throws: ``ClientError`` with the status `unavailable` where there is none.
    func binaryIngest(control: Endpoint) throws(ClientError) -> IngestEndpoint {
        for (index, text) in endpoints.ingest.enumerated() {
            let isBinary = codecs.map { index >= $0.ingest.count || $0.ingest[index] == .binary } ?? true
            // Nobody outside the daemon's process reaches an inproc address.
            if isBinary, let endpoint = try? IngestEndpoint(text), !endpoint.endpoint.address.hasPrefix("inproc:") {
                return endpoint.peer(control: control)
            }
        }
        throw ClientError(
            .unavailable, "the daemon has no ingest endpoint that can be reached and takes binary messages")
    }
}
