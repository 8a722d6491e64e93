import ZeroMQ

/// libzmq's question about whether a client may connect (ZAP, <https://rfc.zeromq.org/spec/27/>).
struct AccessRequest {
    /// The client's proof of identity.
    enum Proof: Equatable {
        /// The client proved nothing, because the endpoint does not use CURVE.
        case none
        /// The client proved that it has the secret key that belongs to this public key.
        case key(CurvePublicKey)
    }

    /// The possible answers, with their ZAP status codes.
    enum Verdict: String {
        case welcome = "200"
        /// The client may try again later.
        case later = "300"
        case denied = "400"
    }

    /// The role of the endpoint.
    let role: EndpointRole
    /// The client's IP address; empty if the client connects over `ipc`.
    let address: String
    let proof: Proof
    private let id: [UInt8]

    private static let version = Array("1.0".utf8)

    /// Reads a request: version, id, domain, address, identity, mechanism, credentials. Returns nil if the frames are
    /// not a question about one of this daemon's endpoints.
    ///
    /// - Parameter frames: The frames of the question.
    init?(_ frames: [[UInt8]]) {
        guard frames.count >= 6, frames[0] == Self.version,
            let role = EndpointRole(rawValue: String(decoding: frames[2], as: UTF8.self))
        else { return nil }
        switch (String(decoding: frames[5], as: UTF8.self), frames.count) {
        case ("NULL", 6): proof = .none
        case ("CURVE", 7):
            guard let key = CurvePublicKey(frames[6]) else { return nil }
            proof = .key(key)
        default: return nil
        }
        id = frames[1]
        self.role = role
        address = String(decoding: frames[3], as: UTF8.self)
    }

    /// Returns the frames of the answer: version, id, status code and text, user, metadata.
    func reply(_ verdict: Verdict) -> [[UInt8]] {
        [Self.version, id, Array(verdict.rawValue.utf8), [], [], []]
    }

    /// Returns an answer that denies a malformed question. The answer repeats the question's id, if there is one.
    static func denial(of frames: [[UInt8]]) -> [[UInt8]] {
        [version, frames.dropFirst().first ?? [], Array(Verdict.denied.rawValue.utf8), [], [], []]
    }
}
