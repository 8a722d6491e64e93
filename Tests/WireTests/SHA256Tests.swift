import Testing
import Wire

@Suite struct `SHA-256` {
    /// Examples of FIPS 180-4 (<https://csrc.nist.gov/projects/cryptographic-standards-and-guidelines/example-values>).
    private static let examples = [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ]

    @Test(arguments: examples) func `has the digests of the standard`(_ text: String, _ digest: String) {
        var hash = SHA256()
        hash.update(Array(text.utf8))
        #expect(hash.digest().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() == digest)
    }

    @Test func `does not depend on how the input is divided`() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        var whole = SHA256()
        whole.update(bytes)
        let expected = whole.digest()
        var divided = SHA256()
        for start in stride(from: 0, to: bytes.count, by: 77) {
            divided.update(Array(bytes[start..<min(start + 77, bytes.count)]))
        }
        #expect(divided.digest() == expected)
    }
}
