import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

/// Tests snapshots of thousands of streams. The daemon writes and reads a snapshot a few streams at a time while
/// timesteps arrive.
@Suite struct `A snapshot of many streams` {
    private static let count = 3_000
    private static let input: Float = 0.25

    private func id(_ number: Int) -> String { "\(number.isMultiple(of: 2) ? "even" : "odd")-\(number)" }

    /// Feeds each stream one timestep, in the order of the streams' numbers.
    private func feedAll(_ peer: Peer) throws {
        for number in 0..<Self.count { try peer.feed(id(number), [Self.input]) }
    }

    private func decideAll(_ peer: Peer) throws {
        try feedAll(peer)
        for number in 0..<Self.count { _ = try peer.decisions(of: id(number), 1) }
    }

    /// Sends a request from another thread.
    private func ask(_ command: ControlCommand, _ daemon: DaemonProcess) -> Thread {
        let endpoint = connecting(daemon.control)
        let thread = Thread {
            guard let context = try? Context(),
                let control = try? ControlClient(endpoint: endpoint, timeoutSeconds: 20 * patience, in: context)
            else { return }
            _ = try? control.call(command, as: [String: Int].self)
        }
        thread.start()
        return thread
    }

    private func wait(for thread: Thread) throws {
        try #require(eventually { thread.isFinished ? true : nil } == true)
    }

    private func streams(_ peer: Peer) throws -> [StreamStatus] {
        try peer.control.call(
            .streams(prefix: nil, after: nil, limit: ControlCommand.maximumLimit), as: StreamPage<StreamStatus>.self
        ).streams
    }

    /// Returns the step of each stream in a snapshot, by id.
    private func steps(ofSnapshot name: String, _ peer: Peer) throws -> [String: UInt64] {
        var (steps, after) = ([String: UInt64](), String?.none)
        repeat {
            let page = try peer.control.call(
                .readSnapshot(name: name, after: after, limit: 1_000), as: StreamPage<StreamExport>.self)
            for stream in page.streams { steps[stream.stream] = stream.step }
            after = page.next
        } while after != nil
        return steps
    }

    @Test(arguments: ["checkpoint", "journal"])
    func `a snapshot copies all streams at one moment and restores them at one, bit for bit`(durability: String) throws
    {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path, "--durability", durability]
        let daemon = try DaemonProcess(arguments)
        let peer = try Peer(daemon)
        // All streams get the same timesteps. The answer therefore depends only on the step.
        let answers = try peer.decide("reference", [Float](repeating: Self.input, count: 8)).map(\.probabilities)
        func check(_ decision: Decision) {
            let expected = answers[Int(decision.step) - 1]
            #expect(decision.probabilities.map(\.bitPattern) == expected.map(\.bitPattern))
        }
        try decideAll(peer)

        let asked = ask(.snapshot(name: "n", .all), daemon)
        try decideAll(peer)
        try wait(for: asked)
        let kept = try steps(ofSnapshot: "n", peer)
        #expect(kept.count == Self.count + 1)
        let inOrder = (0..<Self.count).map { kept[id($0)] ?? 0 }
        #expect(Set(inOrder).isSubset(of: [1, 2]) && inOrder == inOrder.sorted(by: >), "one point of the order")

        _ = try peer.control.call(.remove(.prefix("odd")))
        let restored = ask(.restore(name: "n", .all), daemon)
        // The deletion usually arrives while the snapshot is being read.
        usleep(3_000)
        let deleted = ask(.deleteSnapshot(name: "n"), daemon)
        for _ in 0..<2 { try feedAll(peer) }
        // The restore may have taken effect between any two messages. For each possible moment, count the streams whose
        // decisions agree with a restore at that moment. The array stores the change in the count from one moment to
        // the next.
        var agreeing = [Int](repeating: 0, count: 2 * Self.count + 2)
        for number in 0..<Self.count {
            let decisions = try peer.decisions(of: id(number), 2)
            decisions.forEach(check)
            let steps = decisions.map(\.step)
            let (kept, before): (UInt64, UInt64) = (inOrder[number], number.isMultiple(of: 2) ? 2 : 0)
            let places = [
                (0...number, [kept + 1, kept + 2]), (number + 1...number + Self.count, [before + 1, kept + 1]),
                (number + Self.count + 1...2 * Self.count, [before + 1, before + 2]),
            ]
            for (range, expected) in places where steps == expected {
                agreeing[range.lowerBound] += 1
                agreeing[range.upperBound + 1] -= 1
            }
        }
        var agreement = 0
        let most = agreeing.map { difference in
            agreement += difference
            return agreement
        }.max()
        try wait(for: restored)
        try wait(for: deleted)
        // If the deletion came first, the daemon restores nothing, which looks the same as a restore at the last
        // moment.
        #expect(most == Self.count, "one point of the order")
        #expect(try peer.control.call(.snapshots).snapshots.isEmpty)

        if durability == "checkpoint" { _ = try peer.control.call(.checkpoint) }
        let before = try streams(peer).map { "\($0.stream) \($0.sequence) \($0.step) \($0.probability)" }
        daemon.kill()
        let again = try Peer(try DaemonProcess(arguments))
        #expect(try streams(again).map { "\($0.stream) \($0.sequence) \($0.step) \($0.probability)" } == before)
        for number in [0, 1, Self.count / 2, Self.count - 1] { check(try again.decide(id(number), [Self.input])[0]) }
    }

    @Test func `after kill -9 during a snapshot, the snapshot is complete or missing, and nothing is damaged`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path]
        var chance = SplitMix64(seed: 5)
        var daemon = try DaemonProcess(arguments)
        var peer = try Peer(daemon)
        try decideAll(peer)
        _ = try peer.control.call(.checkpoint)
        for round in 0..<8 {
            let microseconds = UInt32.random(in: 0..<25_000, using: &chance)
            let identifier = daemon.processIdentifier
            let killer = Thread {
                usleep(microseconds)
                kill(identifier, SIGKILL)
            }
            killer.start()
            let answer = try? peer.control.call(.snapshot(name: "n\(round)", .all))
            daemon.kill()
            daemon = try DaemonProcess(arguments)
            peer = try Peer(daemon)
            let snapshots = try peer.control.call(.snapshots).snapshots
            let found = snapshots.first { $0.name == "n\(round)" }
            #expect(found != nil || answer == nil, "\(round): an answered snapshot is lost")
            for snapshot in snapshots {
                #expect(snapshot.streams == Self.count)
                #expect(try steps(ofSnapshot: snapshot.name, peer).count == Self.count)
            }
            #expect(try streams(peer).count == Self.count)
        }
        #expect(daemon.stop() == 0)
        #expect(try FinishedProgram("sluice", ["check", folder.path]).status == 0)
    }
}
