import Testing
import Wire

/// Tests the rules for stream ids, byte by byte.
@Suite struct `A stream id` {
    static let good: [String] = [
        "a", "meter-1", " ", "a b", "~", "\u{00A0}", "é", "e\u{301}", "流", "😀", "\u{10FFFF}", "\u{2028}", "\u{FEFF}a",
        "sluice/", "a!sluice/", "a!", "%_", "\"\\",
        String(repeating: "a", count: 255), String(repeating: "é", count: 127) + "a",
    ]

    static let bad: [String] = [
        "", "\u{0}", "a\u{0}", "\u{1F}", "a\nb", "\t", "\u{7F}", "a\u{7F}", "\u{80}", "\u{85}", "a\u{9F}", "!", "!a",
        "!sluice/a", String(repeating: "a", count: 256), String(repeating: "é", count: 128),
    ]

    /// Bytes that are not UTF-8 according to RFC 3629.
    static let noUTF8: [[UInt8]] = [
        [0x80], [0x61, 0xBF], [0xC3], [0xC0, 0xAF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xFF],
        [0x61, 0xFE, 0x61],
    ]

    @Test(arguments: good)
    func `an id of up to 255 bytes without control characters is valid`(id: String) {
        #expect(StreamID.isValid(id))
        #expect(isStreamID(Array(id.utf8)))
    }

    @Test(arguments: bad)
    func `an id that is empty, too long, reserved or contains a control character is not valid`(id: String) {
        #expect(!StreamID.isValid(id))
        #expect(!isStreamID(Array(id.utf8)))
    }

    @Test(arguments: noUTF8)
    func `bytes that are not UTF-8 are not a valid id`(bytes: [UInt8]) {
        #expect(!isStreamID(bytes))
    }

    @Test func `of the single characters below U+0100, only control characters and ! are refused`() {
        let refused = (0..<0x100).compactMap(Unicode.Scalar.init).filter { !StreamID.isValid(String($0)) }
        #expect(refused.map(\.value) == Array(0...0x1F) + [0x21] + Array(0x7F...0x9F))
    }
}
