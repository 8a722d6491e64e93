/// A number that a state folder has for its whole life, and that no other folder has but its copies.
///
/// Every checksum is keyed with the identity, so that a row of another state fits nowhere.
public struct StateIdentity: Hashable, Sendable, CustomStringConvertible {
    /// The length in bytes, which is that of a key of SipHash.
    static let byteCount = 16

    /// The identity: shape (16).
    let bytes: [UInt8]

    /// A new identity, from the system's random numbers.
    init() {
        bytes = (0..<Self.byteCount).map { _ in .random(in: .min ... .max) }
    }

    /// An identity that was stored; nil where the bytes are not 16.
    init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// The identity as 32 hexadecimal digits.
    public var description: String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
