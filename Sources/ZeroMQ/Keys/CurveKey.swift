import CZeroMQ

/// A public key of CURVE, libzmq's encryption and authentication (<https://rfc.zeromq.org/spec/26/>): what others may know.
public struct CurvePublicKey: Hashable, Sendable, CustomStringConvertible {
    /// The key, 32 bytes.
    public let bytes: [UInt8]

    /// Takes a key as libzmq's authentication protocol carries it.
    ///
    /// - Parameter bytes: 32 bytes; nil comes of any other number.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == Z85.keyBytes else { return nil }
        self.bytes = bytes
    }

    /// Reads a key as it is written, in Z85 (<https://rfc.zeromq.org/spec/32/>).
    ///
    /// - Parameter text: 40 characters; nil comes of what is none.
    public init?(z85 text: String) {
        guard let bytes = Z85.decodedKey(text) else { return nil }
        self.bytes = bytes
    }

    /// The key in Z85, 40 characters.
    public var description: String { Z85.encoded(bytes) }
}

/// A secret key of CURVE with the public one that belongs to it: who somebody is.
public struct CurveKeyPair: Sendable, CustomStringConvertible {
    /// What others may know.
    public let publicKey: CurvePublicKey
    /// The secret key, 32 bytes.
    let secret: [UInt8]

    /// Makes a new pair.
    ///
    /// - Throws: ``ZeroMQError`` where this libzmq was built without CURVE.
    public init() throws(ZeroMQError) {
        var publicText = [CChar](repeating: 0, count: Z85.keyCharacters + 1)
        var secretText = publicText
        guard unsafe zmq_curve_keypair(&publicText, &secretText) == 0 else { throw .last("make a pair of keys") }
        guard let publicKey = CurvePublicKey(z85: Z85.text(publicText)),
            let secret = Z85.decodedKey(Z85.text(secretText))
        else { preconditionFailure("libzmq writes keys in Z85") }
        self.publicKey = publicKey
        self.secret = secret
    }

    /// Reads a secret key as it is written, in Z85, and finds the public one.
    ///
    /// - Parameter text: 40 characters; nil comes of what is none, or where this libzmq was built without CURVE.
    public init?(secretZ85 text: String) {
        guard let secret = Z85.decodedKey(text) else { return nil }
        var publicText = [CChar](repeating: 0, count: Z85.keyCharacters + 1)
        guard unsafe zmq_curve_public(&publicText, text) == 0,
            let publicKey = CurvePublicKey(z85: Z85.text(publicText))
        else { return nil }
        self.publicKey = publicKey
        self.secret = secret
    }

    /// The secret key in Z85, 40 characters, for its file alone.
    var secretZ85: String { Z85.encoded(secret) }

    /// The public key: what is printed must not tell the secret.
    public var description: String { "\(publicKey)" }
}

/// Who a client is, and the key by which it knows the daemon.
public struct CurveCredentials: Sendable {
    /// The client's own keys.
    public var keys: CurveKeyPair
    /// The daemon's public key.
    public var server: CurvePublicKey

    /// Creates credentials.
    ///
    /// - Parameters:
    ///   - keys: The client's own keys.
    ///   - server: The daemon's public key.
    public init(keys: CurveKeyPair, server: CurvePublicKey) {
        self.keys = keys
        self.server = server
    }
}

extension Socket {
    /// Whether libzmq was built with CURVE, as that of every common distribution is.
    public static var hasCurve: Bool { unsafe zmq_has("curve") == 1 }

    /// Lets only those in who know this server's public key, and encrypts what is said. Before binding.
    ///
    /// - Parameter keys: The server's.
    /// - Throws: ``ZeroMQError`` where this libzmq was built without CURVE.
    public func serveCurve(with keys: CurveKeyPair) throws(ZeroMQError) {
        var isServer: CInt = 1
        _ = try checked("use CURVE") {
            unsafe zmq_setsockopt(handle.pointer, ZMQ_CURVE_SERVER, &isServer, MemoryLayout<CInt>.size)
        }
        try setKey(ZMQ_CURVE_SECRETKEY, keys.secret)
    }

    /// Proves to a server who this client is, and has it prove the same. Before connecting. Does nothing without
    /// credentials, and for what is no TCP: there file permissions decide.
    ///
    /// - Parameters:
    ///   - credentials: The client's, if it has any.
    ///   - endpoint: Where it will connect.
    /// - Throws: ``ZeroMQError`` where this libzmq was built without CURVE.
    public func authenticate(with credentials: CurveCredentials?, at endpoint: Endpoint) throws(ZeroMQError) {
        guard let credentials, endpoint.isTCP else { return }
        try setKey(ZMQ_CURVE_SERVERKEY, credentials.server.bytes)
        try setKey(ZMQ_CURVE_PUBLICKEY, credentials.keys.publicKey.bytes)
        try setKey(ZMQ_CURVE_SECRETKEY, credentials.keys.secret)
    }

    /// Has whoever serves `inproc://zeromq.zap.01` in this context asked about everybody who wants to come in
    /// (<https://rfc.zeromq.org/spec/27/>); without an answer nobody does. Before binding.
    ///
    /// - Parameter domain: What the handler is told.
    /// - Throws: ``ZeroMQError`` where the domain is none.
    public func ask(accessDomain domain: String) throws(ZeroMQError) {
        _ = try checked("set the access domain", domain) {
            unsafe zmq_setsockopt(handle.pointer, ZMQ_ZAP_DOMAIN, domain, domain.utf8.count)
        }
        var isEnforced: CInt = 1
        _ = try checked("enforce the access domain", domain) {
            let option = CInt(SLUICE_ZMQ_ZAP_ENFORCE_DOMAIN)
            return unsafe zmq_setsockopt(handle.pointer, option, &isEnforced, MemoryLayout<CInt>.size)
        }
    }

    private func setKey(_ option: CInt, _ key: [UInt8]) throws(ZeroMQError) {
        _ = try checked("set a key of CURVE") {
            unsafe zmq_setsockopt(handle.pointer, option, key, key.count)
        }
    }
}

/// Keys as text.
private enum Z85 {
    static let keyBytes = 32
    static let keyCharacters = 40

    static func decodedKey(_ text: String) -> [UInt8]? {
        guard text.utf8.count == keyCharacters else { return nil }
        var bytes = [UInt8](repeating: 0, count: keyBytes)
        guard unsafe zmq_z85_decode(&bytes, text) != nil else { return nil }
        return bytes
    }

    static func encoded(_ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: keyCharacters + 1)
        _ = unsafe zmq_z85_encode(&text, bytes, bytes.count)
        return Self.text(text)
    }

    static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
