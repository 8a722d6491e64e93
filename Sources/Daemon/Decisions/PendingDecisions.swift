import Wire

/// Decisions that wait to be published, in order and in one contiguous buffer.
struct PendingDecisions {
    /// A message without its frames, which are in the common buffer.
    struct Message {
        /// The offsets at which the first and the second frame end.
        fileprivate(set) var ends: (topic: Int, content: Int)
        /// The index of the stream's model; nil for an event.
        let modelIndex: UInt32?
        /// The number of the only publisher that publishes the message; nil for all.
        let publisherNumber: UInt32?
        /// Whether the decisions gathered in the codec `batch` are published right after this message.
        fileprivate(set) var endsUnit = false

        var model: Int? { modelIndex.map(Int.init) }
        var publisher: Int? { publisherNumber.map(Int.init) }
    }

    private var bytes: [UInt8] = []
    private var messages: [Message] = []

    /// The total size of all ids and records, in bytes.
    var byteCount: Int { bytes.count }

    /// Appends the records of one stream. Allocates only if the buffer exceeds its largest size so far.
    ///
    /// - Parameters:
    ///   - id: The stream.
    ///   - records: One or more whole records.
    ///   - model: The index of the stream's model.
    ///   - publisher: The number of the only publisher that publishes the records; nil for all.
    mutating func append(_ id: Span<UInt8>, _ records: Span<UInt8>, of model: Int, for publisher: Int? = nil) {
        append(id, records, model: UInt32(model), publisher: publisher.map(UInt32.init))
    }

    /// Appends an event, so that it keeps its position among the decisions.
    mutating func append(_ event: StreamEvent) {
        append(Array(StreamEvent.topic.utf8).span, event.json.span, model: nil, publisher: nil)
    }

    private mutating func append(
        _ topic: Span<UInt8>, _ content: Span<UInt8>, model: UInt32?, publisher: UInt32?
    ) {
        unsafe topic.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        let end = bytes.count
        unsafe content.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        messages.append(Message(ends: (end, bytes.count), modelIndex: model, publisherNumber: publisher))
    }

    mutating func append(contentsOf other: PendingDecisions) {
        let shift = bytes.count
        bytes.append(contentsOf: other.bytes)
        for var message in other.messages {
            message.ends.topic += shift
            message.ends.content += shift
            messages.append(message)
        }
    }

    /// Records that, in the codec `batch`, the decisions so far are published without waiting for further ones.
    mutating func endUnit() {
        guard !messages.isEmpty else { return }
        messages[messages.count - 1].endsUnit = true
    }

    /// Calls a closure with each message and its two frames, in order.
    func forEach<Failure: Error>(
        _ body: (Message, Span<UInt8>, Span<UInt8>) throws(Failure) -> Void
    ) throws(Failure) {
        var start = 0
        for message in messages {
            let ends = message.ends
            let topic = bytes.span.extracting(start..<ends.topic)
            try body(message, topic, bytes.span.extracting(ends.topic..<ends.content))
            start = ends.content
        }
    }

    /// Removes all decisions, but keeps the capacity.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        messages.removeAll(keepingCapacity: true)
    }
}
