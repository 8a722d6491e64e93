package import Wire
package import ZeroMQ

extension Endpoint {
    /// Returns the client's side of a daemon's endpoint. The client connects if the daemon binds, and binds if the
    /// daemon connects.
    ///
    /// - Parameter control: The control endpoint that the client uses. Its host replaces a wildcard, to which no client
    ///   can connect.
    /// - Returns: The client's endpoint.
    package func peer(control: Endpoint) -> Endpoint {
        guard attachment != .connect else { return Endpoint(.bind, address) }
        guard let (host, port) = hostAndPort, Self.isWildcard(host) else {
            return Endpoint(.connect, address)
        }
        let known = control.hostAndPort?.host ?? Self.thisHost
        return Endpoint(.connect, "tcp://\(Self.isWildcard(known) ? Self.thisHost : known):\(port)")
    }

    private static let thisHost = "127.0.0.1"

    private static func isWildcard(_ host: String) -> Bool {
        ["0.0.0.0", "*", "[::]", "::"].contains(host)
    }
}

extension IngestEndpoint {
    /// Returns the client's side of a daemon's ingest endpoint. See ``ZeroMQ/Endpoint/peer(control:)``.
    ///
    /// - Parameter control: The control endpoint that the client uses.
    /// - Returns: The client's endpoint.
    package func peer(control: Endpoint) -> IngestEndpoint {
        IngestEndpoint(kind, endpoint.peer(control: control))
    }
}

extension DaemonStatus {
    /// A client's side of a daemon's decisions endpoint.
    package struct PublishedDecisions {
        /// The client's endpoint.
        package let endpoint: Endpoint
        /// The prefix of the topics; nil except for the codec `batch`.
        package let topicPrefix: String?
    }

    /// Returns the client's side of a decisions endpoint.
    ///
    /// - Parameters:
    ///   - codecs: The codecs that the client reads, in order of preference.
    ///   - control: The control endpoint that the client uses.
    /// - Returns: The first endpoint with the most preferred codec that has an endpoint.
    /// - Throws: ``ClientError`` with the status `unavailable` if there is no such endpoint.
    package func publishedDecisions(
        in codecs: [DecisionCodec], control: Endpoint
    ) throws(ClientError) -> PublishedDecisions {
        let all =
            endpoints.allDecisions
            ?? [DecisionEndpoint(endpoint: endpoints.decisions, codec: self.codecs?.decisions ?? .binary)]
        for codec in codecs {
            for entry in all where entry.codec == codec {
                // Only the daemon's own process can reach an inproc address.
                guard let endpoint = try? Endpoint(entry.endpoint), !endpoint.address.hasPrefix("inproc:") else {
                    continue
                }
                return PublishedDecisions(
                    endpoint: endpoint.peer(control: control), topicPrefix: entry.topicPrefix)
            }
        }
        let names = codecs.map(\.rawValue).joined(separator: " or ")
        throw ClientError(
            .unavailable,
            "the daemon has no reachable decisions endpoint in the codec \(names); add "
                + "--decisions \(codecs[0].rawValue):@tcp://127.0.0.1:5554 to the options of sluiced")
    }

    /// Returns the client's side of the first ingest endpoint with a codec.
    ///
    /// - Parameters:
    ///   - codec: The codec of the messages that the client sends.
    ///   - control: The control endpoint that the client uses.
    /// - Returns: The client's endpoint.
    /// - Throws: ``ClientError`` with the status `unavailable` if there is no such endpoint.
    func ingest(_ codec: IngestCodec, control: Endpoint) throws(ClientError) -> IngestEndpoint {
        for (index, text) in endpoints.ingest.enumerated() {
            let found = codecs.flatMap { index < $0.ingest.count ? $0.ingest[index] : nil } ?? .binary
            // Only the daemon's own process can reach an inproc address.
            if found == codec, let endpoint = try? IngestEndpoint(text), !endpoint.endpoint.address.hasPrefix("inproc:")
            {
                return endpoint.peer(control: control)
            }
        }
        throw ClientError(
            .unavailable,
            "the daemon has no reachable ingest endpoint with the codec \(codec.rawValue); start it with one, for example "
                + "with --ingest \(codec.rawValue):@tcp://127.0.0.1:5560")
    }
}
