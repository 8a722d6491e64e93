import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

/// Tests that a stop ends within 5 s, whatever else happens.
@Suite struct `A stop` {
    private static let bound = Duration.seconds(5 * patience)

    @Test(arguments: [SIGTERM, SIGINT])
    func `a stop while models are read ends at once, and leaves no process behind`(signal: Int32) throws {
        let free = ["--ingest", "--decisions", "--control"].flatMap { [$0, "@tcp://127.0.0.1:*"] }
        var daemon = try RunningProgram("sluiced", [model2] + free)
        // If the daemon waited for the suspended reader, its stop would take 20 s longer.
        let reader = try HeldChild {
            daemon = try RunningProgram("sluiced", [model2] + free)
            return daemon.processIdentifier
        }
        let start = ContinuousClock.now
        #expect(kill(daemon.processIdentifier, signal) == 0)
        #expect(daemon.waitForEnd() == 0)
        #expect(start.duration(to: .now) < Self.bound)
        #expect(daemon.errorOutput.contains("stopped before it served"))
        #expect(eventually { reader.isAlive ? nil : true } == true)
    }

    @Test(arguments: ["SIGTERM", "shutdown"])
    func `a stop does not wait for reloads, and their requests get an error`(kind: String) throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let reader = try HeldChild {
            kill(daemon.processIdentifier, SIGHUP)
            return daemon.processIdentifier
        }
        let requester = try Requester(daemon)
        for number in 1...5 { try requester.send("reload", #"{"model":"model2"}"#, number) }
        // The daemon answers requests in order. Once it has answered the status request, all reloads are queued.
        try requester.send("status", "{}", 0)
        #expect(try requester.receive().contains("uptime_s"))
        let start = ContinuousClock.now
        if kind == "SIGTERM" {
            kill(daemon.processIdentifier, SIGTERM)
        } else {
            _ = try peer.control.call(.shutdown)
        }
        let replies = try (1...5).map { _ in try requester.receive() }
        #expect(replies.allSatisfy { $0.contains("the daemon is stopping") && $0.contains("error") }, "\(replies)")
        #expect(daemon.waitForEnd() == 0)
        #expect(start.duration(to: .now) < Self.bound)
        #expect(eventually { reader.isAlive ? nil : true } == true)
    }

    @Test func `a stop does not wait for a subscriber that does not read, and reports it`() throws {
        let daemon = try DaemonProcess([model2], ingest: ["pull:@tcp://127.0.0.1:*"])
        let peer = try Peer(daemon)
        let context = try Context()
        let deaf = try Socket(.sub, in: context)
        try deaf.set(.linger, to: 0)
        try deaf.set(.receiveHighWaterMark, to: 1)
        try deaf.subscribe("s")
        try deaf.attach(to: try Endpoint(connecting(daemon.decisions)), otherwise: .connect)
        // The first decision shows that the subscriber is connected. The decisions that follow exceed all buffers.
        _ = try eventually { () -> Bool? in
            _ = try peer.decide("s", [1])
            return try deaf.receiveFrames(wait: false) == nil ? nil : true
        }
        for _ in 0..<20 { _ = try peer.decide("s", values(20_000), cuts: [20_000]) }
        let start = ContinuousClock.now
        #expect(daemon.stop() == 0)
        #expect(start.duration(to: .now) < Self.bound)
        #expect(daemon.log.contains("the unread messages are lost"), "\(daemon.log)")
    }
}
