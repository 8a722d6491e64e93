import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests model files that change while the daemon runs.
@Suite struct `A reload` {
    /// A model with the layers of model2, LSTM(10) → Dense(1), but other weights.
    static let other = Fixtures.url("reference/model1.keras")
    /// A model with an LSTM(1), whose state has a different shape.
    static let smaller = Fixtures.url("keras/smallest.keras")

    private let folder: TemporaryFolder
    private var file: String { folder.path("m.keras") }

    init() throws {
        folder = try TemporaryFolder()
        try put(URL(filePath: model2))
    }

    /// Replaces the served file atomically.
    private func put(_ url: URL) throws {
        try Data(contentsOf: url).write(to: folder.url("m.keras"), options: .atomic)
    }

    private func reload(_ peer: Peer, reset: Bool = false) throws -> ReloadResult {
        try peer.control.call(.reload(model: "m", reset: reset))
    }

    @Test func `a reload carries the state over to new weights, between two timesteps`() throws {
        let peer = try Peer(try DaemonProcess([file, "--mode", "stateful"]))
        let old = try peer.status().models[0].fingerprint
        _ = try peer.decide("s", values(20))
        _ = try peer.control.call(.pause(.stream("s")))
        try peer.feed("s", values(3, seed: 2))
        try put(Self.other)

        let result = try reload(peer)
        _ = try peer.control.call(.resume(.stream("s")))
        let decided = try peer.decisions(of: "s", 3)

        #expect(result.carried == 1 && result.fingerprint != old)
        #expect(try peer.status().models[0].fingerprint == result.fingerprint)
        #expect(try peer.status().models[0].mode == "stateful", "the policy stays")
        #expect(decided.map(\.step) == [21, 22, 23])
        // A separate daemon imports the same state to give the expected decisions of the new weights.
        let expected = try Peer(try DaemonProcess([Self.other.path, "--mode", "stateful"]))
        let source = try Peer(try DaemonProcess([model2]))
        _ = try source.decide("s", values(20))
        var state = try source.control.call(.export("s"))
        state.fingerprint = result.fingerprint
        _ = try expected.control.call(.import(state, as: nil))
        #expect(try expected.decide("s", values(3, seed: 2)).bits == decided.bits)
    }

    @Test func `weights of another shape are refused without a change, unless a reset is requested`() throws {
        let peer = try Peer(try DaemonProcess([file, "--mode", "stateful"]))
        let undisturbed = try Peer(try DaemonProcess([model2]))
        let inputs = values(20)
        let expected = try undisturbed.decide("s", inputs)
        var decisions = try peer.decide("s", Array(inputs[..<10]))
        try put(Self.smaller)
        let error = #expect(throws: ClientError.self) { try reload(peer) }
        #expect(error?.status == .refused)
        #expect(error?.message.contains("lstm 20") == true && error?.message.contains("lstm 2") == true)
        try Data("no model".utf8).write(to: folder.url("m.keras"))
        #expect(throws: ClientError.self) { try reload(peer) }
        try FileManager.default.removeItem(atPath: file)
        let missing = #expect(throws: ClientError.self) { try reload(peer, reset: true) }
        #expect(missing?.status == .data)
        decisions += try peer.decide("s", Array(inputs[10...]))
        #expect(decisions.bits == expected.bits)

        try put(Self.smaller)
        #expect(try reload(peer, reset: true).carried == 0)
        let fresh = try Peer(try DaemonProcess([Self.smaller.path, "--mode", "stateful"]))
        let after = try peer.decide("s", values(4))
        #expect(after.probabilityBits == (try fresh.decide("s", values(4)).probabilityBits))
        #expect(after.map(\.step) == [1, 2, 3, 4] && after.map(\.sequence) == [21, 22, 23, 24])
    }

    @Test(arguments: ["checkpoint", "journal"])
    func `an answered reload is durable, and old snapshots keep the old weights`(durability: String) throws {
        let state = [
            "--mode", "stateful", "--state-dir", folder.path("state"), "--checkpoint-interval", "3600",
            "--durability", durability,
        ]
        let first = try DaemonProcess([file] + state)
        let peer = try Peer(first)
        _ = try peer.decide("s", values(20))
        _ = try peer.control.call(.checkpoint)
        _ = try peer.control.call(.snapshot(name: "old", .all))
        try put(Self.other)
        _ = try reload(peer)
        let next = try peer.decide("s", values(5, seed: 3))
        let error = #expect(throws: ClientError.self) {
            _ = try peer.control.call(.restore(name: "old", .all))
        }
        #expect(error?.status == .refused)
        first.kill()

