import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

/// Tests that events are published in order: after all earlier decisions and before all later ones.
@Suite struct `Events on the decisions socket` {
    /// A subscriber to all messages that a daemon publishes.
    private final class Listener {
        private let socket: Socket

        init(_ daemon: DaemonProcess, in context: Context) throws {
            socket = try Socket(.sub, in: context)
            try socket.set(.receiveTimeout, to: 20_000)
            try socket.attach(to: try Endpoint(connecting(daemon.decisions)), otherwise: .connect)
            try socket.subscribe("")
            try socket.subscribe("!sluice/subscribed/events")
            while try #require(try socket.receiveFrames(wait: true))[0] != Array("!sluice/subscribed/events".utf8) {}
        }

        /// Receives the next `count` messages. Returns one string per message: the sequence number of a decision, or
        /// the name, scope and count of an event.
        func next(_ count: Int) throws -> [String] {
            try (0..<count).map { _ in
                let frames = try #require(try socket.receiveFrames(wait: true))
                guard frames[0] == Array("!sluice/event".utf8) else {
                    return "\(frames[1].prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })"
                }
                let event = try JSONDecoder().decode(StreamEvent.self, from: Data(frames[1]))
                return "\(event.event) \(event.stream ?? event.prefix ?? event.model ?? "all") \(event.count)"
            }
        }
    }

    @Test func `an event is published between the decisions before and after it`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess([model2, "--state-dir", folder.path])
        let peer = try Peer(daemon)
        let listener = try Listener(daemon, in: peer.context)
        let control = peer.control
        _ = try peer.decide("s", values(1))
        _ = try control.call(.snapshot(name: "n", .all))
        _ = try control.call(.reset(.stream("s")))
        _ = try peer.decide("s", values(1))
        _ = try control.call(.restore(name: "n", .all))
        _ = try peer.decide("s", values(1))
        _ = try control.call(.reload(model: "model2", reset: false))
        _ = try control.call(.remove(.prefix("s")))
        _ = try peer.decide("s", values(1))
        #expect(
            try listener.next(8) == [
                "1", "reset s 1", "2", "restored all 1", "2", "reloaded model2 1", "removed s 1", "1",
            ])
    }

    @Test func `the event of a fault precedes later decisions, even if all messages arrived at once`() throws {
        let daemon = try DaemonProcess([`A fault`.unbounded, "--mode", "stateful", "--on-fault", "zero"])
        let peer = try Peer(daemon)
        let listener = try Listener(daemon, in: peer.context)
        try peer.feed("s", `A fault`.harmless)
        do {
            let hanging = try StoppedThread("sluice-hot", of: daemon.processIdentifier)
            for message in 2...6 { try peer.feed("s", message == 4 ? `A fault`.harmful : `A fault`.harmless) }
            withExtendedLifetime(hanging) {}
        }
        #expect(try listener.next(7) == ["1", "2", "3", "4", "quarantined s 1", "5", "6"])
    }

    @Test func `watch --events prints events as JSON lines`() throws {
        let daemon = try DaemonProcess([model2])
        let watch = try RunningProgram(
            "sluice", ["watch", "--events", "--count", "2", "--control", connecting(daemon.control)])
        _ = try watch.waitForLine { $0.hasPrefix("watching") }
        let peer = try Peer(daemon)
        _ = try peer.decide("s", values(3))
        _ = try peer.control.call(.reset(.all))
        _ = try peer.control.call(.remove(.stream("s")))
        #expect(watch.waitForEnd() == 0)
        let events = try watch.output.split(separator: "\n").map {
            try JSONDecoder().decode(StreamEvent.self, from: Data($0.utf8))
        }
        #expect(events.map(\.event) == [.reset, .removed])
        #expect(events.map(\.all) == [true, nil] && events.map(\.stream) == [nil, "s"])
    }
}
