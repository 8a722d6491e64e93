import Foundation
import ModelFiles
import TestSupport
import Testing

/// Tests damaged models and files that are not models at all. Each must be refused with a typed, one-line error, and
/// nothing may crash.
@Suite struct `A damaged model file` {
    /// Returns the error of `read`, or nil if it succeeds.
    private func error(_ read: () throws -> ModelFile) throws -> ModelFileError? {
        do {
            _ = try read()
            return nil
        } catch let error as ModelFileError {
            #expect(!error.description.contains { $0.isNewline })
            return error
        }
    }

    @Test func `a missing file and an unreadable file have different errors`() throws {
        let folder = Fixtures.url("reference").path()
        #expect(try error { try ModelFile.read("\(folder)/model9.keras") }?.code == .notFound)
        #expect(try error { try ModelFile.read("\(folder)/README.md/model1.keras") }?.code == .notFound)
        #expect(try error { try ModelFile.read("") }?.code == .notFound)
        #expect(try error { try ModelFile.read(folder) }?.code == .unreadable)
        #expect(try error { try ModelFile.read("/dev/zero") }?.code == .unreadable)
    }

    @Test func `the error about a path with a line break is one line`() throws {
        let error = try error { try ModelFile.read("no\nsuch\r\n\u{2028}file") }
        #expect(error?.description == "no such file: no such file or folder; check the path")
    }

    @Test(arguments: [
        "", "P", "PK\u{3}", "hello\n", "stream,step,x0\n", "{}", #"12345678{"a": 1}"#,
        String(repeating: "x", count: 100_000),
    ])
    func `a file of other bytes is not a model`(text: String) throws {
        let error = try error { try PatchedFile(bytes: Array(text.utf8)).read() }
        #expect(error?.code == .notAModel)
        #expect(
            error?.description.contains(
                "supported: Keras 3 archives (.keras), Keras HDF5 files of a whole model (.h5), .safetensors") == true)
    }

    @Test func `a zip archive without a configuration is not a model`() throws {
        var file = try PatchedFile("reference/model2.keras")
        #expect(file.replace("config.json", with: "konfig.json") == 2)
        #expect(try error { try file.read() }?.code == .notAModel)
    }

    @Test func `an archive without weights is corrupt`() throws {
        var file = try PatchedFile("reference/model2.keras")
        #expect(file.replace("model.weights.h5", with: "model.weights.h6") == 2)
        #expect(try error { try file.read() }?.code == .corrupt)
    }

    @Test func `an archive without metadata has no Keras version`() throws {
        var file = try PatchedFile("reference/model2.keras")
        #expect(file.replace("metadata.json", with: "metadata.jsom") == 2)
        #expect(try file.read().kerasVersion == nil)
    }

    @Test func `an HDF5 file without a configuration is not a model`() throws {
        var file = try PatchedFile("reference/model2.h5")
        #expect(file.replace("model_config", with: "model_konfig") == 1)
        #expect(try error { try file.read() }?.code == .notAModel)
    }

    @Test func `the checksum of an archive reveals a damaged byte`() throws {
        var file = try PatchedFile("reference/model2.keras")
        file.bytes[file.bytes.count / 2] ^= 1
        #expect(try error { try file.read() }?.code == .corrupt)
    }

    @Test(arguments: ["reference/model2.keras", "reference/model2.h5"])
    func `the error about a truncated file is one line`(fixture: String) throws {
        let bytes = try PatchedFile(fixture).bytes
        let lengths =
            Array(stride(from: 0, to: 64, by: 7)) + Array(stride(from: 64, to: bytes.count, by: 997)) + [
                bytes.count - 1
            ]
        for length in lengths {
            let error = try error { try PatchedFile(bytes: Array(bytes.prefix(length))).read() }
            let code = try #require(error?.code, "the first \(length) bytes were read")
            #expect(code == .corrupt || (length < 8 && code == .notAModel))
        }
    }

    /// Skipped under a sanitizer, which may detect the library's fault first. The sanitizer would then never finish its
    /// report, because the process is not allowed to open files.
    #if !SANITIZED
    @Test func `a file that crashes libhdf5 crashes only the process that reads it`() throws {
        let error = try error { try ModelFile.read(Fixtures.url("damaged/crash.h5").path()) }
        #expect(error?.code == .corrupt)
        #expect(error?.context.hasPrefix("damaged: reading it ended in a crash (") == true)
    }
    #endif

    @Test(arguments: [
        "reference/model2.keras", "reference/model2.h5", "keras/three_deep.h5", "keras/normalizations.h5",
    ])
    func `a mutated file gives a model or an error`(fixture: String) throws {
        let whole = try PatchedFile(fixture)
        var random = SplitMix64(seed: 2)
        for _ in 0..<25 {
            var file = whole
            file.mutate(using: &random)
            _ = try error { try file.read() }
        }
    }

    @Test(arguments: ["config.json", "model.weights.h5"])
    func `a mutated entry with a correct checksum gives a model or an error`(entry: String) throws {
        let whole = try PatchedFile("reference/model2.keras")
        var random = SplitMix64(seed: 3)
        for _ in 0..<15 {
            var file = whole
            file.changeEntry(entry) { $0.mutate(using: &random) }
            _ = try error { try file.read() }
        }
    }
}

extension PatchedFile {
    /// Overwrites one to four runs of one to eight bytes.
    fileprivate mutating func mutate(using random: inout SplitMix64) {
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let start = Int.random(in: bytes.indices, using: &random)
            for index in start..<min(bytes.count, start + Int.random(in: 1...8, using: &random)) {
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
        }
    }
}
