import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests `kill -9` at random moments. SLUICE_CRASHES sets the number of crashes. The default suits everyday runs.
@Suite struct `State after kill -9` {
    private static let crashes =
        ProcessInfo.processInfo.environment["SLUICE_CRASHES"].flatMap { Int($0) } ?? 30

    @Test func `with a journal, no decided timestep is lost, even if the producer repeats nothing`() throws {
        let run = try CrashingRun("journal", interval: "0.05", seed: 1)
        for _ in 0..<Self.crashes {
            let seen = CrashingRun.streams.map { run.lastSeen($0) }
            // The producer continues at the position that the daemon reports for each stream.
            guard let sequences = try run.live() else { continue }
            for (stream, last) in zip(CrashingRun.streams, seen) { #expect(sequences[stream] ?? 0 >= last) }
        }
        try expectUndisturbed(run)
        #expect(run.repeated == 0)
    }

    @Test func `with checkpoints, a producer that repeats timesteps gets undisturbed decisions`() throws {
        let run = try CrashingRun("checkpoint", interval: "0.02", seed: 2)
        for _ in 0..<Self.crashes { try run.live() }
        try expectUndisturbed(run)
    }

    /// Checks that each received decision has the same bits as the decision of a daemon that was never killed.
    private func expectUndisturbed(_ run: CrashingRun) throws {
        let last = try run.finish()
        let undisturbed = try Peer(try DaemonProcess([model2]))
        for stream in CrashingRun.streams {
            var sequence: UInt64 = 1
            while sequence <= last {
                let (values, header) = CrashingRun.message(stream, from: sequence)
                try undisturbed.feed(stream, values, sequence: header.sequence, flags: header.flags)
                sequence += UInt64(values.count)
            }
            let expected = try undisturbed.decisions(of: stream, Int(last)).bits
            let seen = try #require(run.seen[stream])
            #expect(seen.count > Self.crashes)
            let differing = seen.filter { $0.value != expected[Int($0.key) - 1] }.keys.sorted()
            #expect(differing.isEmpty, "\(stream)")
        }
    }

    @Test func `an answered reset, removal and restore are durable`() throws {
        let folder = try TemporaryFolder()
        let arguments = [
            model2, "--state-dir", folder.path, "--durability", "journal", "--checkpoint-interval", "3600",
        ]
        var daemon = try DaemonProcess(arguments)
        var peer = try Peer(daemon)
        func crash() throws {
            daemon.kill()
            daemon = try DaemonProcess(arguments)
            peer = try Peer(daemon)
        }
        let inputs = values(20)
        let undisturbed = try Peer(try DaemonProcess([model2]))
        let decisions = try undisturbed.decide("s", inputs)
        #expect(try peer.decide("s", Array(inputs[..<10])).bits == decisions[..<10].map(\.self).bits)
        _ = try peer.control.call(.snapshot(name: "ten", .all))
        _ = try peer.decide("s", values(3, seed: 5))
        _ = try peer.decide("gone", values(3))
        #expect(try peer.control.call(.reset(.prefix("s"))).reset == 1)
        try crash()
        #expect(try peer.control.stream("s")?.sequence == 13)
        #expect(try peer.control.stream("s")?.step == 0)
        #expect(try peer.control.stream("gone")?.sequence == 3)

        #expect(try peer.control.call(.remove(.stream("gone"))).removed == 1)
        try crash()
        #expect(try peer.control.stream("gone") == nil)

        _ = try peer.decide("gone", values(1))
        #expect(try peer.control.call(.restore(name: "ten", .all)).restored == 1)
        try crash()
        #expect(try peer.control.stream("gone")?.sequence == 1)
        #expect(try peer.decide("s", Array(inputs[10...])).bits == decisions[10...].map(\.self).bits)
    }

    @Test func `timesteps that waited for a paused stream are durable once it is resumed`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path, "--durability", "journal"]
        let daemon = try DaemonProcess(arguments)
        let peer = try Peer(daemon)
        _ = try peer.decide("s", values(3))
        _ = try peer.control.call(.pause(.all))
        try peer.feed("s", values(4))
        _ = try peer.decide("other", values(1))
        #expect(try peer.control.stream("s")?.sequence == 3)
        _ = try peer.control.call(.resume(.all))
        #expect(try peer.decisions(of: "s", 4).map(\.sequence) == [4, 5, 6, 7])
        daemon.kill()
        let again = try Peer(try DaemonProcess(arguments))
        #expect(try again.control.stream("s")?.sequence == 7)
    }
}
