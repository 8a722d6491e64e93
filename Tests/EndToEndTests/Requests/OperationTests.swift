import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

/// Tests requests on thousands of streams while timesteps arrive.
@Suite struct `A request on many streams` {
    private static let count = 3_000

    private func id(_ number: Int) -> String { "\(number.isMultiple(of: 2) ? "even" : "odd")-\(number)" }

    /// Feeds each stream one timestep and waits for all decisions.
    private func feedAll(_ peer: Peer) throws {
        for number in 0..<Self.count { try peer.feed(id(number), values(1)) }
        for number in 0..<Self.count { _ = try peer.decisions(of: id(number), 1) }
    }

    private func streams(_ control: ControlClient) throws -> [StreamStatus] {
        try control.call(
            .streams(prefix: nil, after: nil, limit: ControlCommand.maximumLimit), as: StreamPage<StreamStatus>.self
        ).streams
    }

    @Test func `a request takes effect on each stream once, between two of its timesteps`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        try feedAll(peer)
        let endpoint = connecting(daemon.control)
        for round in UInt64(0)..<3 {
            let asked = Thread {
                guard let context = try? Context(),
                    let control = try? ControlClient(endpoint: endpoint, timeoutSeconds: 20 * patience, in: context)
                else { return }
                _ = try? control.call(.reset(.prefix("even")))
            }
            asked.start()
            for number in 0..<Self.count { try peer.feed(id(number), values(1)) }
            for number in 0..<Self.count {
                let step = try peer.decisions(of: id(number), 1)[0].step
                let possible: Set<UInt64> = number.isMultiple(of: 2) ? [1, 2, 3] : [round + 2]
                #expect(possible.contains(step), "\(number): \(step)")
            }
            try #require(eventually { asked.isFinished ? true : nil } == true)
            // The reset has taken effect. Each stream has consumed at most one timestep since.
            let steps = Set(try streams(peer.control).filter { $0.stream.hasPrefix("even") }.map(\.step))
            #expect(steps.isSubset(of: [0, 1]))
        }
    }

    @Test func `after kill -9 during a request, either all of its streams are changed or none`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path, "--durability", "journal"]
        var chance = SplitMix64(seed: 3)
        for round in 0..<9 {
            let daemon = try DaemonProcess(arguments)
            let peer = try Peer(daemon)
            let found = try streams(peer.control)
            for group in ["even", "odd"] where round > 0 {
                let steps = found.filter { $0.stream.hasPrefix(group) }.map(\.step)
                #expect(Set(steps).count <= 1, "\(round): \(Set(steps))")
                #expect([0, Self.count / 2].contains(steps.count), "\(round): \(steps.count)")
            }
            try feedAll(peer)
            if round == 0 { _ = try peer.control.call(.snapshot(name: "first", .all)) }
            let microseconds = UInt32.random(in: 0..<20_000, using: &chance)
            let identifier = daemon.processIdentifier
            let killer = Thread {
                usleep(microseconds)
                kill(identifier, SIGKILL)
            }
            let commands: [ControlCommand] = [
                .reset(.prefix("even")), .remove(.prefix("even")), .restore(name: "first", .all),
            ]
            killer.start()
            _ = try? peer.control.call(commands[round % 3], as: [String: Int].self)
            daemon.kill()
        }
    }

    @Test func `a restore precedes all timesteps that arrive meanwhile`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess([model2, "--state-dir", folder.path])
        let peer = try Peer(daemon)
        try feedAll(peer)
        _ = try peer.control.call(.snapshot(name: "first", .all))
        try feedAll(peer)
        _ = try peer.control.call(.remove(.prefix("odd")))
        let endpoint = connecting(daemon.control)
        let asked = Thread {
            guard let context = try? Context(),
                let control = try? ControlClient(endpoint: endpoint, timeoutSeconds: 20 * patience, in: context)
            else { return }
            _ = try? control.call(.restore(name: "first", .all))
        }
        asked.start()
        for number in 0..<Self.count { try peer.feed(id(number), values(1)) }
        for number in 0..<Self.count {
            let step = try peer.decisions(of: id(number), 1)[0].step
            #expect((number.isMultiple(of: 2) ? [2, 3] : [1, 2]).contains(step), "\(number): \(step)")
        }
        try #require(eventually { asked.isFinished ? true : nil } == true)
        // Each stream has the snapshot's state, or has consumed one timestep since the restore.
        let found = try streams(peer.control)
        #expect(found.count == Self.count && Set(found.map(\.step)).isSubset(of: [1, 2]))
    }
}
