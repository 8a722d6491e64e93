#if Cluster
/// The servers of a connection, and how to connect to them.
public struct ConnectionOptions: Sendable {
    /// The files that prove who the client is.
    public enum Login: Equatable, Sendable {
        /// A file with the seed of an nkey, which begins with `SU`.
        case nkeySeed(file: String)
        /// A file with a user's JWT and the seed of its nkey, as `nsc` writes it.
        case credentials(file: String)
    }

    /// The files for TLS.
    public struct TLS: Equatable, Sendable {
        /// The certificates of the authorities that sign servers' certificates, in PEM; nil for those of the system.
        public var authorities: String?
        /// The client's certificate chain, in PEM; nil if the servers do not ask for one.
        public var certificate: String?
        /// The key of the client's certificate, in PEM.
        public var key: String?

        /// Creates the options. Each parameter sets the property of the same name.
        public init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
            self.authorities = authorities
            self.certificate = certificate
            self.key = key
        }
    }

    /// The URLs of one or more servers: `nats://HOST:PORT`, `tls://HOST:PORT` or `HOST`, perhaps with `USER:PASSWORD@`.
    public var servers: [String]
    /// The name that the servers show for this connection.
    public var name: String
    /// The login; nil if the URLs have it, or if the servers need none.
    public var login: Login?
    /// The files for TLS; nil for TLS only if a URL begins with `tls://`, with the authorities of the system.
    public var tls: TLS?
    /// The time for connecting to one server, in milliseconds.
    public var connectMilliseconds = 2_000

    /// Creates options. Each parameter sets the property of the same name.
    public init(servers: [String], name: String, login: Login? = nil, tls: TLS? = nil) {
        self.servers = servers
        self.name = name
        self.login = login
        self.tls = tls
    }
}
#endif
