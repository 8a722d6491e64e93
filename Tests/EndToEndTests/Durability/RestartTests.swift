import Client
import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `State after a restart` {
    @Test func `SIGTERM under load loses no consumed timestep`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path]
        let daemon = try DaemonProcess(arguments)
        let peer = try Peer(daemon)
        let inputs = values(200_000)
        let streams = 20

        // The daemon gets SIGTERM while the producer is sending. The producer continues for as long as the daemon
        // accepts messages.
        var sent = 0
        for (index, value) in inputs.enumerated() {
            if index == 20_000 { #expect(kill(daemon.processIdentifier, SIGTERM) == 0) }
            guard try peer.offer("load-\(index % streams)", value) else { break }
            sent += 1
        }
        #expect(sent >= 20_000)
        #expect(daemon.waitForEnd() == 0)
        let line = try #require(daemon.log.split(separator: "\n").last { $0.contains("stopped: ") })
        let count = line.split(separator: "stopped: ").last?.split(separator: " ").first
        let consumed = try #require(count.flatMap { Int($0) })
        #expect(consumed > 0 && consumed <= sent)

        // The stored state includes exactly the timesteps that the daemon reported as consumed. From there on, the
        // decisions must equal those of a daemon that got the same timesteps without a stop, bit for bit.
        let again = try DaemonProcess(arguments)
        let afterwards = try Peer(again)
        let fresh = try Peer(try DaemonProcess([model2]))
        var total: UInt64 = 0
        for stream in 0..<streams {
            let status = try #require(try afterwards.control.stream("load-\(stream)"))
            total += status.sequence
            let own = stride(from: stream, to: inputs.count, by: streams).map { inputs[$0] }
            _ = try fresh.decide("load-\(stream)", Array(own.prefix(Int(status.sequence))), cuts: [1000])
            let next = values(5, seed: 9)
            #expect(try afterwards.decide("load-\(stream)", next).bits == fresh.decide("load-\(stream)", next).bits)
        }
        #expect(total == UInt64(consumed))
    }

    @Test func `state survives the control method shutdown and Ctrl-C`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path]
        let first = try DaemonProcess(arguments)
        let peer = try Peer(first)
        _ = try peer.decide("s", values(5))
        #expect(try peer.control.call(.shutdown))
        #expect(first.waitForEnd() == 0)

        let second = try DaemonProcess(arguments)
        _ = try Peer(second).decide("s", values(5))
        kill(second.processIdentifier, SIGINT)
        #expect(second.waitForEnd() == 0)

        let last = try Peer(try DaemonProcess(arguments))
        #expect(try last.control.stream("s")?.sequence == 10)
    }

    @Test func `state up to the last periodic checkpoint survives a crash`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path, "--checkpoint-interval", "0.05"]
        let first = try DaemonProcess(arguments)
        let peer = try Peer(first)
        // Send all timesteps in one message, because a checkpoint could run between two messages.
        _ = try peer.decide("s", values(5), cuts: [5])
        _ = try #require(try eventually { try peer.status().checkpoint })
        first.kill()

        let second = try Peer(try DaemonProcess(arguments))
        #expect(try second.control.stream("s")?.sequence == 5)
    }

    @Test func `snapshots survive a restart, and removed streams stay removed`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path]
        let first = try DaemonProcess(arguments)
        let peer = try Peer(first)
        let original = try peer.decide("a", values(10))
        _ = try peer.decide("b", values(3))
        _ = try peer.control.call(.snapshot(name: "kept", .all))
        _ = try peer.control.call(.checkpoint)
        #expect(try peer.control.call(.remove(.stream("b"))).removed == 1)
        first.kill()

        let second = try Peer(try DaemonProcess(arguments))
        #expect(try second.control.stream("b") == nil)
        let kept = try second.control.call(.snapshots).snapshots
        #expect(kept.map(\.name) == ["kept"])
        #expect(kept.map(\.streams) == [2])
        #expect(try second.control.call(.restore(name: "kept", .all)).restored == 2)
        let restored = try #require(try second.control.stream("a"))
        #expect(restored.sequence == 10)
        #expect(restored.probability.values == original.last?.probabilities)
    }

    @Test func `state of other weights is refused unchanged with exit status 65`() throws {
        let folder = try TemporaryFolder()
        let arguments = ["--state-dir", folder.path]
        let first = try DaemonProcess([model2] + arguments)
        _ = try Peer(first).decide("s", values(5))
        #expect(first.stop() == 0)

        let other = Fixtures.url("reference/model1.keras").path
        let refused = try FinishedProgram("sluiced", [other, "--mode", "stateful"] + arguments)
        #expect(refused.status == 65)
        #expect(refused.errorOutput.contains("belongs to the weights"))

        let second = try Peer(try DaemonProcess([model2] + arguments))
        #expect(try second.control.stream("s")?.sequence == 5)
    }

    @Test func `a snapshot of other weights is not restored`() throws {
        let folder = try TemporaryFolder()
        let arguments = ["--state-dir", folder.path]
        let first = try DaemonProcess([model2] + arguments)
        let peer = try Peer(first)
        _ = try peer.decide("s", values(5))
        _ = try peer.control.call(.snapshot(name: "of model2", .all))
        _ = try peer.control.call(.remove(.all))
        #expect(first.stop() == 0)

        let other = Fixtures.url("reference/model1.keras").path
        let second = try Peer(try DaemonProcess([other, "--mode", "stateful"] + arguments))
        let error = #expect(throws: ClientError.self) {
            _ = try second.control.call(.restore(name: "of model2", .all))
        }
        #expect(error == ClientError(ControlError(.fingerprintDiffers, error?.message ?? "")))
        #expect(try second.status().streams == 0)
    }

    @Test func `on a full disk, the daemon reports it, continues to decide, and loses no stored state`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path, "--checkpoint-interval", "3600"]
        // The limit is above 512 kB because the thread sanitizer writes a file of that size when a program starts.
        let daemon = try DaemonProcess(arguments, fileSizeLimit: 600)
        let peer = try Peer(daemon)
        let inputs = values(20)
        let undisturbed = try Peer(try DaemonProcess([model2])).decide("s", inputs)
        var decisions = try peer.decide("s", Array(inputs[..<10]))
        _ = try peer.control.call(.checkpoint)

        for stream in 0..<10_000 { try peer.feed("many-\(stream)", [0.5]) }
        try peer.waitForSequence(1, of: "many-9999")
        let error = #expect(throws: ClientError.self) {
            _ = try peer.control.call(.checkpoint)
        }
        #expect(error?.status == .inputOutput)
        decisions += try peer.decide("s", Array(inputs[10...]))
        #expect(decisions.bits == undisturbed.bits)
        #expect(daemon.log.contains("checkpoint failed"))
        #expect(daemon.stop() == 74, "the state since the last checkpoint is lost, and the exit status says so")

        let again = try Peer(try DaemonProcess(arguments))
        #expect(try again.control.stream("s")?.sequence == 10)
    }

    @Test func `a second daemon on the same folder is refused with exit status 75`() throws {
        let folder = try TemporaryFolder()
        let first = try DaemonProcess([model2, "--state-dir", folder.path])
        let second = try FinishedProgram("sluiced", [model2, "--state-dir", folder.path])
        #expect(second.status == 75)
        #expect(second.errorOutput.contains("in use"))
        #expect(first.stop() == 0)
    }

    @Test func `without a state folder, the log says once that all state is in memory`() throws {
        let daemon = try DaemonProcess([model2])
        let mentions = daemon.log.split(separator: "\n").count { $0.contains("in memory") }
        #expect(mentions == 1)
    }
}
