import Streams
import Wire
import ZeroMQ

/// The decisions that are waiting to be published in the codec `batch`, as one message for each model.
struct GatheredDecisions {
    /// For each model, the topic of its messages.
    private let topics: [[UInt8]]
    /// For each model, the message under construction.
    private var batches: [DecisionBatch]
    /// Whether any message has a record.
    private var isEmpty = true

    /// - Parameters:
    ///   - models: The names of the models.
    ///   - topicPrefix: The prefix of the topics, which end with the names.
    init(models: [String], topicPrefix: String) {
        topics = models.map { Array("\(topicPrefix)\($0)".utf8) }
        batches = models.map { _ in DecisionBatch() }
    }

    /// Whether a subscription to a topic selects the messages of a model.
    func isSelected(_ model: Int, by topic: [UInt8]) -> Bool { topics[model].starts(with: topic) }

    /// Whether a subscription to a topic selects the messages of any model.
    func isAnySelected(by topic: [UInt8]) -> Bool { topics.contains { $0.starts(with: topic) } }

    /// Adds the decisions of a batch.
    ///
    /// - Parameters:
    ///   - decided: The decisions.
    ///   - table: The table that made the decisions.
    ///   - socket: The socket to which a full message is sent.
    /// - Throws: `ZeroMQError` if the socket failed.
    mutating func append(
        _ decided: borrowing DecidedBatch, idsFrom table: borrowing StreamTable, to socket: PublishingSocket
    ) throws(ZeroMQError) {
        var first = 0
        while first < decided.count {
            let (model, run) = table.run(of: decided, from: first)
            if table.append(decided, run, to: &batches[model]) {
                isEmpty = false
            } else {
                // The message is almost full, so fill it stream by stream.
                for message in run {
                    let id = table.idBytes(of: decided.slot(of: message))
                    try append(id, decided.records(of: message), of: model, to: socket)
                }
            }
            first = run.upperBound
        }
    }

    /// Adds the records of one stream.
    ///
    /// - Parameters:
    ///   - id: The stream.
    ///   - records: One or more whole records.
    ///   - model: The index of the model.
    ///   - socket: The socket to which a full message is sent.
    /// - Throws: `ZeroMQError` if the socket failed.
    mutating func append(
        _ id: Span<UInt8>, _ records: Span<UInt8>, of model: Int, to socket: PublishingSocket
    ) throws(ZeroMQError) {
        isEmpty = false
        var start = batches[model].append(id, records)
        while start < records.count {
            try send(model, to: socket)
            start += batches[model].append(id, records.extracting(start...))
        }
    }

    /// Sends all messages.
    mutating func send(to socket: PublishingSocket) throws(ZeroMQError) {
        guard !isEmpty else { return }
        for model in batches.indices where batches[model].count > 0 { try send(model, to: socket) }
        isEmpty = true
    }

    private mutating func send(_ model: Int, to socket: PublishingSocket) throws(ZeroMQError) {
        batches[model].finish()
        let (topic, batch) = (topics[model], batches[model])
        try socket.send(topic.span, batch.idColumn, batch.recordColumn)
        batches[model].removeAll()
    }

    /// Sends the messages until a subscriber has no room for one. Discards that message and all later ones.
    ///
    /// - Returns: Whether all messages were sent.
    mutating func offer(to socket: PublishingSocket) throws(ZeroMQError) -> Bool {
        var areSent = true
        for model in batches.indices where batches[model].count > 0 {
            batches[model].finish()
            let (topic, batch) = (topics[model], batches[model])
            if areSent { areSent = try socket.offer(topic.span, batch.idColumn, batch.recordColumn) }
            batches[model].removeAll()
        }
        isEmpty = true
        return areSent
    }
}
