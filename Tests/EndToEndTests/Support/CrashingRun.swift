import Client
import Foundation
import Synchronization
import TestSupport
import Testing
import Wire
import ZeroMQ

/// A series of daemons that share one state folder and are killed in turn. Records what a producer and a subscriber
/// observe over the whole series.
final class CrashingRun {
    static let streams = (0..<4).map { "stream-\($0)" }
    /// The number of timesteps in a full message.
    private static let messageLength: UInt64 = 7
    /// The number of timesteps between two start flags.
    private static let stretch: UInt64 = 70

    private let folder: TemporaryFolder
    private let arguments: [String]
    private var chance: SplitMix64
    /// The bits of the decisions that the subscriber has seen, by stream and sequence number.
    private(set) var seen: [String: [UInt64: [UInt64]]] = [:]
    /// The number of decisions that the subscriber has seen, including repeats.
    private var seenInAll = 0
    /// The number of decisions that the subscriber has seen more than once.
    private(set) var repeated = 0

    init(_ durability: String, interval: String, seed: UInt64) throws {
        folder = try TemporaryFolder()
        arguments = [
            model2, "--state-dir", folder.path, "--durability", durability, "--checkpoint-interval", interval,
        ]
        chance = SplitMix64(seed: seed)
    }

    /// Returns the value of a stream's timestep, which is the same in every run.
    static func value(_ stream: String, _ sequence: UInt64) -> Float {
        Float(sin(Double(sequence) * 0.7 + Double(stream.utf8.last ?? 0)) * 1.5)
    }

    /// Returns the message that begins with the given timestep. The header has the start flag if a stretch begins with
    /// that timestep.
    static func message(_ stream: String, from sequence: UInt64) -> (values: [Float], header: TimestepHeader) {
        let last = (sequence - 1) / messageLength * messageLength + messageLength
        let starts = (sequence - 1) % stretch == 0
        return (
            (sequence...last).map { value(stream, $0) },
            TimestepHeader(sequence: sequence, flags: starts ? .start : [])
        )
    }

    /// Runs one daemon and kills it at a random moment: while it starts, works or stops.
    ///
    /// - Returns: The number of timesteps that each stream had when the daemon was ready; nil if the daemon was killed
    ///   before it was ready.
    @discardableResult
    func live() throws -> [String: UInt64]? {
        let moment = Int.random(in: 0..<10, using: &chance)
        let microseconds = Int.random(in: 0..<20_000, using: &chance)
        if moment == 0 {
            let program = try RunningProgram(
                "sluiced",
                arguments + ["--ingest", "pull:@tcp://127.0.0.1:*"]
                    + ["--decisions", "@tcp://127.0.0.1:*", "--control", "@tcp://127.0.0.1:*"])
            usleep(UInt32(5 * microseconds))
            program.kill()
            _ = program.waitForEnd()
            return nil
        }
        let link = try link()
        let sequences = try link.sequences()
        // Kill after a number of decisions, not after a time, so that slow and fast machines see the same number of
        // decisions.
        let wanted = seenInAll + Int.random(in: 0..<60, using: &chance)
        let isOver = Flag()
        let killer = Thread { [processIdentifier = link.daemon.processIdentifier] in
            usleep(UInt32(microseconds))
            // In some cases, the kill interrupts an orderly stop.
            if moment == 1 {
                kill(processIdentifier, SIGTERM)
                usleep(UInt32(microseconds))
            }
            kill(processIdentifier, SIGKILL)
            isOver.set()
        }
        var isStarted = false
        var next = sequences.mapValues { $0 + 1 }
        while !isOver.isSet {
            for stream in Self.streams {
                let message = Self.message(stream, from: next[stream, default: 1])
                guard try link.send(stream, message.values, message.header) else { break }
                next[stream, default: 1] += UInt64(message.values.count)
            }
            try collect(from: link, seconds: 0)
            if !isStarted && seenInAll >= wanted {
                killer.start()
                isStarted = true
            }
        }
        try collect(from: link, seconds: 0.01)
        _ = link.daemon.waitForEnd()
        return sequences
    }

    /// Runs a final daemon without killing it, and feeds every stream more timesteps.
    ///
    /// - Returns: The number of timesteps of each stream at the end.
    func finish() throws -> UInt64 {
        let link = try link()
        let sequences = try link.sequences()
        let reached = Self.streams.map { max(sequences[$0] ?? 0, lastSeen($0)) }.max() ?? 0
        let last = (reached / Self.messageLength + 2) * Self.messageLength
        for stream in Self.streams {
            var next = sequences[stream, default: 0] + 1
            while next <= last {
                let message = Self.message(stream, from: next)
                try #require(try link.send(stream, message.values, message.header))
                next += UInt64(message.values.count)
            }
        }
        let all = try eventually {
            try collect(from: link, seconds: 0.1)
            return Self.streams.allSatisfy { seen[$0]?[last] != nil } ? true : nil
        }
        try #require(all == true, "not all timesteps were decided: \(link.daemon.log)")
        #expect(link.daemon.stop() == 0)
        return last
    }

    /// Returns the largest sequence number among the decisions that the subscriber has seen on a stream.
    func lastSeen(_ stream: String) -> UInt64 { seen[stream]?.keys.max() ?? 0 }

    private func link() throws -> CrashLink {
        try CrashLink(try DaemonProcess(arguments, ingest: ["pull:@tcp://127.0.0.1:*"]))
    }

    private func collect(from link: CrashLink, seconds: Double) throws {
        for (stream, decisions) in try link.decisions(seconds: seconds) {
            for (decision, bits) in zip(decisions, decisions.bits) {
                seenInAll += 1
                if seen[stream]?[decision.sequence] != nil { repeated += 1 }
                seen[stream, default: [:]][decision.sequence] = bits
            }
        }
    }
}

/// A producer, subscriber and controller of a daemon that may be killed at any moment.
private final class CrashLink {
    let daemon: DaemonProcess
    private let control: ControlClient
    private let producer: Socket
    private let subscriber: DecisionSubscriber

    init(_ daemon: DaemonProcess) throws {
        self.daemon = daemon
        let context = try Context()
        control = try ControlClient(endpoint: connecting(daemon.control), timeoutSeconds: 20 * patience, in: context)
        subscriber = try DecisionSubscriber(
            endpoint: try Endpoint(connecting(daemon.decisions)), prefix: "", in: context)
        producer = try Socket(.push, in: context)
        try producer.set(.linger, to: 0)
        try producer.set(.immediate, to: 1)
        try producer.set(.sendTimeout, to: 200)
        try producer.attach(
            to: try IngestEndpoint(connecting(daemon.ingest)).endpoint, otherwise: .connect)
    }

    /// Returns the sequence number of each stream.
    func sequences() throws -> [String: UInt64] {
        var sequences: [String: UInt64] = [:]
        for stream in CrashingRun.streams { sequences[stream] = try control.stream(stream)?.sequence ?? 0 }
        return sequences
    }

    /// Sends a message. Returns whether it was sent.
    func send(_ stream: String, _ values: [Float], _ header: TimestepHeader) throws -> Bool {
        try producer.sendFrames([Array(stream.utf8), Timesteps.bytes(values), header.bytes], wait: true)
    }

    /// Waits up to `seconds` for a message. Returns the decisions that have arrived.
    func decisions(seconds: Double) throws -> [(String, [Decision])] {
        var messages: [(String, [Decision])] = []
        if seconds > 0 { try subscriber.wait(seconds: seconds) }
        while let message = try subscriber.next() { messages.append((message.stream, message.decisions)) }
        return messages
    }
}

/// A flag that one thread sets for another.
private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}
