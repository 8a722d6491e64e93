import Foundation
import TestSupport
import Testing

@testable import Client

/// Tests data that the program gzip has compressed.
@Suite struct `A gzip file` {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Compresses text with gzip, and returns the bytes.
    private func gzip(_ text: String) throws -> [UInt8] {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/bin/gzip")
        process.arguments = ["--stdout", try folder.write(text, to: "text")]
        process.standardOutput = output
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Array(bytes)
    }

    private func file(_ bytes: [UInt8]) throws -> InputFile {
        try Data(bytes).write(to: folder.url("data.gz"))
        return try InputFile(path: folder.path("data.gz"))
    }

    private func lines(_ file: InputFile, chunkSize: Int = 1 << 16) throws -> [String] {
        var reader = InputReader(file, chunkSize: chunkSize)
        var lines: [String] = []
        var line: [UInt8] = []
        while try reader.next(into: &line) {
            lines.append(String(decoding: line, as: UTF8.self))
            line.removeAll()
        }
        return lines
    }

    /// About 300 kB of lines, which compress to far less.
    private static let many = (1...50_000).map { "\($0)" }

    @Test(arguments: [1, 7, 1 << 16])
    func `all lines are read, whatever the size of the reads`(chunkSize: Int) throws {
        let bytes = try gzip(Self.many.joined(separator: "\n"))
        #expect(bytes.count < 150_000)
        let file = try file(bytes)
        #expect(file.size == nil)
        #expect(try lines(file, chunkSize: chunkSize) == Self.many)
        try file.rewind()
        #expect(try lines(file, chunkSize: chunkSize) == Self.many)
    }

    @Test func `consecutive members form one text, and zeros after the last member are ignored`() throws {
        let bytes = try gzip("a\nb") + gzip("") + gzip("c\nd\n") + [0, 0, 0]
        #expect(try lines(file(bytes)) == ["a", "bc", "d"])
        #expect(try lines(file(bytes), chunkSize: 1) == ["a", "bc", "d"])
    }

    @Test func `reading a truncated file throws an error that names the file`() throws {
        let bytes = try gzip("a\nb\n")
        for count in 2..<bytes.count {
            let error = #expect(throws: ClientError.self) { try lines(file(Array(bytes.prefix(count)))) }
            #expect(error?.status == .data)
            #expect(error?.message.contains("data.gz: the gzip data is damaged: it ends too early") == true)
        }
    }

    @Test func `the lines before damaged data are read, and the lines after it are not`() throws {
        var bytes = try gzip(Self.many.joined(separator: "\n"))
        for index in 60_000..<60_100 { bytes[index] = 0xFF }
        let layout = try RowLayout(stream: "s", hasHeader: false, skipsBadRows: true)
        var source = try RowSource(file(bytes), layout: layout)
        var count: Float = 0
        let error = #expect(throws: ClientError.self) {
            while let row = try source.next() {
                #expect(row.values == [count + 1])
                count += 1
            }
        }
        #expect(count > 1_000)
        #expect(error?.message.contains("data.gz: the gzip data is damaged: invalid") == true)
        #expect(source.badRows.count == 0)
    }

    @Test func `a JSON array in a truncated file is damaged gzip data, even if bad rows are skipped`() throws {
        let bytes = try gzip("[" + Self.many.joined(separator: ",") + "]")
        let layout = try RowLayout(stream: "s", skipsBadRows: true)
        var source = try RowSource(file(Array(bytes.dropLast(5_000))), layout: layout)
        let error = #expect(throws: ClientError.self) { while try source.next() != nil {} }
        #expect(error?.message.contains("data.gz: the gzip data is damaged: it ends too early") == true)
        #expect(source.badRows.count == 0)
    }

    @Test func `other data after the last member leads to an error`() throws {
        let error = #expect(throws: ClientError.self) { try lines(file(gzip("a\n") + Array("b\n".utf8))) }
        #expect(error?.message.contains("other data follows it") == true)
    }

    @Test func `the data that has already arrived on a pipe is read`() throws {
        let pipe = Pipe()
        let file = InputFile(descriptor: dup(pipe.fileHandleForReading.fileDescriptor), name: "pipe")
        var reader = InputReader(file)
        let (first, second) = (try gzip("one\n"), try gzip("two\n"))
        #expect(reader.wouldWait)
        try pipe.fileHandleForWriting.write(contentsOf: Data(first + second.prefix(12)))
        var line: [UInt8] = []
        #expect(try reader.next(into: &line))
        #expect(line == Array("one".utf8))
        try pipe.fileHandleForWriting.write(contentsOf: Data(second.dropFirst(12)))
        #expect(try reader.next(into: &line))
        #expect(line == Array("onetwo".utf8))
        #expect(reader.wouldWait)
        try pipe.fileHandleForWriting.close()
        #expect(try !reader.next(into: &line))
    }
}
