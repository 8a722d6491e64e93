import Testing
import Wire
import ZeroMQ

/// A subscriber to a daemon's decisions in the codec `batch`.
final class BatchSubscriber {
    private static let confirmation = "!sluice/subscribed/batches"

    private let socket: Socket
    /// The topics and contents of the messages so far.
    private(set) var messages: [(topic: String, records: [(id: [UInt8], decision: Decision)])] = []

    /// Subscribes, and waits for the daemon's confirmation.
    init(_ endpoint: String, topic: String = "", receiveHighWaterMark: Int = 0, in context: Context) throws {
        socket = try Socket(.sub, in: context)
        try socket.set(.linger, to: 0)
        try socket.set(.receiveHighWaterMark, to: receiveHighWaterMark)
        try socket.set(.receiveTimeout, to: 10_000 * Int(patience))
        try socket.attach(to: try Endpoint(connecting(endpoint)), otherwise: .connect)
        try socket.subscribe(topic)
        try socket.subscribe(Self.confirmation)
        // Last values may arrive before the confirmation.
        while try !add(try next()) {}
    }

    /// Returns the next message as frames.
    func next() throws -> [[UInt8]] { try #require(try socket.receiveFrames(wait: true), "no message arrived") }

    /// Receives messages until `count` records have arrived in total.
    func receive(records count: Int) throws {
        while messages.reduce(0, { $0 + $1.records.count }) < count { _ = try add(try next()) }
    }

    /// Adds a message of decisions.
    ///
    /// - Returns: Whether the message was not a message of decisions but the confirmation of the subscription.
    private func add(_ frames: [[UInt8]]) throws -> Bool {
        guard frames[0] != Array(Self.confirmation.utf8) else { return true }
        try #require(frames.count == DecisionBatch.frameCount)
        let (ids, column) = (frames[1], frames[2])
        let records = unsafe try DecisionBatch.read(ids: ids.span, records: column.span.bytes)
        #expect(ids.count == records.count * (records.map(\.id.count).max() ?? 0))
        messages.append((String(decoding: frames[0], as: UTF8.self), records))
        return false
    }

    /// The received decisions of each stream, in order.
    var decisions: [String: [Decision]] {
        var found: [String: [Decision]] = [:]
        for (id, decision) in messages.flatMap(\.records) {
            found[String(decoding: id, as: UTF8.self), default: []].append(decision)
        }
        return found
    }
}
