import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests how the daemon treats states that become NaN or infinite.
@Suite struct `A fault` {
    /// An LSTM with relu instead of tanh, so that nothing bounds its state.
    static let unbounded = Fixtures.url("keras/relu_cell.keras").path
    static let harmless: [Float] = [0.5, -0.25, 0.125]
    static let harmful: [Float] = [3e38, -3e38, 3e38]

    private func decide(_ peer: Peer, _ stream: String, _ values: [Float]) throws -> Decision {
        try peer.feed(stream, values)
        return try #require(try peer.decisions(of: stream, 1).first)
    }

    @Test(arguments: ["zero", "checkpoint"])
    func `a fault resets its own stream and no other`(policy: String) throws {
        let folder = try TemporaryFolder()
        let arguments = [
            Self.unbounded, "--mode", "stateful", "--on-fault", policy, "--state-dir", folder.path,
            "--checkpoint-interval", "3600", "--durability", "journal",
        ]
        let daemon = try DaemonProcess(arguments)
        let peer = try Peer(daemon)
        for stream in ["s", "other", "fresh-2"] { _ = try decide(peer, stream, Self.harmless) }
        _ = try peer.control.call(.checkpoint)
        _ = try decide(peer, "s", Self.harmful)

        let after = try decide(peer, "s", Self.harmless)
        let expected = try decide(peer, policy == "zero" ? "fresh-1" : "fresh-2", Self.harmless)

        #expect([after].probabilityBits == [expected].probabilityBits)
        #expect(after.step == expected.step && after.sequence == 3)
        #expect(try peer.status().quarantined == 1)
        #expect(try peer.control.stream("s")?.tally.quarantined == 1)
        #expect(try decide(peer, "other", Self.harmless).step == 2)
        #expect(try peer.control.stream("other")?.tally.quarantined == 0)
        #expect(daemon.log.contains("turned NaN or infinite"))
        // Replaying the journal must lead to the same state: the stream returns to the checkpoint that was current at
        // the fault, not to the latest one.
        _ = try decide(peer, "s", Self.harmless)
        let before = try peer.control.call(.export("s"))
        daemon.kill()
        let again = try Peer(try DaemonProcess(arguments))
        #expect(try again.control.call(.export("s")) == before)
    }

    @Test(arguments: ["checkpoint", "journal"])
    func `a fault returns a stream to its checkpoint, even if a crash precedes the read`(durability: String) throws {
        let folder = try TemporaryFolder()
        let arguments = [
            Self.unbounded, "--mode", "stateful", "--on-fault", "checkpoint", "--state-dir", folder.path,
            "--checkpoint-interval", "3600", "--durability", durability,
        ]
        var daemon = try DaemonProcess(arguments)
        for _ in 0..<6 {
            let peer = try Peer(daemon)
            _ = try decide(peer, "s", Self.harmless)
            _ = try peer.control.call(.checkpoint)
            let stored = try peer.control.call(.export("s"))
            _ = try decide(peer, "s", Self.harmless)
            _ = try decide(peer, "s", Self.harmful)
            daemon.kill()
            daemon = try DaemonProcess(arguments)
            let again = try Peer(daemon)
            let after = try again.control.call(.export("s"))
            #expect(after.state == stored.state && after.step == stored.step)
            #expect(after.sequence == stored.sequence + (durability == "journal" ? 2 : 0))
        }
    }
}
