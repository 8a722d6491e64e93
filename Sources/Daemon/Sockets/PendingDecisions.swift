import Wire
import ZeroMQ

/// Decisions that wait to be published, in order and in one contiguous buffer.
struct PendingDecisions {
    private var bytes: [UInt8] = []
    /// For each message, the offsets at which its id and its records end.
    private var ends: [(id: Int, records: Int)] = []

    /// The total size of all ids and records, in bytes.
    var byteCount: Int { bytes.count }

    /// Appends one message. Allocates only if the buffer exceeds its largest size so far.
    mutating func append(_ id: Span<UInt8>, _ decisions: borrowing DecisionRecords) {
        append(id, decisions.bytes)
    }

    /// Appends one message whose second frame may have any content.
    mutating func append(_ topic: Span<UInt8>, _ content: Span<UInt8>) {
        unsafe topic.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        let end = bytes.count
        unsafe content.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        ends.append((end, bytes.count))
    }

    mutating func append(contentsOf other: PendingDecisions) {
        let shift = bytes.count
        bytes.append(contentsOf: other.bytes)
        for end in other.ends { ends.append((end.id + shift, end.records + shift)) }
    }

    /// Calls a closure with the id and the records of each message, in order.
    func forEach<Failure: Error>(_ body: (Span<UInt8>, Span<UInt8>) throws(Failure) -> Void) throws(Failure) {
        var start = 0
        for end in ends {
            try body(bytes.span.extracting(start..<end.id), bytes.span.extracting(end.id..<end.records))
            start = end.records
        }
    }

    /// Removes all decisions but keeps the memory.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }
}
