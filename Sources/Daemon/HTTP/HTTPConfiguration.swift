public import HTTPServer

/// The endpoint of the HTTP server, and the hosts for which the daemon answers.
public struct HTTPConfiguration: Equatable, Sendable {
    /// The endpoint at which the daemon answers.
    public var endpoint = HTTPEndpoint.address("127.0.0.1", port: 5553)
    /// Whether an endpoint that other machines can reach is allowed.
    public var isPublic = false
    /// The host names that clients may use in requests, in addition to `localhost` and addresses; see ``isHost(_:)``.
    public var hosts: [String] = []
    /// The file with the token that lets pages change the daemon; nil if pages may change nothing.
    public var controlFile: String?

    /// Creates a configuration that serves metrics and health at `127.0.0.1:5553`.
    public init() {}

    /// Returns whether a string can be a host name: letters, digits, `-` and `_`, with dots in between and without a
    /// port.
    ///
    /// - Parameter text: The string.
    /// - Returns: False if the string can never be the host name in a `Host` header.
    public static func isHost(_ text: String) -> Bool { HTTPHost(text)?.name == text.lowercased() }

    /// A warning about a token that others could read on the network; nil if there is no such token.
    var caution: String? {
        guard controlFile != nil, !endpoint.isLocal else { return nil }
        return "http at \(endpoint) has no encryption, so others on the network can read the token of --http-control; "
            + "use a proxy with TLS in front of --http 127.0.0.1:5553, or ssh -L"
    }

    /// Refuses an endpoint that other machines can reach, unless ``isPublic`` allows it, and a token without a server.
    ///
    /// - Throws: ``DaemonError`` with the code `configuration`.
    func check() throws(DaemonError) {
        guard controlFile == nil || endpoint != .off else {
            throw DaemonError(
                .configuration, "--http-control needs the HTTP server: give --http 127.0.0.1:5553, or leave it out")
        }
        guard endpoint.isLocal || isPublic else {
            throw DaemonError(
                .configuration,
                "http at \(endpoint) is open beyond this machine, without passwords or encryption: give --http-public if "
                    + "everyone there may read metrics, models, and streams with their decisions, or --http 127.0.0.1:5553, or --http off"
            )
        }
    }
}

extension HTTPConfiguration {
    /// Reads the `http` key of the configuration file: an endpoint, or a mapping such as `{address: …, public: true}`.
    ///
    /// - Parameters:
    ///   - value: The value of the key.
    ///   - resolved: Resolves a path against the folder of the configuration file.
    /// - Throws: ``DaemonError`` with the file and line.
    init(_ value: YAMLValue, resolved: (String) -> String) throws(DaemonError) {
        self.init()
        guard value.isMapping else {
            endpoint = try value.httpEndpoint
            return
        }
        try value.forEachMember { (key: HTTPKey, member) throws(DaemonError) in
            switch key {
            case .address: endpoint = try member.httpEndpoint
            case .control: controlFile = try member.path(resolved)
            case .public: isPublic = try member.truth
            case .hosts: hosts = try member.elements.map { element throws(DaemonError) in try element.httpHost }
            }
        }
    }
}

extension YAMLValue {
    fileprivate var httpEndpoint: HTTPEndpoint {
        get throws(DaemonError) {
            let text = try text
            guard let endpoint = HTTPEndpoint(text) else {
                throw error("'\(text)' is not an HTTP endpoint; give \(HTTPEndpoint.notation)")
            }
            return endpoint
        }
    }

    fileprivate var httpHost: String {
        get throws(DaemonError) {
            let text = try text
            guard HTTPConfiguration.isHost(text) else {
                throw error("'\(text)' is not a host name; give it without a scheme, port or path")
            }
            return text
        }
    }
}