        let second = try Peer(try DaemonProcess([file] + state))
        if durability == "journal" {
            // Timesteps after the reload are replayed with the weights that they were originally stepped with.
            let stream = try #require(try second.control.stream("s"))
            #expect(stream.sequence == 25 && stream.probability.values == next.last?.probabilities)
        } else {
            #expect(try second.control.stream("s")?.sequence == 20)
            #expect(try second.decide("s", values(5, seed: 3)).bits == next.bits)
        }
    }

    @Test func `SIGHUP reloads all models`() throws {
        let daemon = try DaemonProcess([file, "--mode", "stateful"])
        let peer = try Peer(daemon)
        let old = try peer.status().models[0].fingerprint
        _ = try peer.decide("s", values(3))
        try put(Self.other)
        #expect(kill(daemon.processIdentifier, SIGHUP) == 0)
        let new = try eventually { try peer.status().models[0].fingerprint == old ? nil : true }
        #expect(new == true)
        #expect(try peer.decide("s", values(1)).map(\.step) == [4])
        #expect(daemon.stop() == 0)
    }

    @Test func `earlier reloads do not undo a later one`() throws {
        let daemon = try DaemonProcess([file, "--mode", "stateful"])
        let peer = try Peer(daemon)
        _ = try peer.decide("s", values(3))
        // Reading the Keras file is slow, because a separate process does it. The daemon itself reads the replacement,
        // and does so at once.
        let converted = folder.path("other.safetensors")
        #expect(try FinishedProgram("sluice", ["convert", Self.other.path, converted]).status == 0)
        for _ in 0..<20 {
            kill(daemon.processIdentifier, SIGHUP)
            usleep(1_000)
        }
        try put(URL(filePath: converted))
        let new = try reload(peer).fingerprint
        let fingerprints = try (0..<20).map { _ in
            usleep(10_000)
            return try peer.status().models[0].fingerprint
        }
        #expect(Set(fingerprints) == [new])
        #expect(try peer.decide("s", values(1)).map(\.step) == [4])
    }

    @Test func `all requests during a reload lead to one further reload`() throws {
        let daemon = try DaemonProcess([file, "--mode", "stateful"])
        let reader = try HeldChild {
            kill(daemon.processIdentifier, SIGHUP)
            return daemon.processIdentifier
        }
        let readings = { daemon.log.split(separator: "\n").count { $0.contains("reading model 'm' again") } }
        let before = readings()
        for _ in 0..<100 { kill(daemon.processIdentifier, SIGHUP) }
        let requester = try Requester(daemon)
        for number in 1...20 { try requester.send("reload", #"{"model":"m"}"#, number) }
        // The daemon answers requests in order. Once it has answered the status request, all reloads are queued.
        try requester.send("status", "{}", 0)
        #expect(try requester.receive().contains("uptime_s"))
        reader.letGo()
        let answers = try (1...20).map { _ in try requester.receive() }
        #expect(answers.allSatisfy { $0.contains("fingerprint") }, "\(answers)")
        #expect(readings() == before + 1, "\(daemon.log)")
        #expect(daemon.stop() == 0)
    }

    @Test func `after a crash, new weights replay the journal of old weights only on request`() throws {
        let state = [
            "--mode", "stateful", "--state-dir", folder.path("state"), "--checkpoint-interval", "3600", "--durability",
            "journal",
        ]
        let first = try DaemonProcess([file] + state)
        _ = try Peer(first).decide("s", values(20))
        first.kill()
        try put(Self.other)
        #expect(try FinishedProgram("sluiced", [file] + state).status == 65)
        let second = try Peer(try DaemonProcess([file] + state + ["--on-other-weights", "carry"]))
        let fresh = try Peer(try DaemonProcess([Self.other.path, "--mode", "stateful"]))
        _ = try fresh.decide("s", values(20))
        let after = try second.decide("s", values(5, seed: 2))
        #expect(after.bits == (try fresh.decide("s", values(5, seed: 2)).bits))
        #expect(after.first?.sequence == 21)
    }

    @Test func `--on-other-weights refuses, carries or resets state of other weights at a start`() throws {
        let state = ["--mode", "stateful", "--state-dir", folder.path("state")]
        let first = try DaemonProcess([file] + state)
        _ = try Peer(first).decide("s", values(20))
        #expect(first.stop() == 0)
        try put(Self.smaller)
        for (choice, others) in [("refuse", "carry or reset"), ("carry", "reset")] {
            let refused = try FinishedProgram("sluiced", [file] + state + ["--on-other-weights", choice])
            #expect(refused.status == 65)
            #expect(refused.errorOutput.contains("give --on-other-weights \(others), or"), "\(refused.errorOutput)")
        }
        try put(Self.other)
        #expect(try FinishedProgram("sluiced", [file] + state).status == 65)

        let second = try DaemonProcess([file] + state + ["--on-other-weights", "carry"])
        #expect(try Peer(second).decide("s", values(1)).map(\.step) == [21])
        #expect(second.stop() == 0)
        try put(Self.smaller)
        let third = try DaemonProcess([file] + state + ["--on-other-weights", "reset"])
        let decision = try #require(try Peer(third).decide("s", values(1)).first)
        #expect(decision.step == 1 && decision.sequence == 22)
    }
}
