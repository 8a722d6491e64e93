#if Cluster
import Foundation
import NATS
import TestSupport
import Testing

/// Tests TLS and logins with real servers.
@Suite struct `A secure NATS connection` {
    private func servers(_ configuration: String) throws -> NATSServers {
        var options = NATSServers.Options()
        options.configuration = configuration
        options.hasJetStream = false
        return try NATSServers(1, options)
    }

    private func connect(
        to servers: NATSServers, tls: ConnectionOptions.TLS? = nil, login: ConnectionOptions.Login? = nil
    ) throws -> Connection {
        try Connection(ConnectionOptions(servers: servers.urls, name: "tests", login: login, tls: tls))
    }

    private func refusal(
        by servers: NATSServers, tls: ConnectionOptions.TLS? = nil, login: ConnectionOptions.Login? = nil
    ) throws -> NATSError {
        try #require(throws: NATSError.self) { _ = try connect(to: servers, tls: tls, login: login) }
    }

    private func echo(on connection: Connection) throws {
        let subscription = try connection.subscribe("a")
        let payload = [UInt8](repeating: 7, count: 1_000_000)
        try connection.publish("a", payload.span)
        let message = try #require(try subscription.next(timeoutMilliseconds: 10_000))
        #expect(message.bytes == payload)
    }

    @Test func `carries messages over TLS with certificates of both sides`() throws {
        let certificates = try Certificates()
        let servers = try servers(certificates.configuration(verifies: true))
        let tls = ConnectionOptions.TLS(
            authorities: certificates.authority, certificate: certificates.client, key: certificates.clientKey)
        let connection = try connect(to: servers, tls: tls)
        try echo(on: connection)
        #expect(try !connection.serverInformation().hasJetStream)
    }

    @Test func `refuses a server that another authority or another name certifies`() throws {
        let certificates = try Certificates()
        let trusted = try servers(certificates.configuration(verifies: false))
        let other = try Certificates()
        let error = try refusal(by: trusted, tls: .init(authorities: other.authority))
        #expect(error.code == .tls)
        #expect("\(error)".contains("the TLS handshake failed"), "\(error)")
        let elsewhere = try Certificates(for: "DNS:elsewhere")
        let misnamed = try servers(elsewhere.configuration(verifies: false))
        #expect(try refusal(by: misnamed, tls: .init(authorities: elsewhere.authority)).code == .tls)
    }

    @Test func `explains that only one side wants TLS, or a client's certificate`() throws {
        let certificates = try Certificates()
        let secure = try servers(certificates.configuration(verifies: true))
        let plain = try refusal(by: secure)
        #expect(plain.code == .tls && "\(plain)".contains("the TLS handshake failed"), "\(plain)")
        let anonymous = try refusal(by: secure, tls: .init(authorities: certificates.authority))
        #expect("\(anonymous)".contains("give a client's certificate that it accepts"), "\(anonymous)")
        let open = try servers("")
        let unwanted = try refusal(by: open, tls: .init(authorities: certificates.authority))
        #expect(unwanted.code == .tls && "\(unwanted)".contains("the server does not offer TLS"), "\(unwanted)")
    }

    @Test func `names certificates that cannot be read`() throws {
        let servers = try servers("")
        let error = try refusal(by: servers, tls: .init(authorities: "/nowhere/ca.pem"))
        #expect(error.code == .badOption)
        #expect("\(error)".hasPrefix("cannot read the authorities' certificates from /nowhere/ca.pem: "), "\(error)")
    }

    /// The example of NATS' documentation (<https://docs.nats.io/running-a-nats-service/configuration/securing_nats>).
    private static let seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
    private static let publicKey = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"

    static let seedFiles = [
        "\(seed)\n", "-----BEGIN USER NKEY SEED-----\n\(seed)\n------END USER NKEY SEED------\n", seed,
    ]

    @Test(arguments: seedFiles)
    func `logs in with the seed of an nkey`(content: String) throws {
        let servers = try servers("authorization: {users: [{nkey: \(Self.publicKey)}]}")
        let file = try TemporaryFolder()
        try echo(on: connect(to: servers, login: .nkeySeed(file: file.write(content, to: "user.nk"))))
    }

    @Test func `logs in with a credentials file, which is not taken for a seed`() throws {
        let configuration = try String(contentsOf: Fixtures.url("nats/operator.conf"), encoding: .utf8)
        let servers = try servers(configuration)
        let file = Fixtures.url("nats/user.creds").path
        try echo(on: connect(to: servers, login: .credentials(file: file)))
        let error = try refusal(by: servers, login: .nkeySeed(file: file))
        #expect(error.code == .badOption && "\(error)".contains("it is a credentials file"), "\(error)")
    }

    @Test func `explains a seed that is unknown, damaged or missing`() throws {
        let servers = try servers("authorization: {user: u, password: p}")
        let folder = try TemporaryFolder()
        let unknown = try refusal(by: servers, login: .nkeySeed(file: folder.write(Self.seed, to: "user.nk")))
        #expect(unknown.code == .refusedLogin)
        #expect("\(unknown)".contains("check that its configuration has this user's public key"))
        let damaged = try folder.write(String(Self.seed.dropLast()) + "A", to: "damaged.nk")
        let error = try refusal(by: servers, login: .nkeySeed(file: damaged))
        #expect(error.code == .badOption && "\(error)".contains("no line is a seed"))
        let missing = try refusal(by: servers, login: .nkeySeed(file: "/nowhere/user.nk"))
        #expect("\(missing)".contains("/nowhere/user.nk: no such file or directory"), "\(missing)")
        let uncredited = try refusal(by: servers, login: .credentials(file: "/nowhere/user.creds"))
        #expect("\(uncredited)".contains("/nowhere/user.creds: no such file or directory"), "\(uncredited)")
    }

    @Test func `records a missing permission`() throws {
        let servers = try servers(
            "authorization: {users: [{user: u, password: p, permissions: {publish: \"a\", subscribe: \">\"}}]}")
        let address = servers.urls[0].dropFirst("nats://".count)
        let connection = try Connection(ConnectionOptions(servers: ["nats://u:p@\(address)"], name: "tests"))
        #expect(connection.lastEvent == nil)
        try connection.publish("b", [1].span)
        try connection.flush(timeoutMilliseconds: 10_000)
        try wait { connection.lastEvent != nil }
        let event = try #require(connection.lastEvent)
        #expect(event.contains("Permissions Violation for Publish to \"b\""), "\(event)")
        #expect(connection.isConnected)
    }
}
#endif
