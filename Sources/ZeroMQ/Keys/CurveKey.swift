import CZeroMQ

/// A public key for CURVE, libzmq's encryption and authentication (<https://rfc.zeromq.org/spec/26/>).
public struct CurvePublicKey: Hashable, Sendable, CustomStringConvertible {
    /// The key, 32 bytes.
    public let bytes: [UInt8]

    /// Creates a key from its bytes, which is the form that libzmq's authentication protocol uses. Returns nil unless
    /// there are 32 bytes.
    ///
    /// - Parameter bytes: The key, 32 bytes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == Z85.keyBytes else { return nil }
        self.bytes = bytes
    }

    /// Creates a key from Z85 (<https://rfc.zeromq.org/spec/32/>). Returns nil if `text` is not a Z85 key.
    ///
    /// - Parameter text: The key, 40 characters.
    public init?(z85 text: String) {
        guard let bytes = Z85.decodedKey(text) else { return nil }
        self.bytes = bytes
    }

    /// The key in Z85, 40 characters.
    public var description: String { Z85.encoded(bytes) }
}

/// A CURVE secret key and its public key. The pair identifies its owner.
public struct CurveKeyPair: Sendable, CustomStringConvertible {
    /// The public key.
    public let publicKey: CurvePublicKey
    /// The secret key, 32 bytes.
    let secret: [UInt8]

    /// Creates a new pair.
    ///
    /// - Throws: ``ZeroMQError`` if libzmq was built without CURVE.
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

    /// Creates a pair from a secret key in Z85. Returns nil if `text` is not a Z85 key, or if libzmq was built without
    /// CURVE.
    ///
    /// - Parameter text: The secret key, 40 characters.
    public init?(secretZ85 text: String) {
        guard let secret = Z85.decodedKey(text) else { return nil }
        var publicText = [CChar](repeating: 0, count: Z85.keyCharacters + 1)
        guard unsafe zmq_curve_public(&publicText, text) == 0,
            let publicKey = CurvePublicKey(z85: Z85.text(publicText))
        else { return nil }
        self.publicKey = publicKey
        self.secret = secret
    }

    /// The secret key in Z85, 40 characters. It may be written only to the key file.
    var secretZ85: String { Z85.encoded(secret) }

    /// The public key. The secret key is left out, so that no output can reveal it.
    public var description: String { "\(publicKey)" }
}

/// A client's keys, and the public key that the client expects the daemon to have.
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
    /// Whether libzmq was built with CURVE, as it is in every common distribution.
    public static var hasCurve: Bool { unsafe zmq_has("curve") == 1 }

    /// Admits only peers that know this server's public key, and encrypts all messages. Call this before binding.
    ///
    /// - Parameter keys: The server's keys.
    /// - Throws: ``ZeroMQError`` if libzmq was built without CURVE.
    public func serveCurve(with keys: CurveKeyPair) throws(ZeroMQError) {
        var isServer: CInt = 1
        _ = try checked("use CURVE") {
            unsafe zmq_setsockopt(handle.pointer, ZMQ_CURVE_SERVER, &isServer, MemoryLayout<CInt>.size)
        }
        try setKey(ZMQ_CURVE_SECRETKEY, keys.secret)
    }

    /// Makes this client and the server authenticate each other. Call this before connecting. The call does nothing if
    /// there are no credentials, or if the endpoint is not TCP. Access to an endpoint without TCP is controlled by file
    /// permissions instead.
    ///
    /// - Parameters:
    ///   - credentials: The client's credentials, if it has any.
    ///   - endpoint: The endpoint to connect to.
    /// - Throws: ``ZeroMQError`` if libzmq was built without CURVE.
    public func authenticate(with credentials: CurveCredentials?, at endpoint: Endpoint) throws(ZeroMQError) {
        guard let credentials, endpoint.isTCP else { return }
        try setKey(ZMQ_CURVE_SERVERKEY, credentials.server.bytes)
        try setKey(ZMQ_CURVE_PUBLICKEY, credentials.keys.publicKey.bytes)
        try setKey(ZMQ_CURVE_SECRETKEY, credentials.keys.secret)
    }

    /// Makes the socket ask the service at `inproc://zeromq.zap.01` in this context about every peer that connects
    /// (<https://rfc.zeromq.org/spec/27/>). If the service does not answer, the peer is not admitted. Call this before
    /// binding.
    ///
    /// - Parameter domain: The access domain that the socket names in each request to the service.
    /// - Throws: ``ZeroMQError`` if the domain is not valid.
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

/// Converts keys to text and back.
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
