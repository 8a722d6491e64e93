#if Cluster
import CNATS
import Glibc

/// One attempt to connect: the options for libnats, and the error that helps.
struct ConnectionAttempt {
    private let options: ConnectionOptions
    private let urls: [ServerURL]
    private let shown: String

    init(_ options: ConnectionOptions, urls: [ServerURL], shown: String) {
        self.options = options
        self.urls = urls
        self.shown = shown
    }

    private var usesTLS: Bool { options.tls != nil || urls.contains(where: \.isTLS) }

    /// Connects.
    ///
    /// - Returns: libnats' connection.
    /// - Throws: ``NATSError`` with the servers, the problem and the remedy.
    func connect(_ events: ConnectionEvents) throws(NATSError) -> OpaquePointer {
        guard !urls.isEmpty else {
            throw NATSError(
                .badOption, operation: "connect to NATS",
                problem: "no server is named; name one, as in nats://HOST:4222")
        }
        var created: OpaquePointer?
        try checked("set up a connection") { unsafe natsOptions_Create(&created) }
        let settings = unsafe created
        defer { unsafe natsOptions_Destroy(settings) }
        unsafe try setReconnection(settings)
        unsafe try setServers(settings)
        unsafe try setTLS(settings)
        unsafe try events.register(in: settings)
        unsafe try setLogin(settings)

        var connection: OpaquePointer?
        let status = unsafe natsConnection_Connect(&connection, settings)
        guard status == NATS_OK, let connection = unsafe connection else {
            let error = failure(status)
            events.forget()
            throw error
        }
        return unsafe connection
    }

    /// A dead server is noticed after 3 s, and the next one is tried for ever.
    private func setReconnection(_ settings: OpaquePointer?) throws(NATSError) {
        let statuses = unsafe [
            natsOptions_SetPingInterval(settings, 1_000), natsOptions_SetMaxPingsOut(settings, 2),
            natsOptions_SetMaxReconnect(settings, -1), natsOptions_SetReconnectWait(settings, 200),
            natsOptions_SetReconnectJitter(settings, 100, 100),
            // libnats has no value for "none". `publish` checks the state first, so that at most one message is kept.
            natsOptions_SetReconnectBufSize(settings, 1),
            natsOptions_SetTimeout(settings, Int64(options.connectMilliseconds)),
            natsOptions_SetIOBufSize(settings, Self.bufferBytes),
            natsOptions_SetName(settings, options.name),
            // Otherwise libnats gathers messages for a millisecond. The throughput is no better then: 60,000 messages of
            // 200 bytes a second with 64 under way, and 2,000 of 256 KiB.
            natsOptions_SetSendAsap(settings, true),
            // Without a deadline, a server that does not read would block the writer, and with it libnats' pings.
            natsOptions_SetWriteDeadline(settings, Self.writeMilliseconds),
        ]
        for status in statuses { try checked("set up a connection") { status } }
    }

    private func setServers(_ settings: OpaquePointer?) throws(NATSError) {
        // libnats copies the strings.
        let texts = unsafe urls.map { unsafe UnsafePointer(strdup($0.text)) }
        defer { unsafe texts.forEach { unsafe free(UnsafeMutableRawPointer(mutating: $0)) } }
        var pointers = unsafe texts
        try checked("connect to", shown) { unsafe natsOptions_SetServers(settings, &pointers, CInt(pointers.count)) }
    }

    private func setTLS(_ settings: OpaquePointer?) throws(NATSError) {
        guard usesTLS else { return }
        try checked("set up TLS") { unsafe natsOptions_SetSecure(settings, true) }
        if let file = options.tls?.authorities {
            try load(file, "the authorities' certificates") {
                unsafe natsOptions_LoadCATrustedCertificates(settings, file)
            }
        }
        if let file = options.tls?.certificate {
            let key = options.tls?.key ?? file
            try load("\(file) and \(key)", "the certificate and its key") {
                unsafe natsOptions_LoadCertificatesChain(settings, file, key)
            }
        }
    }

    private func load(_ file: String, _ content: String, _ call: () -> natsStatus) throws(NATSError) {
        if call() != NATS_OK {
            throw NATSError(
                .badOption, operation: "read \(content) from", context: file,
                problem: "\(NATSError.lastText ?? "libnats gives no reason"); name a readable file in PEM")
        }
    }

    private func setLogin(_ settings: OpaquePointer?) throws(NATSError) {
        switch options.login {
        case nil: break
        case .nkeySeed(let file):
            // libnats reads the seed again for each login, but does not derive the public key from it.
            let key = try NKey(seedFile: file).publicKey
            try checked("use the nkey in", file) { unsafe natsOptions_SetNKeyFromSeed(settings, key, file) }
        case .credentials(let file):
            guard unsafe access(file, R_OK) == 0 else {
                throw NATSError(
                    .badOption, operation: "read the credentials", context: file,
                    problem: "\(NKey.systemText); name a readable file, as `nsc` writes it")
            }
            try checked("use the credentials in", file) {
                unsafe natsOptions_SetUserCredentialsFromFiles(settings, file, nil)
            }
        }
    }

    /// Returns the error for a failed attempt.
    private func failure(_ status: natsStatus) -> NATSError {
        let text = NATSError.lastText
        let code = NATSError.Code(status)
        let problem =
            switch code {
            case .unreachable:
                "no server answers; start NATS, or correct the address"
            case .timeout:
                "no server answers within \(options.connectMilliseconds) ms; check the address and the firewall"
            case .refusedLogin:
                options.login == nil
                    ? "the server refuses the login; give USER:PASSWORD@ in the URL, or the file of an nkey or credentials"
                    : "the server refuses the login; check that its configuration has this user's public key"
            case .tls where status == NATS_SECURE_CONNECTION_WANTED:
                "the server does not offer TLS; configure its tls block, or begin the URL with nats://"
            case .tls:
                "the TLS handshake failed (\(text ?? NATSError.text(of: status))); check the authorities' certificates, and "
                    + "the name that the server's certificate is for"
            case .badAnswer where usesTLS:
                "the server ends the connection after the TLS handshake; give a client's certificate that it accepts"
            default: text ?? NATSError.text(of: status)
            }
        return NATSError(code, operation: "connect to", context: shown, problem: problem)
    }

    /// The bytes that libnats reads or writes with one system call, at most.
    private static let bufferBytes: CInt = 1 << 18
    /// The time after which a server that does not read counts as dead, in milliseconds.
    private static let writeMilliseconds: Int64 = 2_000
}
#endif
