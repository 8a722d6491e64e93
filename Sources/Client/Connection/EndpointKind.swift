import ZeroMQ

/// The kinds of endpoints that a daemon has. A user may by mistake give a client an address of another kind.
enum EndpointKind: CaseIterable, Sendable {
    case control, decisions, ingest, pullIngest

    /// Creates the kind of an ingest endpoint.
    init(_ kind: IngestEndpoint.Kind) { self = kind == .pull ? .pullIngest : .ingest }

    /// The kind of client socket that the endpoint accepts.
    fileprivate var clientSocket: Socket.Kind {
        switch self {
        case .control: .dealer
        case .decisions: .sub
        case .ingest: .pub
        case .pullIngest: .push
        }
    }

    fileprivate var words: String {
        switch self {
        case .control: "control endpoint"
        case .decisions: "decisions endpoint"
        case .ingest: "ingest endpoint"
        case .pullIngest: "ingest endpoint with 'pull:'"
        }
    }

    /// Returns advice on how to specify an endpoint of this kind.
    ///
    /// - Parameters:
    ///   - found: The kind of the endpoint that the user gave instead; nil if it is unknown.
    ///   - address: The address that the user gave.
    /// - Returns: The advice.
    fileprivate func advice(insteadOf found: EndpointKind?, at address: String) -> String {
        switch (self, found) {
        case (.control, _): "give the control endpoint with --control, by default \(ControlClient.defaultEndpoint)"
        case (.ingest, .pullIngest): "give --ingest pull:\(address)"
        case (.pullIngest, .ingest): "give --ingest \(address) without 'pull:'"
        case (.decisions, _):
            "leave --decisions out, because the daemon at --control names its own; 'sluice status' shows all endpoints"
        case (.ingest, _), (.pullIngest, _):
            "leave --ingest out, because the daemon at --control names its own; 'sluice status' shows all endpoints"
        }
    }
}

/// Finds out why a client cannot reach a daemon's endpoint.
struct ReachDiagnosis {
    private static let connectMilliseconds = 200
    private static let handshakeSeconds = 1.0

    /// The endpoint that the client connects to.
    let endpoint: Endpoint
    /// The kind of endpoint that the client needs.
    let wanted: EndpointKind
    /// The client's keys.
    let credentials: CurveCredentials?
    let context: Context

    /// Returns the reason and the remedy; nil if no reason is found, or if the client binds.
    func reason() -> String? {
        guard endpoint.attachment != .bind, !endpoint.address.hasPrefix("inproc:") else { return nil }
        do throws(ZeroMQError) {
            return reason(of: try PlainSocket(connectedTo: endpoint, milliseconds: Self.connectMilliseconds))
        } catch {
            return reason(of: error)
        }
    }

    /// Returns the reason why a peer that accepts connections does not serve this client.
    private func reason(of peer: PlainSocket) -> String {
        if let text = otherKind() { return text }
        if credentials != nil, (try? kind(among: [wanted], with: nil)) != nil {
            return "the daemon at \(endpoint.address) uses no keys; leave --server-key and --key out"
        }
        let problem =
            if peer.answersHTTP(milliseconds: Self.connectMilliseconds) {
                "answers HTTP: it may be a daemon's address for metrics, but not its \(wanted.words)"
            } else if credentials != nil {
                "refused this client: check that --server-key is the daemon's key, and that this is the daemon's "
                    + wanted.words
            } else {
                "is taken by a program that does not answer as a daemon's \(wanted.words)"
            }
        return "\(endpoint.address) \(problem); \(wanted.advice(insteadOf: nil, at: endpoint.address))"
    }

    /// Returns the reason why a plain connection failed.
    private func reason(of error: ZeroMQError) -> String? {
        guard let path = endpoint.ipcPath else { return error.isUntried ? otherKind() : nil }
        switch error.reason {
        case .noPermission:
            return "cannot reach the daemon at \(endpoint.address): permission denied for \(path); run this command as "
                + "the user of sluiced, or let that user give you access to the socket"
        case .noFile:
            return "cannot reach the daemon at \(endpoint.address): there is no socket \(path); start sluiced, or "
                + wanted.advice(insteadOf: nil, at: endpoint.address)
        case .noSuchAddress, .inUse, nil: return nil
        }
    }

    private func otherKind() -> String? {
        guard let found = try? kind(among: EndpointKind.allCases.filter { $0 != wanted }, with: credentials) else {
            return nil
        }
        return "\(endpoint.address) seems to be a daemon's \(found.words), not its \(wanted.words); "
            + wanted.advice(insteadOf: found, at: endpoint.address)
    }

    /// Tries several kinds of clients at once. Returns the first kind that the endpoint accepts; nil if it accepts
    /// none.
    private func kind(
        among kinds: [EndpointKind], with credentials: CurveCredentials?
    ) throws(ZeroMQError) -> EndpointKind? {
        var probes: [Probe] = []
        var poller = Poller()
        for kind in kinds {
            let probe = try Probe(kind, at: endpoint, with: credentials, in: context)
            _ = poller.add(probe.monitor)
            probes.append(probe)
        }
        let deadline = ContinuousClock.now + .seconds(Self.handshakeSeconds)
        while !probes.isEmpty {
            var ended: [EndpointKind] = []
            for probe in probes {
                while let event = try probe.monitor.next() {
                    switch event {
                    case .admitted: return probe.kind
                    case .refused, .disconnected: ended.append(probe.kind)
                    case .accepted, .stopped: break
                    }
                }
            }
            probes.removeAll { ended.contains($0.kind) }
            let left = (deadline - .now) / .milliseconds(1)
            guard left > 0 else { return nil }
            if !probes.isEmpty { try poller.wait(milliseconds: Int(left) + 1) }
        }
        return nil
    }
}

/// A client socket that finds out whether an endpoint accepts clients of its kind. It sends nothing.
private final class Probe {
    let kind: EndpointKind
    let monitor: SocketMonitor
    private let socket: Socket

    init(
        _ kind: EndpointKind, at endpoint: Endpoint, with credentials: CurveCredentials?, in context: Context
    ) throws(ZeroMQError) {
        self.kind = kind
        let socket = try Socket(kind.clientSocket, in: context)
        monitor = try SocketMonitor(socket)
        try socket.set(.linger, to: 0)
        try socket.set(.reconnectInterval, to: -1)
        try socket.authenticate(with: credentials, at: endpoint)
        try socket.attach(to: endpoint, otherwise: .connect)
        self.socket = socket
    }

    deinit { socket.stopMonitoring() }
}
