import ZeroMQ

/// The rules for clients: their keys, and the limits on their messages and connections.
public struct AccessConfiguration: Equatable, Sendable {
    /// The file with the daemon's secret key. If nil, nothing is encrypted, and anyone who can reach an endpoint may
    /// use it.
    public var curveKey: String?
    /// The folder of the authorized public keys: `producers/*.pub`, `subscribers/*.pub`, `controllers/*.pub`.
    public var authorizedClients: String?
    /// Whether non-local endpoints are allowed without keys.
    public var isInsecure = false
    /// The maximum size of a client's frame, in bytes; see ``messageSizes``.
    public var maximumMessageSize = 16 << 20
    /// The maximum number of connections for each role: producers, subscribers and controllers. See
    /// ``connectionCounts``.
    public var maximumConnections = 10_000
    /// The maximum total size of a subscriber's subscriptions, in bytes; see ``subscriptionBytes``.
    public var maximumSubscriptionBytes = 4 << 20

    /// Creates a configuration without keys, which allows only endpoints on this machine.
    public init() {}

    /// The permitted values of ``maximumMessageSize``. The lower bound is large enough for every control request.
    public static let messageSizes = (1 << 20)...(1 << 40)
    /// The permitted values of ``maximumConnections``.
    public static let connectionCounts = 1...1_000_000
    /// The permitted values of ``maximumSubscriptionBytes``. The lower bound is large enough for several ids of maximum
    /// length.
    public static let subscriptionBytes = (1 << 16)...(1 << 40)
}

extension AccessConfiguration {
    /// Reads the `access` key of the configuration file.
    ///
    /// - Parameters:
    ///   - value: The mapping under the key.
    ///   - resolved: Resolves a path against the folder of the configuration file.
    /// - Throws: ``DaemonError`` with the file and line.
    init(_ value: YAMLValue, resolved: (String) -> String) throws(DaemonError) {
        self.init()
        try value.forEachMember { (key: AccessKey, member) throws(DaemonError) in
            switch key {
            case .curveKey: curveKey = try member.path(resolved)
            case .authorizedClients: authorizedClients = try member.path(resolved)
            case .insecure: isInsecure = try member.truth
            case .maximumMessageSize: maximumMessageSize = try member.number(in: Self.messageSizes, key)
            case .maximumSubscriptionBytes:
                maximumSubscriptionBytes = try member.number(in: Self.subscriptionBytes, key)
            case .maximumConnections: maximumConnections = try member.number(in: Self.connectionCounts, key)
            }
        }
    }
}

/// The role of an endpoint. A client needs a key that is authorized for this role.
enum EndpointRole: String, CaseIterable, Sendable {
    case ingest, decisions, control

    /// A description of the socket types that may connect to the endpoint.
    var peers: String {
        switch self {
        case .ingest: IngestEndpoint.Kind.sub.peers
        case .decisions: "a SUB socket"
        case .control: "a REQ or DEALER socket"
        }
    }

    /// The term for the endpoint's clients. The sub-folder with their keys has the same name.
    var clients: String {
        switch self {
        case .ingest: "producers"
        case .decisions: "subscribers"
        case .control: "controllers"
        }
    }
}

extension IngestEndpoint.Kind {
    /// A description of the socket types that may connect to the endpoint.
    var peers: String {
        switch self {
        case .sub: "a PUB socket (PUSH is for endpoints written pull:)"
        case .pull: "a PUSH socket (PUB is for endpoints without pull:)"
        }
    }
}

extension DaemonConfiguration {
    /// All endpoints with their roles. `hasServerKey` is true if the endpoint connects to a server whose public key is
    /// configured.
    private var accessPoints: [(role: EndpointRole, endpoint: Endpoint, hasServerKey: Bool)] {
        ingest.map { (.ingest, $0.endpoint.endpoint, $0.serverKey != nil) }
            + decisions.map { (.decisions, $0.endpoint, false) } + [(.control, control, false)]
    }

    /// Refuses a configuration that would admit more clients than the user has explicitly allowed.
    ///
    /// - Throws: ``DaemonError`` with the code `configuration`.
    func checkAccess() throws(DaemonError) {
        switch (access.curveKey, access.authorizedClients) {
        case (nil, _?):
            throw DaemonError(
                .configuration,
                "--authorized-clients needs the daemon's own key: give --curve-key FILE (create it with 'sluice keygen')"
            )
        case (_?, nil):
            throw DaemonError(
                .configuration,
                "--curve-key alone would admit everyone who knows the daemon's public key: give --authorized-clients "
                    + "DIR, with the clients' keys as DIR/producers/*.pub, DIR/subscribers/*.pub and DIR/controllers/*.pub"
            )
        case (_?, _?) where !Socket.hasCurve:
            throw DaemonError(.configuration, "--curve-key: this machine's libzmq was built without CURVE")
        default: break
        }
        for point in accessPoints {
            let isBound = point.endpoint.attachment != .connect
            guard isBound || access.curveKey != nil || !point.hasServerKey else {
                throw DaemonError(
                    .configuration, "\(point.endpoint): 'server_key' needs the daemon's own key: give --curve-key FILE")
            }
            let isGuarded = isBound ? access.curveKey != nil : point.hasServerKey
            guard point.endpoint.isLocal || isGuarded || access.isInsecure else {
                let remedy =
                    isBound
                    ? "give --curve-key FILE and --authorized-clients DIR"
                    : "give the server's public key, as 'server_key' of an ingest endpoint in the file"
                throw DaemonError(
                    .configuration,
                    "\(point.role.rawValue) at \(point.endpoint) is open beyond this machine without keys or encryption: "
                        + "\(remedy), or --insecure if you trust everyone on that network")
            }
        }
    }
}
