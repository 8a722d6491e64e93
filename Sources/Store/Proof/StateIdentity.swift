/// A random number that a state folder keeps for life and shares only with its copies.
///
/// The identity is the key of every checksum. Therefore, a row from another state never matches its checksum.
public struct StateIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The length in bytes, which is the length of a SipHash key.
    static let byteCount = 16

    /// The identity: shape (16).
    let bytes: [UInt8]

    /// Creates a new identity from the system's random number generator.
    init() {
        bytes = (0..<Self.byteCount).map { _ in .random(in: .min ... .max) }
    }

    /// Creates an identity from stored bytes. Returns nil unless there are 16 bytes.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// The identity as 32 hexadecimal digits.
    public var description: String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
