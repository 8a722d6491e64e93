import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

@Suite struct `A misconfigured client` {
    /// A socket of the wrong type for an endpoint.
    struct Misfit: CustomTestStringConvertible, Sendable {
        let kind: Socket.Kind
        /// The endpoint's index: ingest endpoints first, then decisions, then control.
        let place: Int
        let role: String
        let expected: String
        var testDescription: String { "\(kind) at \(role) \(place)" }
    }

    static let misfits = [
        Misfit(kind: .push, place: 0, role: "ingest", expected: "connect a PUB socket"),
        Misfit(kind: .req, place: 0, role: "ingest", expected: "connect a PUB socket"),
        Misfit(kind: .pub, place: 1, role: "ingest", expected: "connect a PUSH socket"),
        Misfit(kind: .req, place: 2, role: "decisions", expected: "connect a SUB socket"),
        Misfit(kind: .sub, place: 3, role: "control", expected: "connect a REQ or DEALER socket"),
    ]

    @Test(arguments: misfits)
    func `a socket of the wrong type is counted, and logged with the right types`(misfit: Misfit) throws {
        let daemon = try DaemonProcess([model2], ingest: ["@tcp://127.0.0.1:*", "pull:@tcp://127.0.0.1:*"])
        let peer = try Peer(daemon)
        let places = try peer.status().endpoints
        let endpoint = (places.ingest + [places.decisions, places.control])[misfit.place]
        let address = connecting(endpoint.replacing("pull:", with: ""))
        // libzmq gives up after the first attempt if the client notices the mismatch before the daemon does. On a busy
        // machine, the client may even give up before the daemon sees the connection. If a client is not counted, the
        // test therefore tries again with a new one.
        for number in 1...UInt64(2) {
            let isCounted = try eventually {
                let socket = try Socket(misfit.kind, in: try Context())
                // The deferred call keeps the socket open until the end of the attempt.
                defer { socket.stopMonitoring() }
                try socket.set(.linger, to: 0)
                try socket.attach(to: try Endpoint(address), otherwise: .connect)
                return try eventually(within: 3) {
                    try peer.status().refusedConnections[misfit.role] ?? 0 >= number ? true : nil
                }
            }
            #expect(isCounted == true, "\(daemon.log)")
        }
        let isLogged = eventually { daemon.log.contains("refused a connection") ? true : nil }
        #expect(isLogged == true, "\(daemon.log)")
        let lines = daemon.log.split(separator: "\n").filter { $0.contains("refused a connection") }
        // The log has at most two lines: one with the client's address, and one for a connection that closed before the
        // daemon read the address.
        #expect(lines.count <= 2, "\(daemon.log)")
        for line in lines {
            #expect(line.contains("to \(misfit.role) from ") && line.contains(misfit.expected), "\(line)")
            #expect(line.contains(" 127.0.0.1: ") || line.contains("an unknown address: "), "\(line)")
        }
    }

    @Test func `clients that come and go are not counted as refused`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        for _ in 0..<30 { _ = try Peer(daemon).status() }
        _ = try peer.decide("s", values(5))
        #expect(try peer.status().refusedConnections == ["ingest": 0, "decisions": 0, "control": 0])
    }

    @Test func `a port probe is counted but not logged`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        for _ in 0..<3 { _ = try TCPConnection(daemon.ingest.replacing("@tcp://", with: "")) }
        let counted = try eventually { try peer.status().refusedConnections["ingest"] ?? 0 >= 3 ? true : nil }
        #expect(counted == true)
        // The log reports events in order. After the line about this socket, no line about the port probes can follow.
        let socket = try Socket(.req, in: try Context())
        defer { socket.stopMonitoring() }
        try socket.set(.linger, to: 0)
        try socket.attach(to: try Endpoint(connecting(daemon.decisions)), otherwise: .connect)
        let isLogged = eventually { daemon.log.contains("refused a connection to decisions") ? true : nil }
        #expect(isLogged == true)
        #expect(!daemon.log.contains("refused a connection to ingest"), "\(daemon.log)")
    }

    @Test func `unfinished handshakes above the bound are cut off`() throws {
        let daemon = try DaemonProcess([model2, "--max-connections", "3"])
        let probes = try (0..<40).map { _ in try TCPConnection(daemon.ingest.replacing("@tcp://", with: "")) }
        defer { withExtendedLifetime(probes) {} }
        let peer = try ControlClient(
            endpoint: connecting(daemon.control), timeoutSeconds: 20 * patience, in: try Context())
        let counted = try eventually { () -> Bool? in
            let status = try peer.call(.status)
            return status.refusedConnections["ingest"] ?? 0 >= 40 - 19 ? true : nil
        }
        #expect(counted == true, "\(daemon.log)")
        // Without the bound, the daemon would count these connections only after their handshakes time out.
        #expect(daemon.log.contains("there are 3 connections already"), "\(daemon.log)")
    }

    @Test func `the log reports that no more files can be opened`() throws {
        let daemon = try DaemonProcess([model2])
        let control = try ControlClient(
            endpoint: connecting(daemon.control), timeoutSeconds: 20 * patience, in: try Context())
        _ = try control.call(.status)
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(daemon.processIdentifier)/fd").count
        try limit(daemon, "--nofile=\(open + 2):")
        let probes = try (0..<8).map { _ in try TCPConnection(daemon.ingest.replacing("@tcp://", with: "")) }
        defer { withExtendedLifetime(probes) {} }
        let counted = try eventually {
            try control.call(.status).fileExhaustions ?? 0 >= 1 ? true : nil
        }
        #expect(counted == true)
        let isLogged = eventually { daemon.log.contains("may open no more files") ? true : nil }
        #expect(isLogged == true)
    }

    @Test func `a producer that restarted its counter is logged and counted as stuck`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        try peer.feed("s", values(150), sequence: 1)
        try peer.waitForSequence(150, of: "s")
        #expect(try peer.status().stuck == 0)
        for number in 1...UInt64(120) { try peer.feed("s", [0.5], sequence: number) }
        let counted = try eventually { try peer.status().stuck == 1 ? true : nil }
        #expect(counted == true)
        let line = "stream \"s\": its last 100 timesteps were skipped as duplicates, as the stream is at sequence 150"
        let isLogged = eventually { daemon.log.contains(line) ? true : nil }
        #expect(isLogged == true, "\(daemon.log)")
        // The stream continues and is no longer stuck.
        try peer.feed("s", [0.5], sequence: 151)
        try peer.waitForSequence(151, of: "s")
        #expect(try peer.status().stuck == 0)
    }
}
