#if Cluster
import CSodium
import Glibc

/// A user's Ed25519 key as NATS writes it: base32 of a prefix for its kind, the key and a checksum
/// (<https://github.com/nats-io/nkeys>).
struct NKey: Equatable {
    /// The public key, which begins with `U` for a user.
    let publicKey: String

    /// Reads the seed from a file. The file may have a line of dashes before and after the seed.
    ///
    /// - Throws: ``NATSError`` if the file cannot be read, has no seed, or is a credentials file.
    init(seedFile file: String) throws(NATSError) {
        guard let bytes = Self.content(of: file) else {
            throw NATSError(
                .badOption, operation: "read the nkey's seed from", context: file,
                problem: "\(Self.systemText); name a readable file that has the seed")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard !text.contains("NATS USER JWT") else {
            throw NATSError(
                .badOption, operation: "read the nkey's seed from", context: file,
                problem: "it is a credentials file; name it as such")
        }
        let lines = text.split(whereSeparator: \.isNewline)
        guard let key = lines.lazy.compactMap({ NKey(seed: $0) }).first else {
            throw NATSError(
                .badOption, operation: "read the nkey's seed from", context: file,
                problem: "no line is a seed, which begins with SU and has 58 characters; make one with `nk -gen user`")
        }
        self = key
    }

    /// Derives the public key from a seed; nil if the text is not a seed.
    init?(seed text: some StringProtocol) {
        guard text.utf8.count == 58, let bytes = Self.decoded(text), bytes.count == 36 else { return nil }
        let checksum = UInt16(bytes[34]) | UInt16(bytes[35]) << 8
        // The first 5 bits say that the key is a seed, the next 8 bits which kind of key.
        guard bytes[0] & 0xF8 == 18 << 3, Self.checksum(of: bytes[..<34]) == checksum else { return nil }
        let kind = bytes[0] << 5 | bytes[1] >> 3
        guard sodium_init() >= 0 else { return nil }
        var publicKey = [UInt8](repeating: 0, count: Int(crypto_sign_PUBLICKEYBYTES))
        var secretKey = [UInt8](repeating: 0, count: Int(crypto_sign_SECRETKEYBYTES))
        guard unsafe crypto_sign_seed_keypair(&publicKey, &secretKey, Array(bytes[2..<34])) == 0 else { return nil }
        let count = secretKey.count
        unsafe sodium_memzero(&secretKey, count)
        let body = [kind] + publicKey
        let sum = Self.checksum(of: body[...])
        self.publicKey = Self.encoded(body + [UInt8(sum & 0xFF), UInt8(sum >> 8)])
    }

    /// The system's text for the last failed call.
    static var systemText: String { unsafe String(cString: strerror(errno)).lowercased() }

    private static func content(of file: String) -> [UInt8]? {
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        return count >= 0 ? Array(bytes[..<count]) : nil
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)

    private static func decoded(_ text: some StringProtocol) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var bitCount = 0
        for character in text.utf8 {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 5 | UInt32(value)
            bitCount += 5
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(bitCount)))
            }
        }
        return bytes
    }

    private static func encoded(_ bytes: [UInt8]) -> String {
        var characters: [UInt8] = []
        var bits: UInt32 = 0
        var bitCount = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            bitCount += 8
            while bitCount >= 5 {
                bitCount -= 5
                characters.append(alphabet[Int(bits >> UInt32(bitCount) & 31)])
            }
        }
        if bitCount > 0 { characters.append(alphabet[Int(bits << UInt32(5 - bitCount) & 31)]) }
        return String(decoding: characters, as: UTF8.self)
    }

    /// CRC-16/XMODEM.
    private static func checksum(of bytes: ArraySlice<UInt8>) -> UInt16 {
        bytes.reduce(0) { sum, byte in
            (0..<8).reduce(sum ^ UInt16(byte) << 8) { sum, _ in
                sum & 0x8000 != 0 ? sum << 1 ^ 0x1021 : sum << 1
            }
        }
    }
}
#endif
