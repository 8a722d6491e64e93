import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Simulates power cuts after acknowledged operations. SLUICE_POWER_CUTS sets the number of cuts, and SLUICE_POWER_SEED
/// sets the random seed. The defaults suit everyday runs.
@Suite struct `State after a power cut` {
    private static let cuts = ProcessInfo.processInfo.environment["SLUICE_POWER_CUTS"].flatMap { Int($0) } ?? 20
    private static let seed = ProcessInfo.processInfo.environment["SLUICE_POWER_SEED"].flatMap { UInt64($0) } ?? 11
    private static let streams = ["a1", "a2", "b1", "b2"]

    /// A daemon whose machine repeatedly loses power. Records the operations that the daemon has acknowledged.
    private final class Life {
        let durability: String
        let disk: PowerCut
        var chance: SplitMix64
        private(set) var peer: Peer
        private var daemon: DaemonProcess
        /// The states that each stream may have after a power cut: the last durable state and all later ones. Nil
        /// stands for a stream that does not exist.
        var possible: [String: [StreamExport?]] = [:]
        /// The contents of each snapshot.
        var snapshots: [String: [StreamExport]] = [:]
        private var snapshotNumber = 0
        private var image: StreamExport?
        private var round = 0
        var unsynced = 0

        init(_ durability: String, seed: UInt64) throws {
            self.durability = durability
            disk = try PowerCut()
            chance = SplitMix64(seed: seed)
            daemon = try Self.start(disk, durability, round: 0)
            peer = try Peer(daemon)
        }

        private static func start(_ disk: PowerCut, _ durability: String, round: Int) throws -> DaemonProcess {
            try DaemonProcess(
                [
                    model2, "--state-dir", disk.path, "--durability", durability, "--checkpoint-interval",
                    round % 2 == 0 ? "3600" : "0.02",
                ], environment: disk.environment)
        }

        func export(_ stream: String) throws -> StreamExport? {
            guard try peer.control.stream(stream) != nil else { return nil }
            return try peer.control.call(.export(stream))
        }

        func contents(of snapshot: String) throws -> [StreamExport] {
            try peer.control.call(
                .readSnapshot(name: snapshot, after: nil, limit: 100), as: StreamPage<StreamExport>.self
            ).streams
        }

        /// Records the states of the streams after an acknowledged operation.
        private func note(isDurable: Bool) throws {
            for stream in `State after a power cut`.streams + ["imported"] {
                let now = try export(stream)
                if isDurable { possible[stream] = [now] } else { possible[stream, default: [nil]].append(now) }
            }
        }

        /// Performs an operation and waits until it is acknowledged.
        func act() throws {
            let stream = `State after a power cut`.streams.randomElement(using: &chance) ?? ""
            let selection: ControlCommand.Selection =
                [.stream(stream), .prefix("a"), .all].randomElement(using: &chance) ?? .all
            switch Int.random(in: 0..<12, using: &chance) {
            case 0..<5:
                // All timesteps are in one message, so no state between two of them can be durable.
                let inputs = (0..<Int.random(in: 1...40, using: &chance)).map { _ in
                    Float.random(in: -1...1, using: &chance)
                }
                _ = try peer.decide(stream, inputs, cuts: [inputs.count])
                try note(isDurable: durability == "journal")
            case 5:
                _ = try peer.control.call(.checkpoint)
                try note(isDurable: true)
            case 6:
                snapshotNumber += 1
                let name = "n\(snapshotNumber)"
                _ = try peer.control.call(.snapshot(name: name, .all))
                snapshots[name] = try contents(of: name)
                image = snapshots[name]?.first ?? image
            case 7:
                guard let name = snapshots.keys.sorted().randomElement(using: &chance) else { return }
                _ = try peer.control.call(.deleteSnapshot(name: name))
                snapshots[name] = nil
            case 8:
                guard let name = snapshots.keys.sorted().randomElement(using: &chance) else { return }
                _ = try peer.control.call(.restore(name: name, .all))
                try note(isDurable: true)
            case 9:
                guard var image, try export("imported") == nil else { return }
                image.stream = "imported"
                _ = try peer.control.call(.import(image, as: nil))
                try note(isDurable: true)
            case 10:
                if case .stream = selection, try export(stream) == nil { return }
                _ = try peer.control.call(.reset(selection))
                try note(isDurable: true)
            default:
                let known = try export(stream) != nil
                guard known else { return }
                let gone = Bool.random(using: &chance) ? stream : "imported"
                guard try export(gone) != nil else { return }
                _ = try peer.control.call(.remove(.stream(gone)))
                possible[gone] = [nil]
            }
        }

        /// Cuts the power during another operation or an orderly stop, and starts the daemon on the remaining files.
        func cutPower(after moment: Int) throws {
            let before = (possible: possible, snapshots: snapshots)
            if Int.random(in: 0..<4, using: &chance) == 0 {
                #expect(daemon.stop() == 0)
            } else {
                try act()
                daemon.kill()
            }
            unsynced += try disk.cut(after: moment, using: &chance)
            round += 1
            daemon = try Self.start(disk, durability, round: round)
            peer = try Peer(daemon)

            for stream in `State after a power cut`.streams + ["imported"] {
                let all = before.possible[stream, default: [nil]] + possible[stream, default: [nil]]
                let found = try export(stream)
                try #require(all.contains(found), "\(stream) after cut \(round)")
                possible[stream] = [found]
            }
            let names = Set(try peer.control.call(.snapshots).snapshots.map(\.name))
            try #require(
                [Set(before.snapshots.keys), Set(snapshots.keys)].contains(names), "snapshots after cut \(round)")
            snapshots = before.snapshots.merging(snapshots) { $1 }.filter { names.contains($0.key) }
            for (name, content) in snapshots {
                try #require(try contents(of: name) == content, "snapshot \(name) after cut \(round)")
            }
        }

        /// Returns the current end of the disk's log.
        func now() throws -> Int { try disk.now() }
    }

    @Test(arguments: [("checkpoint", seed), ("journal", seed &+ 1)] as [(String, UInt64)])
    func `all acknowledged operations survive a power cut, bit for bit`(durability: String, seed: UInt64) throws {
        let life = try Life(durability, seed: seed)
        for _ in 0..<Self.cuts {
            // Sometimes the power is cut during the start.
            guard Int.random(in: 0..<4, using: &life.chance) > 0 else {
                try life.cutPower(after: 0)
                continue
            }
            for _ in 0..<Int.random(in: 1...6, using: &life.chance) { try life.act() }
            try life.cutPower(after: try life.now())
        }
        #expect(life.unsynced > 0, "nothing was ever lost: the simulation does not work")
    }
}
