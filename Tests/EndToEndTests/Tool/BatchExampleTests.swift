import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Runs the examples of messages that carry many streams.
@Suite struct `The examples of many streams in one message` {
    private static let root = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()

    private func run(_ program: String, _ arguments: [String]) throws -> Int32 {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }

    private func address(_ daemon: DaemonProcess) -> String { daemon.ingest.replacing("pull:@", with: "") }

    @Test func `the Python code of the protocol page sends ids, a dictionary and numbers`() throws {
        let page = try String(
            contentsOf: Self.root.appending(path: "Sources/Wire/Wire.docc/Protocol.md"), encoding: .utf8)
        let section = try #require(page.split(separator: "\n### Many streams in one message\n").last)
        let text = try #require(section.split(separator: "\n## ").first)
        let code = text.matches(of: /(?s)```python\n(.*?)```/).map { String($0.1) }
        try #require(code.count == 2)
        let start = """
            import hashlib, numpy, struct, sys, zmq
            socket = zmq.Context().socket(zmq.PUSH)
            socket.sndtimeo = socket.linger = 20000
            socket.connect(sys.argv[1])

            """
        let daemon = try DaemonProcess([model2], ingest: [batchEndpoint])
        let peer = try Peer(daemon)
        #expect(try run("/usr/bin/python3", ["-c", start + code.joined(separator: "\n"), address(daemon)]) == 0)
        let values: [(String, [Float])] = [("meter-1", [0.5, 0.25]), ("meter-20", [-1.2, 0.75, 0.125])]
        for (stream, values) in values {
            let decisions = try peer.decisions(of: stream, values.count)
            let single = try Peer(try DaemonProcess([model2])).decide(stream, values)
            #expect(decisions.bits == single.bits)
        }
        #expect(try peer.status().dropped.values.allSatisfy { $0 == 0 })
    }

    @Test func `the C program sends one timestep of each stream`() throws {
        let folder = try TemporaryFolder()
        let program = folder.path("batch")
        let source = Self.root.appending(path: "tools/examples/batch.c").path
        try #require(try run("/usr/bin/cc", ["-Wall", "-Wextra", "-Werror", source, "-lzmq", "-o", program]) == 0)
        let daemon = try DaemonProcess([model2], ingest: [batchEndpoint])
        let peer = try Peer(daemon)
        #expect(try run(program, [address(daemon), "a", "0.5", "longer", "-1.5"]) == 0)
        let single = try Peer(try DaemonProcess([model2]))
        for (stream, value) in [("a", Float(0.5)), ("longer", -1.5)] {
            #expect(try peer.decisions(of: stream, 1).bits == single.decide(stream, [value]).bits)
        }
        #expect(try run(program, [address(daemon), "a"]) == 64)
    }
}
