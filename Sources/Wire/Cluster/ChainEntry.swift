/// A message of a partition's chain, the JetStream stream `OUT_p`. Each message was stored only because the one before
/// it was the last.
///
/// | bytes | field |
/// | --- | --- |
/// | 1 | version |
/// | 1 | kind: 0 claim, 1 decisions, 2 manifest |
/// | 2 | flags: 1 partial |
/// | 8 | `through`: the last sequence number of `IN_p` whose decisions are in the chain, up to and with this message |
/// | 8 | `manifest`: the sequence number in `OUT_p` of the last manifest, up to and with this message; 0 for none |
///
/// The decisions on one message of the log usually fit in one message of the chain. If not, all parts but the last are
/// flagged as partial. A reader holds the items of a partial message until the next message of decisions that is not
/// partial, and discards them if a claim comes first.
///
/// After these 20 bytes follow a ``ChainClaim`` or a ``CheckpointManifest`` as JSON, or the items of decisions:
///
/// | kind of item | then |
/// | --- | --- |
/// | 0 decisions of one stream | u8 model, u8 length of the id, id, u32 length of the records, records |
/// | 1 event | u32 length, a ``StreamEvent`` as JSON |
package struct ChainEntry: Equatable, Sendable {
    /// The kind of message.
    package enum Kind: UInt8, CaseIterable, Sendable {
        /// A node takes over the partition.
        case claim
        /// Decisions and events.
        case decisions
        /// A checkpoint is complete.
        case manifest
    }

    /// The kind of message.
    package var kind: Kind
    /// The last sequence number of the log whose decisions are in the chain.
    package var through: UInt64
    /// The sequence number in the chain of the last manifest; 0 for none.
    package var manifest: UInt64

    /// Whether more decisions on the same message of the log follow in the next message.
    package var isPartial: Bool

    private static let partial: UInt16 = 1

    /// The version of the format.
    package static let version: UInt8 = 1
    /// The number of bytes before the body.
    package static let headLength = 20
    /// The maximum length of a message. NATS' default limit is 1 MiB, including the headers.
    package static let maximumLength = (1 << 20) - 4096

    /// Creates the head of a message. Each parameter sets the property of the same name.
    package init(_ kind: Kind, through: UInt64, manifest: UInt64, isPartial: Bool = false) {
        self.kind = kind
        self.isPartial = isPartial
        self.through = through
        self.manifest = manifest
    }

    /// Reads the head of a message.
    ///
    /// - Throws: ``LogFormatError`` if the message is too short, or its version or kind is unknown.
    package init(_ bytes: RawSpan) throws(LogFormatError) {
        var reader = ByteReader(bytes)
        let version = try reader.byte()
        guard version == Self.version else { throw .version(version) }
        guard let kind = Kind(rawValue: try reader.byte()) else { throw .kind }
        let flags = try reader.number(UInt16.self)
        guard flags & ~Self.partial == 0 else { throw .flags }
        isPartial = flags == Self.partial
        self.kind = kind
        through = try reader.number(UInt64.self)
        manifest = try reader.number(UInt64.self)
    }

    /// Writes a whole message.
    ///
    /// - Parameter body: The JSON or the items.
    /// - Returns: The bytes of the message.
    package func bytes(body: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.headLength + body.count)
        bytes.append(Self.version)
        bytes.append(kind.rawValue)
        bytes.appendLittleEndian(isPartial ? Self.partial : 0)
        bytes.appendLittleEndian(through)
        bytes.appendLittleEndian(manifest)
        bytes.append(contentsOf: body)
        return bytes
    }
}

