import Foundation
import TestSupport
import Testing

@Suite struct `The files of a process` {
    @Test func `stay open only in the process that was started with them`() throws {
        let folder = try TemporaryFolder()
        _ = try folder.write("text\n", to: "in")
        _ = try folder.write("", to: "out")
        let process = Process()
        process.executableURL = URL(filePath: "/bin/cat")
        process.standardInput = try FileHandle(forReadingFrom: folder.url("in"))
        process.standardOutput = try FileHandle(forWritingTo: folder.url("out"))
        try process.runOwningFiles()
        process.waitUntilExit()
        #expect(try String(contentsOf: folder.url("out"), encoding: .utf8) == "text\n")
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        // Other tests close descriptors in the meantime.
        let files = descriptors.compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }
        #expect(!files.contains { $0.hasPrefix(folder.path) })
    }
}
