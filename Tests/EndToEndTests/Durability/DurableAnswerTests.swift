import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests that answers stay true after a crash. If an answer reports success, the effect of the request survives. If an
/// answer reports failure, the request has no effect.
@Suite struct `The answer to a control request` {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func arguments(_ durability: String, interval: String = "3600") -> [String] {
        [model2, "--state-dir", folder.path, "--durability", durability, "--checkpoint-interval", interval]
    }

    private func export(_ peer: Peer, _ stream: String) throws -> StreamExport {
        try peer.control.call(.export(stream))
    }

    private func count(_ peer: Peer, _ command: ControlCommand) throws -> [Int] {
        try peer.control.call(command, as: [String: Int].self).values.sorted()
    }

    /// Sends a request that must fail, and returns the error message.
    private func failure(_ peer: Peer, _ command: ControlCommand) -> String {
        let error = #expect(throws: ClientError.self) {
            try peer.control.call(command, as: JSONValue.self)
        }
        return "\(error.map { "\($0)" } ?? "")"
    }

    @Test(arguments: ["checkpoint", "journal"])
    func `an answered reset, import, restore and removal survive kill -9`(durability: String) throws {
        var daemon = try DaemonProcess(arguments(durability))
        var peer = try Peer(daemon)
        func crash() throws {
            daemon.kill()
            daemon = try DaemonProcess(arguments(durability))
            peer = try Peer(daemon)
        }
        for stream in ["a", "b", "c"] { _ = try peer.decide(stream, values(10)) }
        _ = try peer.control.call(.snapshot(name: "ten", .all))
        var image = try export(peer, "a")
        _ = try peer.decide("b", values(3))
        #expect(try count(peer, .reset(.stream("c"))) == [1])
        try crash()
        #expect(try peer.control.stream("c")?.sequence == 10)
        #expect(try peer.control.stream("c")?.step == 0)
        #expect(try peer.control.stream("b")?.sequence == 13)

        image.stream = "imported"
        _ = try peer.control.call(.import(image, as: nil))
        try crash()
        #expect(try export(peer, "imported").state == image.state)

        #expect(try count(peer, .restore(name: "ten", .all)) == [3])
        try crash()
        #expect(try peer.control.stream("b")?.sequence == 10)
        #expect(try peer.control.stream("c")?.step == 10)

        #expect(try count(peer, .remove(.prefix("a"))) == [1])
        try crash()
        #expect(try peer.control.stream("a") == nil)
        #expect(try peer.status().streams == 3)
        #expect(daemon.stop() == 0)
    }

    @Test func `the answer to a removal is true, both on a full disk and afterwards`() throws {
        var daemon = try DaemonProcess(arguments("checkpoint"), fileSizeLimit: noLimit)
        var peer = try Peer(daemon)
        for stream in ["s", "other"] { _ = try peer.decide(stream, values(10)) }
        _ = try peer.control.call(.checkpoint)
        _ = try peer.decide("s", values(2))
        try limitFiles(of: daemon, to: 4096)
        #expect(failure(peer, .remove(.all)).contains("cannot delete streams"))
        #expect(try peer.control.stream("s")?.sequence == 12)
        #expect(try peer.decide("s", values(1)).map(\.sequence) == [13])

        try limitFiles(of: daemon, to: 1024 * noLimit)
        _ = try peer.control.call(.checkpoint)
        daemon.kill()
        daemon = try DaemonProcess(arguments("checkpoint"))
        peer = try Peer(daemon)
        #expect(try peer.control.stream("s")?.sequence == 13)
        #expect(try count(peer, .remove(.stream("s"))) == [1])
        daemon.kill()
        let last = try Peer(try DaemonProcess(arguments("checkpoint")))
        #expect(try last.status().streams == 1)
    }

    @Test func `with a journal, the first removal on a full disk fails at once, and nothing is done`() throws {
        let daemon = try DaemonProcess(arguments("journal"), fileSizeLimit: noLimit)
        let peer = try Peer(daemon)
        for stream in ["s", "other"] { _ = try peer.decide(stream, values(10)) }
        try limitFiles(of: daemon, to: 4096)
        #expect(failure(peer, .remove(.all)).contains("nothing was done"))
        #expect(try peer.status().streams == 2)
        daemon.kill()
        let again = try DaemonProcess(arguments("journal"))
        let next = try Peer(again)
        #expect(try next.status().streams == 2)
        #expect(try count(next, .remove(.stream("s"))) == [1])
        again.kill()
        let last = try Peer(try DaemonProcess(arguments("journal")))
        #expect(try last.status().streams == 1)
    }

    @Test func `a request that waits for a checkpoint gets an error if a stop ends without one`() throws {
        let daemon = try DaemonProcess(arguments("checkpoint"), fileSizeLimit: noLimit)
        let peer = try Peer(daemon)
        _ = try peer.decide("s", values(10))
        _ = try peer.control.call(.checkpoint)
        try limitFiles(of: daemon, to: 4096)
        let requester = try Requester(daemon)
        try requester.send("reset", #"{"all":true}"#, 1)
        let failed = try eventually { try peer.status().checkpointError }
        try #require(failed != nil)
        #expect(daemon.stop() == 74)
        let reply = try requester.receive()
        #expect(reply.contains("\"id\":1") && reply.contains("1004") && reply.contains("without a last checkpoint"))
        let again = try Peer(try DaemonProcess(arguments("checkpoint")))
        #expect(try again.control.stream("s")?.step == 10)
    }

    @Test func `a request that cannot be made durable is refused, and nothing is done`() throws {
        let daemon = try DaemonProcess(arguments("checkpoint"), fileSizeLimit: noLimit)
        let peer = try Peer(daemon)
        _ = try peer.decide("s", values(10))
        _ = try peer.control.call(.snapshot(name: "ten", .all))
        _ = try peer.control.call(.checkpoint)
        _ = try peer.decide("s", values(5))
        var image = try export(peer, "s")
        image.stream = "imported"
        try limitFiles(of: daemon, to: 4096)
        #expect(failure(peer, .checkpoint).contains("cannot write a checkpoint"))
        let before = try export(peer, "s")
        for command in [
            .reset(.all), .restore(name: "ten", .all), .import(image, as: nil),
        ] as [ControlCommand] {
            #expect(failure(peer, command).contains("nothing was done"))
        }
        #expect(failure(peer, .remove(.all)).contains("cannot delete streams"))
        #expect(try export(peer, "s") == before)
        #expect(try peer.status().streams == 1)

        try limitFiles(of: daemon, to: 1024 * noLimit)
        _ = try peer.control.call(.checkpoint)
        #expect(try count(peer, .restore(name: "ten", .all)) == [1])
        daemon.kill()
        let again = try Peer(try DaemonProcess(arguments("checkpoint")))
        #expect(try again.control.stream("s")?.sequence == 10)
    }

    @Test func `an answered removal, reset and restore survive kill -9 if only the journal fails`() throws {
        let daemon = try DaemonProcess(arguments("journal"), fileSizeLimit: noLimit)
        let peer = try Peer(daemon)
        for stream in ["gone", "reset", "restored"] { _ = try peer.decide(stream, values(10)) }
        _ = try peer.control.call(.snapshot(name: "ten", .all))
        // Each commit writes at least one page to the journal's log. No other file exceeds the limit below.
        for value in values(100) { _ = try peer.decide("restored", [value]) }
        let log = try FileManager.default.attributesOfItem(atPath: folder.path("journal.sqlite-wal"))
        try #require(log[.size] as? Int ?? 0 > 400_000)
        try limitFiles(of: daemon, to: 300_000)

        #expect(try count(peer, .remove(.stream("gone"))) == [1])
        #expect(try peer.status().journal?.hasFailed == true)
        #expect(try count(peer, .reset(.stream("reset"))) == [1])
        #expect(try count(peer, .restore(name: "ten", .stream("restored"))) == [1])
        let before = try export(peer, "restored")
        daemon.kill()
        let again = try Peer(try DaemonProcess(arguments("journal")))
        #expect(try again.control.stream("gone") == nil)
        #expect(try again.control.stream("reset")?.step == 0)
        #expect(try export(again, "restored") == before)
    }
}

/// Limits the size of every file that a running daemon writes, to simulate a full disk.
func limitFiles(of daemon: DaemonProcess, to bytes: Int) throws { try limit(daemon, "--fsize=\(bytes):") }

/// Sets a resource limit of a running daemon. `limit` is an option of `prlimit`.
func limit(_ daemon: DaemonProcess, _ limit: String) throws {
    let prlimit = try FinishedProgram("/usr/bin/prlimit", ["--pid", "\(daemon.processIdentifier)", limit])
    try #require(prlimit.status == 0, "\(prlimit.errorOutput)")
}

/// A file size limit that no test reaches, in kilobytes. A test can lower and raise the limit while the daemon runs.
let noLimit = 1_000_000