/// The items of a message of decisions.
package enum ChainItem: Equatable, Sendable {
    /// The decisions on one message of a stream. The ranges lie within the chain's message.
    case decisions(model: Int, id: Range<Int>, records: Range<Int>)
    /// A ``StreamEvent`` as JSON. The range lies within the chain's message.
    case event(Range<Int>)

    private enum Kind: UInt8 {
        case decisions, event
    }

    /// Reads the items of a message of decisions.
    ///
    /// - Parameter bytes: The whole message, with its head.
    /// - Returns: The items in order.
    /// - Throws: ``LogFormatError`` if any part of the message is malformed.
    package static func items(of bytes: RawSpan) throws(LogFormatError) -> [ChainItem] {
        var reader = ByteReader(bytes)
        _ = try reader.take(ChainEntry.headLength)
        var items: [ChainItem] = []
        while !reader.isAtEnd {
            switch Kind(rawValue: try reader.byte()) {
            case .decisions:
                let model = Int(try reader.byte())
                let id = try reader.take(Int(try reader.byte()))
                let records = try reader.take(Int(try reader.number(UInt32.self)))
                items.append(.decisions(model: model, id: id, records: records))
            case .event: items.append(.event(try reader.take(Int(try reader.number(UInt32.self)))))
            case nil: throw .kind
            }
        }
        return items
    }

    /// The maximum number of bytes of records in one item, so that items can be divided among messages of the chain.
    private static let maximumRecords = 256 << 10

    /// Appends the decisions on one message to the items of a chain's message.
    ///
    /// - Parameters:
    ///   - model: The index of the stream's model.
    ///   - id: The stream's id.
    ///   - records: One or more whole records, which all have the same size.
    ///   - bytes: The items.
    package static func appendDecisions(
        model: Int, id: Span<UInt8>, records: Span<UInt8>, to bytes: inout [UInt8]
    ) {
        let recordSize = Decision.size(ofRecordIn: records)
        let perItem = maximumRecords / recordSize * recordSize
        var start = 0
        while start < records.count {
            let end = min(records.count, start + perItem)
            append(model: model, id: id, records: records.extracting(start..<end), to: &bytes)
            start = end
        }
    }

    private static func append(model: Int, id: Span<UInt8>, records: Span<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(Kind.decisions.rawValue)
        bytes.append(UInt8(model))
        bytes.append(UInt8(id.count))
        unsafe id.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        bytes.appendLittleEndian(UInt32(records.count))
        unsafe records.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    /// Divides items among messages of the chain.
    ///
    /// - Parameters:
    ///   - items: Whole items.
    ///   - limit: The maximum number of bytes in each part; more than the largest item.
    /// - Returns: The ranges of the parts, in order.
    package static func parts(of items: ArraySlice<UInt8>, limit: Int) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var start = items.startIndex
        var end = start
        while end < items.endIndex {
            let next = end + byteCount(ofItemIn: items[end...])
            if next - start > limit {
                parts.append(start..<end)
                start = end
            }
            end = next
        }
        if start < end { parts.append(start..<end) }
        return parts
    }

    private static func byteCount(ofItemIn items: ArraySlice<UInt8>) -> Int {
        let isEvent = items[items.startIndex] == Kind.event.rawValue
        let length = items.startIndex + (isEvent ? 1 : 3 + Int(items[items.startIndex + 2]))
        let count = (0..<4).reduce(0) { $0 | Int(items[length + $1]) << (8 * $1) }
        return length + 4 + count - items.startIndex
    }

    /// Appends an event to the items of a chain's message.
    package static func append(event json: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(Kind.event.rawValue)
        bytes.appendLittleEndian(UInt32(json.count))
        bytes.append(contentsOf: json)
    }
}

/// The body of a claim: the node that takes over a partition.
package struct ChainClaim: Codable, Equatable, Sendable {
    /// The name of the node.
    package var node: String
    /// A random number that the node drew at its start.
    package var incarnation: UInt64

    /// Creates a claim. Each parameter sets the property of the same name.
    package init(node: String, incarnation: UInt64) {
        self.node = node
        self.incarnation = incarnation
    }
}

/// The body of a manifest: a complete checkpoint of a partition.
package struct CheckpointManifest: Codable, Equatable, Sendable {
    /// The last sequence number of the log that the checkpoint contains.
    package var position: UInt64
    /// The record under which the partition was served at that position.
    package var serve: ServeRecord
    /// The number of streams.
    package var streams: Int
    /// The number of bytes of all chunks together.
    package var byteCount: Int
    /// The SHA-256 of all chunks together, in hexadecimal digits.
    package var sha256: String
    /// The sequence numbers of the chunks in the stream `CK`, ascending.
    package var chunks: [UInt64]
    /// The snapshots, oldest first. The images of all of them are stored.
    package var snapshots: [PartitionSnapshot]
    /// The positions of deleted snapshots whose images may still be there.
    package var deletedSnapshots: [UInt64]

    /// Creates a manifest. Each parameter sets the property of the same name.
    package init(
        position: UInt64, serve: ServeRecord, streams: Int, byteCount: Int, sha256: String, chunks: [UInt64],
        snapshots: [PartitionSnapshot] = [], deletedSnapshots: [UInt64] = []
    ) {
        self.position = position
        self.serve = serve
        self.streams = streams
        self.byteCount = byteCount
        self.sha256 = sha256
        self.chunks = chunks
        self.snapshots = snapshots
        self.deletedSnapshots = deletedSnapshots
    }
}
