import Streams
import Wire
import ZeroMQ

/// Publishes decisions at one endpoint, in the endpoint's codec. The hot loop owns it.
final class DecisionPublisher {
    /// The prefix of topics that confirm subscriptions. A subscriber to such a topic receives `{"event":"subscribed"}`
    /// on that topic. At that point, all earlier subscriptions of the subscriber are in force.
    private static let subscribedTopic = Array("\(StreamID.ownTopics)subscribed/".utf8)
    private static let subscribedEvent = Array(#"{"event":"subscribed"}"#.utf8)
    private static let eventTopic = Array(StreamEvent.topic.utf8)

    let codec: DecisionCodec
    /// The prefix of the topics; nil except in the codec `batch`.
    let topicPrefix: String?
    let socket: PublishingSocket
    /// The last values to send to new subscribers; always empty if `last_value` is off.
    var lastValues: LastValues
    /// The decisions that are waiting to be published; always empty except in the codec `batch`.
    private var gathered: GatheredDecisions

    /// - Parameters:
    ///   - decisions: The endpoint and the format of the messages.
    ///   - configuration: The configuration of the daemon.
    ///   - context: The libzmq context in which to create the socket.
    ///   - access: The guard that admits subscribers.
    /// - Throws: `ZeroMQError`, for example if the address is in use.
    init(
        _ decisions: DaemonConfiguration.Decisions, _ configuration: DaemonConfiguration, in context: Context,
        by access: AccessGuard
    ) throws(ZeroMQError) {
        codec = decisions.codec
        topicPrefix = codec == .batch ? decisions.topicPrefix : nil
        lastValues = LastValues(isOn: configuration.lastValue)
        gathered = GatheredDecisions(
            models: codec == .batch ? configuration.models.map(\.name) : [], topicPrefix: decisions.topicPrefix)
        socket = try PublishingSocket(
            decisions.endpoint, highWaterMark: configuration.highWaterMark(for: codec), in: context, by: access)
    }

    /// Publishes the decisions of a batch, if there are subscribers: the records of each stream under its id. In the
    /// codec `batch`, the decisions wait for ``publishGathered()``.
    ///
    /// - Parameters:
    ///   - decided: The decisions.
    ///   - table: The table that made the decisions.
    /// - Throws: `ZeroMQError` if the socket failed.
    func publish(_ decided: borrowing DecidedBatch, idsFrom table: borrowing StreamTable) throws(ZeroMQError) {
        guard socket.isSubscribed else { return }
        switch codec {
        case .binary:
            for message in 0..<decided.count {
                try socket.send(table.idBytes(of: decided.slot(of: message)), decided.records(of: message))
            }
        case .json:
            for message in 0..<decided.count {
                try publishJSON(table.idBytes(of: decided.slot(of: message)), decided.records(of: message))
            }
        case .batch: try gathered.append(decided, idsFrom: table, to: socket)
        }
    }

    /// Publishes decisions that have waited for the journal, and events.
    ///
    /// - Parameters:
    ///   - held: The decisions and events.
    ///   - number: The number of this publisher. Last values for other publishers are left out.
    /// - Throws: `ZeroMQError` if the socket failed.
    func publish(_ held: PendingDecisions, number: Int) throws(ZeroMQError) {
        guard socket.isSubscribed else { return }
        try held.forEach { message, topic, content throws(ZeroMQError) in
            guard message.publisher ?? number == number else { return }
            guard let model = message.model else {
                // Decisions that precede an event must be published before the event.
                try publishGathered()
                return try socket.send(topic, content)
            }
            try publish(topic, records: content, of: model)
            if message.endsUnit { try publishGathered() }
        }
        try publishGathered()
    }

    /// Publishes records of one stream. In the codec `batch`, they wait for ``publishGathered()``.
    ///
    /// - Parameters:
    ///   - id: The stream.
    ///   - records: One or more whole records.
    ///   - model: The index of the stream's model.
    /// - Throws: `ZeroMQError` if the socket failed.
    func publish(_ id: Span<UInt8>, records: Span<UInt8>, of model: Int) throws(ZeroMQError) {
        switch codec {
        case .binary: try socket.send(id, records)
        case .json: try publishJSON(id, records)
        case .batch: try gathered.append(id, records, of: model, to: socket)
        }
    }

    /// Publishes an event, after the decisions that are waiting in the codec `batch`.
    ///
    /// - Parameter json: The ``StreamEvent`` as JSON.
    /// - Throws: `ZeroMQError` if the socket failed.
    func publish(event json: Span<UInt8>) throws(ZeroMQError) {
        try publishGathered()
        try socket.send(Self.eventTopic.span, json)
    }

    /// Publishes the decisions that are waiting in the codec `batch`.
    func publishGathered() throws(ZeroMQError) {
        if codec == .batch { try gathered.send(to: socket) }
    }

    /// Publishes each decision as a separate message with one JSON object, no matter how `emit` is set.
    private func publishJSON(_ id: Span<UInt8>, _ records: Span<UInt8>) throws(ZeroMQError) {
        var object: [UInt8] = []
        // Reading the records cannot fail, because this process wrote them.
        for decision in (try? unsafe Decision.records(in: records.bytes)) ?? [] {
            object.removeAll(keepingCapacity: true)
            decision.appendJSON(stream: id, to: &object)
            try socket.send(id, object.span)
        }
    }

    /// Receives a limited number of subscriptions. Confirms those that ask for a confirmation, and queues last values
    /// for all others.
    func takeSubscriptions() throws(ZeroMQError) {
        for _ in 0..<HotLoop.requestsPerTurn {
            guard let frames = try socket.socket.receiveFrames(wait: false) else { return }
            // A frame that begins with 1 subscribes to the topic that follows; a frame that begins with 0 unsubscribes.
            guard let frame = frames.first, frame.first == 1 else { continue }
            socket.isSubscribed = true
            let topic = Array(frame.dropFirst())
            if topic.starts(with: Self.subscribedTopic) {
                try socket.send(topic.span, Self.subscribedEvent.span)
            } else if hasDecisions(on: topic) {
                lastValues.add(topic)
            }
        }
    }

    /// Whether a subscription to a topic may select decisions.
    private func hasDecisions(on topic: [UInt8]) -> Bool {
        codec == .batch ? gathered.isAnySelected(by: topic) : !topic.starts(with: StreamID.reservedPrefix.utf8)
    }
}

/// Last values.
extension DecisionPublisher {
    /// Whether a subscription to a topic selects the decisions of a model, for streams whose ids begin with the topic's
    /// ``idPrefix(_:)``.
    func isSelected(model: Int, by topic: [UInt8]) -> Bool { codec != .batch || gathered.isSelected(model, by: topic) }

    /// Returns the id prefix of the streams that a topic may select.
    func idPrefix(_ topic: [UInt8]) -> [UInt8] { codec == .batch ? [] : topic }

    /// Publishes the last value of one stream, unless the queue of a subscriber to the stream is full. In the codec
    /// `batch`, the value waits for ``offerGathered()``.
    ///
    /// - Returns: Whether all subscribers had room.
    func offer(_ id: Span<UInt8>, _ decisions: borrowing DecisionRecords, of model: Int) throws(ZeroMQError) -> Bool {
        switch codec {
        case .binary: return try socket.offer(id, decisions.bytes)
        case .json:
            var object: [UInt8] = []
            decisions.all.first?.appendJSON(stream: id, to: &object)
            return try socket.offer(id, object.span)
        case .batch:
            try gathered.append(id, decisions.bytes, of: model, to: socket)
            return true
        }
    }

    /// In the codec `batch`, publishes the waiting last values, unless the queue of a subscriber is full. Discards the
    /// values that are not published.
    ///
    /// - Returns: Whether all subscribers had room.
    func offerGathered() throws(ZeroMQError) -> Bool {
        codec == .batch ? try gathered.offer(to: socket) : true
    }
}
