import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

/// Requests on thousands of streams, while timesteps come.
@Suite struct `A request on many streams` {
    private static let count = 3_000

    private func id(_ number: Int) -> String { "\(number.isMultiple(of: 2) ? "even" : "odd")-\(number)" }

    /// Feeds each stream one timestep, and waits until all are decided on.
    private func feedAll(_ peer: Peer) throws {
        for number in 0..<Self.count { try peer.feed(id(number), values(1)) }
        for number in 0..<Self.count { _ = try peer.decisions(of: id(number), 1) }
    }

    private func streams(_ control: ControlClient) throws -> [StreamStatus] {
        try control.call(
            .streams(prefix: nil, after: nil, limit: ControlCommand.maximumLimit), as: StreamPage<StreamStatus>.self
        ).streams
    }

    @Test func `takes effect on each of them once, between two of its timesteps`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        try feedAll(peer)
        let endpoint = connecting(daemon.control)
        for round in UInt64(0)..<3 {
            let asked = Thread {
                guard let context = try? Context(),
                    let control = try? ControlClient(endpoint: endpoint, timeoutSeconds: 20 * patience, in: context)
                else { return }
                _ = try? control.call(.reset(.prefix("even")), as: [String: Int].self)
            }
            asked.start()
            for number in 0..<Self.count { try peer.feed(id(number), values(1)) }
            for number in 0..<Self.count {
                let step = try peer.decisions(of: id(number), 1)[0].step
                let possible: Set<UInt64> = number.isMultiple(of: 2) ? [1, 2, 3] : [round + 2]
                #expect(possible.contains(step), "\(number): \(step)")
            }
            try #require(eventually { asked.isFinished ? true : nil } == true)
            // Behind the reset, whenever that was: each stream has had one timestep since the last, or none.
            let steps = Set(try streams(peer.control).filter { $0.stream.hasPrefix("even") }.map(\.step))
            #expect(steps.isSubset(of: [0, 1]))
        }
    }

    @Test func `is done with all of them or with none after kill -9 in the midst of it`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path, "--durability", "journal"]
        var chance = SeededGenerator(state: 3)
        for _ in 0..<6 {
            let daemon = try DaemonProcess(arguments)
            let peer = try Peer(daemon)
            let before = Dictionary(uniqueKeysWithValues: try streams(peer.control).map { ($0.stream, $0.step) })
            #expect(Set(before.filter { $0.key.hasPrefix("even") }.values).count <= 1)
            #expect(Set(before.filter { $0.key.hasPrefix("odd") }.values).count <= 1)
            try feedAll(peer)
            let microseconds = UInt32.random(in: 0..<8_000, using: &chance)
            let identifier = daemon.processIdentifier
            Thread.detachNewThread {
                usleep(microseconds)
                kill(identifier, SIGKILL)
            }
            let isReset = Bool.random(using: &chance)
            _ = try? peer.control.call(
                isReset ? .reset(.prefix("even")) : .remove(.prefix("even")), as: [String: Int].self)
            daemon.kill()
        }
    }
}
