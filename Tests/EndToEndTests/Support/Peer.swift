import Client
import Foundation
import Testing
import Wire
import ZeroMQ

/// A producer, subscriber and controller of one daemon over real sockets. A peer can wait for the decisions on its
/// timesteps.
final class Peer {
    /// Keeps the daemon alive for as long as its peer.
    private let daemon: DaemonProcess
    let context: Context
    let control: ControlClient
    private let producer: Socket
    private let subscriber: DecisionSubscriber
    private let takesTokens: Bool
    /// Received decisions that no call has returned yet, by stream and in order.
    private var waiting: [String: [Decision]] = [:]

    init(_ daemon: DaemonProcess, credentials: CurveCredentials? = nil) throws {
        self.daemon = daemon
        context = try Context()
        control = try ControlClient(
            endpoint: connecting(daemon.control), timeoutSeconds: 20 * patience, credentials: credentials, in: context)
        takesTokens = try control.call(.status).models.contains { $0.tokens != nil }
        subscriber = try DecisionSubscriber(
            endpoint: try Endpoint(connecting(daemon.decisions)), prefix: "", batches: DecisionBatch.topicPrefix,
            credentials: credentials, in: context)
        let endpoint = try IngestEndpoint(connecting(daemon.ingest))
        producer = try Socket(endpoint.kind == .pull ? .push : .xpub, in: context)
        try producer.set(.linger, to: 0)
        try producer.set(.receiveTimeout, to: 10_000)
        try producer.set(.sendTimeout, to: 10_000)
        if endpoint.kind == .sub { try producer.set(.publisherWaits, to: 1) }
        try producer.authenticate(with: credentials, at: endpoint.endpoint)
        try producer.attach(to: endpoint.endpoint, otherwise: .connect)
        if endpoint.kind == .sub {
            try #require(try producer.receiveFrames(wait: true) == [[1]], "the daemon did not subscribe")
        }
    }

    /// Sends frames unchanged.
    func send(_ frames: [[UInt8]]) throws {
        try #require(try producer.sendFrames(frames, wait: true))
    }

    /// Sends one timestep if the daemon accepts it within half a second. A daemon that is stopping accepts none.
    ///
    /// - Returns: Whether the timestep was sent. If not, the socket cannot send again, because part of the message may
    ///   already be in transit.
    func offer(_ stream: String, _ value: Float) throws -> Bool {
        try producer.set(.sendTimeout, to: 500)
        return try producer.sendFrames([Array(stream.utf8), Timesteps.bytes([value])], wait: true)
    }

    /// Sends one message of timesteps with one feature each. If the model takes tokens, sends the values as tokens.
    func feed(
        _ stream: String, _ values: [Float], sequence: UInt64? = nil, flags: TimestepHeader.Flags = []
    ) throws {
        let payload = takesTokens ? Timesteps.bytes(tokens: values.map { Int32($0) }) : Timesteps.bytes(values)
        var frames = [Array(stream.utf8), payload]
        if sequence != nil || !flags.isEmpty {
            frames.append(TimestepHeader(sequence: sequence ?? 0, flags: flags).bytes)
        }
        try send(frames)
    }

    /// Waits for a stream's next decisions.
    func decisions(of stream: String, _ count: Int) throws -> [Decision] {
        let deadline = ContinuousClock.now + .seconds(30 * patience)
        while waiting[stream, default: []].count < count, ContinuousClock.now < deadline {
            try subscriber.wait(seconds: 0.5)
            while let message = try subscriber.next() {
                waiting[message.stream, default: []].append(contentsOf: message.decisions)
            }
        }
        let found = waiting[stream, default: []]
        try #require(found.count >= count, "\(found.count) of \(count) decisions arrived on \(stream)")
        waiting[stream] = Array(found.dropFirst(count))
        return Array(found.prefix(count))
    }

    /// Waits for the next decisions of all streams.
    ///
    /// - Parameter count: The number of decisions, over all streams.
    /// - Returns: The decisions by stream.
    /// - Throws: An error if the socket fails.
    func allDecisions(_ count: Int) throws -> [String: [Decision]] {
        let deadline = ContinuousClock.now + .seconds(30 * patience)
        while waiting.values.reduce(0, { $0 + $1.count }) < count, ContinuousClock.now < deadline {
            try subscriber.wait(seconds: 0.5)
            while let message = try subscriber.next() {
                waiting[message.stream, default: []].append(contentsOf: message.decisions)
            }
        }
        defer { waiting = [:] }
        return waiting
    }

    /// Feeds timesteps in messages whose sizes cycle through `cuts`. Waits for the decisions on all timesteps and
    /// returns them.
    func decide(_ stream: String, _ values: [Float], cuts: [Int] = [1]) throws -> [Decision] {
        var rest = values[...]
        for index in 0... {
            guard !rest.isEmpty else { break }
            try feed(stream, Array(rest.prefix(cuts[index % cuts.count])))
            rest = rest.dropFirst(cuts[index % cuts.count])
        }
        return try decisions(of: stream, values.count)
    }

    func status() throws -> DaemonStatus { try control.call(.status) }

    /// Waits until a stream has reached a sequence number.
    func waitForSequence(_ sequence: UInt64, of stream: String) throws {
        let reached = try eventually { try control.stream(stream)?.sequence ?? 0 >= sequence ? true : nil }
        try #require(reached == true, "\(stream) did not reach \(sequence)")
    }
}

/// Returns the endpoint with which a client connects to a daemon's endpoint.
func connecting(_ endpoint: String) -> String { endpoint.replacing("@", with: ">") }

extension [Decision] {
    /// The parts of the decisions that must have the same bits in every run: everything except the time.
    var bits: [[UInt64]] {
        map { decision in
            [decision.sequence, decision.step, UInt64(decision.flags.rawValue), UInt64(decision.label)]
                + decision.probabilities.map { UInt64($0.bitPattern) }
        }
    }

    /// The bits of the probabilities, without the other fields.
    var probabilityBits: [UInt32] { flatMap { $0.probabilities.map(\.bitPattern) } }
}
