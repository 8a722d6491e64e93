import Foundation
import Testing
import Wire

/// Tests how untrusted text is shown in a terminal or a log.
@Suite struct `Visible text` {
    @Test(
        arguments: [
            ("", ""), ("plain 'text' \\ \"é 流 😀\"", "plain 'text' \\ \"é 流 😀\""), ("a\nb\tc\r", #"a\nb\tc\r"#),
            ("\u{1B}[31m\u{0}\u{7F}", #"\u{1b}[31m\u{0}\u{7f}"#), ("\u{85}\u{9B}", #"\u{85}\u{9b}"#),
            ("\u{200E}\u{200F}\u{61C}", #"\u{200e}\u{200f}\u{61c}"#), ("\u{202A}\u{202E}", #"\u{202a}\u{202e}"#),
            ("\u{2066}\u{2069}", #"\u{2066}\u{2069}"#), ("\u{2028}\u{2029}", #"\u{2028}\u{2029}"#),
            ("\u{200B}\u{200D}\u{FEFF}", #"\u{200b}\u{200d}\u{feff}"#), ("\u{E0041}\u{3164}", #"\u{e0041}\u{3164}"#),
            ("❤\u{FE0F} e\u{301}", "❤\u{FE0F} e\u{301}"),
        ])
    func `invisible characters are escaped`(_ text: String, _ shown: String) {
        #expect(VisibleText.escaped(text) == shown)
        #expect(VisibleText.escaped(shown) == shown)
    }

    @Test func `line feeds stay if the caller keeps lines`() {
        #expect(VisibleText.escaped("a\nb\u{9B}", keepsLines: true) == "a\nb\\u{9b}")
    }

    @Test(
        arguments: [
            ([], #""""#), (Array(#"a"b\c"#.utf8), #""a\"b\\c""#), (Array(#"\u{9b}"#.utf8), #""\\u{9b}""#),
            (Array("\u{9B}".utf8), #""\u{9b}""#), ([0x61, 0xFF, 0x62], #""a\xffb""#), ([0xC3], #""\xc3""#),
            ([0xE2, 0x82, 0x61], #""\xe2\x82a""#), ([0xED, 0xA0, 0x80], #""\xed\xa0\x80""#),
            (Array("é😀\u{FFFD}".utf8), "\"é😀\u{FFFD}\""),
        ] as [([UInt8], String)])
    func `different bytes look different when quoted`(_ bytes: [UInt8], _ shown: String) {
        #expect(VisibleText.quoted(bytes) == shown)
    }

    @Test func `escaped JSON keeps its meaning and has no invisible characters`() throws {
        let text = "a\"\\\u{7F}\u{9B}\u{202E}\u{2028}\u{200D}\u{E0041}é😀"
        let json = Array(try JSONEncoder().encode([text: [text]]))
        let escaped = VisibleText.escaped(json: json)
        #expect(String(decoding: escaped, as: UTF8.self).unicodeScalars.allSatisfy { VisibleText.shows($0) })
        let read = try JSONDecoder().decode([String: [String]].self, from: Data(escaped))
        #expect(read.keys.map { Array($0.utf8) } == [Array(text.utf8)])
        #expect(read.values.first?.first.map { Array($0.utf8) } == Array(text.utf8))
        #expect(VisibleText.escaped(json: Array("{\n\t\"a\": 1}\r".utf8)) == Array("{  \"a\": 1} ".utf8))
    }
}
