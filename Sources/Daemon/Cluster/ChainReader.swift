#if Cluster
import NATS
import Wire
import ZeroMQ

/// Reads the messages of the partitions' chains, and publishes their decisions and events in order.
final class ChainReader {
    let publishers: [DecisionPublisher]
    /// The number of models, which decisions refer to.
    private let models: Int
    /// For each partition, the partial messages whose last part has not arrived.
    private var held: [Int: [[UInt8]]] = [:]
    /// The number of messages of decisions.
    private(set) var messages: UInt64 = 0
    /// The number of messages that could not be read.
    private(set) var malformed: UInt64 = 0

    init(_ publishers: [DecisionPublisher], models: Int) {
        self.publishers = publishers
        self.models = models
    }

    /// Publishes a message, or holds it if it is partial.
    ///
    /// - Parameters:
    ///   - message: The next message of the chain.
    ///   - partition: The partition.
    ///   - refuse: A closure that logs the reason why a message cannot be read.
    /// - Throws: `ZeroMQError` if a socket failed.
    func take(_ message: NATS.Message, of partition: Int, refuse: (LogFormatError) -> Void) throws(ZeroMQError) {
        let payload = message.payload
        let parts: [[UInt8]]
        // The items of all parts, with those of the message itself at the end.
        let items: [[ChainItem]]
        do throws(LogFormatError) {
            guard try completes(message, of: partition) else { return }
            messages += 1
            parts = held.removeValue(forKey: partition) ?? []
            guard publishers.contains(where: \.socket.isSubscribed) else { return }
            items =
                try parts.map { part throws(LogFormatError) in try unsafe ChainItem.items(of: part.span.bytes) }
                + [try unsafe ChainItem.items(of: payload.bytes)]
        } catch {
            malformed += 1
            return refuse(error)
        }
        for (part, items) in zip(parts, items) { try publish(items, of: part.span) }
        try publish(items[parts.count], of: payload)
        for publisher in publishers { try publisher.publishGathered() }
    }

    /// Notes a message that changes what is held.
    ///
    /// - Returns: Whether the message completes decisions, which can be published.
    private func completes(_ message: NATS.Message, of partition: Int) throws(LogFormatError) -> Bool {
        let payload = message.payload
        let entry = try unsafe ChainEntry(payload.bytes)
        switch entry.kind {
        case .claim: held[partition] = nil
        case .manifest: break
        case .decisions where entry.isPartial:
            messages += 1
            held[partition, default: []].append(message.bytes)
        case .decisions: return true
        }
        return false
    }

    private func publish(_ items: [ChainItem], of message: Span<UInt8>) throws(ZeroMQError) {
        for item in items {
            for publisher in publishers where publisher.socket.isSubscribed {
                switch item {
                case .decisions(let model, let id, let records):
                    // A node with fewer models is about to be replaced. Only the codec `batch` needs the model.
                    guard model < models else { continue }
                    try publisher.publish(message.extracting(id), records: message.extracting(records), of: model)
                case .event(let json):
                    try publisher.publish(event: message.extracting(json))
                }
            }
        }
    }
}
#endif
