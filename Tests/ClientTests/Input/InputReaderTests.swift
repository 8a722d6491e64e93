import Foundation
import Testing

@testable import Client

@Suite struct `An input reader` {
    @Test(
        arguments: [
            ("", []), ("\n", [""]), ("a", ["a"]), ("a\n", ["a"]), ("a\nb", ["a", "b"]), ("a\n\nb\n", ["a", "", "b"]),
            ("a\r\nb\r\n", ["a\r", "b\r"]), ("längere Zeile\nnoch eine, die nicht in ein Stück passt", nil),
        ] as [(String, [String]?)])
    func `lines are complete whatever the size of the reads`(_ text: String, _ lines: [String]?) throws {
        for chunkSize in [1, 2, 3, 7, 4096] {
            let pipe = Pipe()
            try pipe.fileHandleForWriting.write(contentsOf: Data(text.utf8))
            try pipe.fileHandleForWriting.close()
            let file = InputFile(descriptor: dup(pipe.fileHandleForReading.fileDescriptor), name: "pipe")
            var reader = InputReader(file, chunkSize: chunkSize)
            let expected = lines ?? text.components(separatedBy: "\n")
            var read: [String] = []
            while let line = try next(&reader) { read.append(line) }
            #expect(read == expected)
            #expect(reader.lineNumber == expected.count)
            #expect(reader.byteCount == text.utf8.count)
        }
    }

    @Test func `a line from a pipe is available when it is written, not only when the pipe ends`() throws {
        let pipe = Pipe()
        let file = InputFile(descriptor: dup(pipe.fileHandleForReading.fileDescriptor), name: "pipe")
        var reader = InputReader(file)
        #expect(reader.wouldWait)
        try pipe.fileHandleForWriting.write(contentsOf: Data("one\ntwo\nthr".utf8))
        let first = try next(&reader)
        #expect(first == "one")
        #expect(!reader.wouldWait, "the second line has been read already")
        let second = try next(&reader)
        #expect(second == "two")
        #expect(reader.wouldWait, "the third line has not ended yet")
        try pipe.fileHandleForWriting.close()
        #expect(!reader.wouldWait, "the end of the file can be read without waiting")
        let third = try next(&reader)
        #expect(third == "thr")
        let fourth = try next(&reader)
        #expect(fourth == nil)
    }

    @Test func `the error about a missing file names its path`() {
        #expect {
            try InputFile(path: "/no/such/file.csv")
        } throws: { error in
            (error as? ClientError)?.status == .noInput && "\(error)".contains("/no/such/file.csv")
        }
    }

    private func next(_ reader: inout InputReader) throws -> String? {
        var line: [UInt8] = []
        return try reader.next(into: &line) ? String(decoding: line, as: UTF8.self) : nil
    }
}
