import ZeroMQ

/// What libzmq asks before it lets somebody in (ZAP, <https://rfc.zeromq.org/spec/27/>).
struct AccessRequest {
    /// What the other side has shown.
    enum Proof: Equatable {
        /// Nothing: the endpoint has no CURVE.
        case none
        /// That it has the secret key of this one.
        case key(CurvePublicKey)
    }

    /// The answers, by the protocol's status codes.
    enum Verdict: String {
        case welcome = "200"
        /// Perhaps later.
        case later = "300"
        case denied = "400"
    }

    /// What the endpoint is for.
    let role: EndpointRole
    /// The other side's IP address; empty where it is on this machine by `ipc`.
    let address: String
    let proof: Proof
    private let id: [UInt8]

    private static let version = Array("1.0".utf8)

    /// Reads a request: version, id, domain, address, identity, mechanism, credentials.
    ///
    /// - Parameter frames: As they came; nil comes of what is no request of an endpoint of this daemon.
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

    /// The answer: version, id, status code and text, user, metadata.
    func reply(_ verdict: Verdict) -> [[UInt8]] {
        [Self.version, id, Array(verdict.rawValue.utf8), [], [], []]
    }

    /// The answer to what is no request: its id, if it has one, is denied.
    static func denial(of frames: [[UInt8]]) -> [[UInt8]] {
        [version, frames.dropFirst().first ?? [], Array(Verdict.denied.rawValue.utf8), [], [], []]
    }
}
