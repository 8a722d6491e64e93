import ModelFiles
import TestSupport
import Testing

/// Tests safetensors files that are damaged or malicious.
@Suite struct `A damaged safetensors file` {
    /// A string in the header of the smallest model, its replacement, and words that the error must contain.
    static let cases: [(old: String, new: String, words: String)] = [
        ("[0, 16]", "[0, 12]", "does not need 12 bytes"),
        ("[0, 16]", "[4, 20]", "begins at 4"),
        ("[0, 16]", "[16, 0]", "not two ascending offsets"),
        ("[0, 16]", "[-16, 0]", "not two ascending offsets"),
        ("[0, 16]", "[0]", "not two ascending offsets"),
        ("[0, 16]", "[0, 99999999999999999999]", "safetensors header"),
        ("[16, 32]", "[0, 16]", "begins at 0"),
        ("[32, 48]", "[32, 64]", "does not need 32 bytes"),
        ("[1, 4]", "[4611686018427387904, 4]", "does not need 16 bytes"),
        ("[1, 4]", "[-1, -4]", "does not need 16 bytes"),
        ("[1, 4]", "[1, 1, 1, 1, 1, 1, 1, 1, 4]", "does not need 16 bytes"),
        ("[1, 4]", "[1, [4]]", "levels"),
        ("[1, 4]", "1", "not of the type Array"),
        (#""dtype": "F32""#, #""dtype": "F33""#, "not a number type"),
        (#""dtype": "F32""#, #""dtype": "I32""#, "holds numbers of the type I32; supported: F32"),
        (#""dtype": "F32", "#, "", "'dtype' is missing"),
        (#""dtype": "F32""#, #""dtype": "F32", "dtype": "F32""#, "a name occurs twice"),
        (#""dtype": "F32""#, #""dtype": "F32", "more": 1"#, "an unknown property"),
        ("lstm/bias", "lstm/kernel", "safetensors header: a name occurs twice"),
        (#""format":"sluice""#, #""format":"sluice","format":"sluice""#, "a name occurs twice"),
        (#""format":"sluice""#, #""format":7"#, "safetensors header"),
    ]

    @Test(arguments: cases)
    func `a wrong header is refused, and the error names the mistake`(old: String, new: String, words: String) throws {
        var file = try SafetensorsBuilder.smallest()
        #expect(file.header.contains(old))
        file.header = file.header.replacing(old, with: new, maxReplacements: 1)
        let error = try #require(throws: ModelFileError.self) { try file.read() }
        #expect(error.code == .corrupt || error.code == .unsupported)
        #expect(error.context.contains(words), "\(error.context)")
    }

    @Test func `data that is too short or too long is refused`() throws {
        for change in [-48, -1, 1, 4] {
            var file = try SafetensorsBuilder.smallest()
            file.data = change < 0 ? file.data.dropLast(-change) : file.data + Array(repeating: 0, count: change)
            #expect(try #require(throws: ModelFileError.self) { try file.read() }.code == .corrupt)
        }
    }

    @Test(arguments: [1 << 31, 1 << 23, 4096, 1, 0] as [UInt64])
    func `a header with a wrong length is refused`(length: UInt64) throws {
        let bytes = try SafetensorsBuilder.smallest().bytes(headerLength: length)
        #expect(try #require(throws: ModelFileError.self) { try PatchedFile(bytes: bytes).read() }.code == .corrupt)
    }

    @Test func `a deeply nested architecture is refused before it is decoded`() throws {
        let deep = String(repeating: #"{"config":"#, count: 100_000) + "1" + String(repeating: "}", count: 100_000)
        let error = try #require(throws: ModelFileError.self) {
            try SafetensorsBuilder.smallest(metadata: ["architecture": deep]).read()
        }
        #expect(error.context.contains("nested deeper than"))
    }

    @Test func `the error about a truncated file is one line`() throws {
        let bytes = try SafetensorsBuilder.smallest().bytes()
        for length in 0..<bytes.count {
            let error = try #require(throws: ModelFileError.self) {
                try PatchedFile(bytes: Array(bytes.prefix(length))).read()
            }
            #expect(error.code == .corrupt || (length < 9 && error.code == .notAModel))
            #expect(!error.description.contains { $0.isNewline })
        }
    }
}
