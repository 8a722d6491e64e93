import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

/// Tests `sluice watch` across restarts of the watched daemon.
@Suite struct `The watch` {
    /// A stand-in for a daemon's decisions endpoint.
    private final class Publisher {
        let socket: Socket
        let context: Context

        /// Binds the endpoint and receives a subscription.
        init(_ address: String) throws {
            context = try Context()
            socket = try Socket(.xpub, in: context)
            try socket.set(.linger, to: 1_000)
            try socket.set(.everySubscription, to: 1)
            try socket.set(.receiveTimeout, to: 30_000)
            try socket.attach(to: try Endpoint("@\(address)"), otherwise: .bind)
        }

        /// Waits for `count` subscriptions that request a confirmation, and confirms them.
        func confirm(_ count: Int) throws {
            var confirmed = 0
            while confirmed < count {
                let frame = try #require(try socket.receiveFrames(wait: true)?.first)
                guard frame.first == 1, frame.dropFirst().starts(with: "!sluice/subscribed/".utf8) else { continue }
                try socket.sendFrames([Array(frame.dropFirst()), Array(#"{"event":"subscribed"}"#.utf8)], wait: true)
                confirmed += 1
            }
        }

        func publish(_ stream: String, _ sequences: ClosedRange<UInt64>) throws {
            for sequence in sequences {
                let decision = Decision(
                    sequence: sequence, step: sequence, time: 0, flags: [], label: 0, probabilities: [0.5])
                var json: [UInt8] = []
                decision.appendJSON(stream: stream.utf8.span, to: &json)
                try socket.sendFrames([Array(stream.utf8), json], wait: true)
            }
        }
    }

    @Test func `the watch reports a lost daemon, its return, and the timesteps that passed meanwhile`() throws {
        let folder = try TemporaryFolder()
        let address = "ipc://\(folder.path("decisions"))"
        let watch: RunningProgram
        do {
            let first = try Publisher(address)
            watch = try RunningProgram("sluice", ["watch", "--decisions", ">\(address)", "--count", "4"])
            try first.confirm(1)
            _ = try watch.waitForLine { $0.hasPrefix("watching") }
            try first.publish("a", 1...2)
            let seen: Bool? = eventually { watch.output.contains("a,2,") ? true : nil }
            #expect(seen == true)
            withExtendedLifetime(first) {}
        }
        _ = try watch.waitForLine { $0.hasPrefix("lost the daemon at \(address)") }
        let second = try Publisher(address)
        // After the reconnection, libzmq first repeats the old subscription. The second subscription is new.
        try second.confirm(2)
        _ = try watch.waitForLine { $0.hasPrefix("the daemon at \(address) is back after") }
        try second.publish("a", 6...7)
        #expect(watch.waitForEnd() == 0)
        #expect(watch.errorOutput.contains("3 timesteps passed meanwhile: a 3 to 5"))
        #expect(
            watch.output.split(separator: "\n").dropFirst().map { $0.prefix(4) } == ["a,1,", "a,2,", "a,6,", "a,7,"])
    }

    @Test func `the watch reports missed decisions if the daemon decides every timestep`() throws {
        let folder = try TemporaryFolder()
        func daemon() throws -> DaemonProcess {
            try DaemonProcess(
                [model2, "--state-dir", folder.path("state"), "--durability", "journal"],
                ingest: ["@ipc://\(folder.path("ingest"))"], decisions: "@ipc://\(folder.path("decisions"))",
                control: "@ipc://\(folder.path("control"))")
        }
        var first: DaemonProcess? = try daemon()
        let watch = try RunningProgram(
            "sluice", ["watch", "--count", "3", "--control", ">ipc://\(folder.path("control"))"])
        _ = try watch.waitForLine { $0.hasPrefix("watching") }
        _ = try Peer(try #require(first)).decide("s", values(2))
        let seen: Bool? = eventually { watch.output.contains("s,2,") ? true : nil }
        #expect(seen == true)
        // Suspend the watch, because it might otherwise reconnect before the first decision.
        kill(watch.processIdentifier, SIGSTOP)
        first?.kill()
        first = nil
        let second = try daemon()
        let peer = try Peer(second)
        _ = try peer.decide("s", values(10))
        kill(watch.processIdentifier, SIGCONT)
        _ = try watch.waitForLine { $0.hasPrefix("lost the daemon") }
        _ = try watch.waitForLine { $0.contains("is back after") }
        _ = try peer.decide("s", values(1))
        #expect(watch.waitForEnd() == 0)
        #expect(watch.errorOutput.contains("10 decisions were missed: s 3 to 12"), "\(watch.errorOutput)")
        #expect(second.stop() == 0)
    }

    @Test(arguments: [("xterm", "", true), ("xterm", "1", false), ("dumb", "", false)])
    func `the table on a terminal ends with q, and has colours only if they are wanted`(
        term: String, noColour: String, hasColours: Bool
    ) throws {
        let daemon = try DaemonProcess([model2, "--last-value"])
        _ = try Peer(daemon).decide("s", [0.5])
        let sluice = RunningProgram.folder.appending(path: "sluice").path
        let command = "stty cols 80 rows 24; exec '\(sluice)' watch --for 2 --control '\(connecting(daemon.control))'"
        let ended = try FinishedProgram(
            "/usr/bin/env",
            ["TERM=\(term)", "NO_COLOR=\(noColour)", "script", "-qec", command, "/dev/null"],
            input: term == "dumb" ? "" : "q")
        #expect(ended.status == 0)
        #expect(ended.output.contains("\u{1B}[32mconnected") == hasColours, "\(ended.output)")
        #expect(ended.output.contains("decisions/s") == (term != "dumb"))
        #expect(ended.output.contains(term == "dumb" ? "stream,sequence" : "0 decisions on"))
    }
}
