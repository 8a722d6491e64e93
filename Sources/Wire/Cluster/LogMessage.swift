/// A message of a partition's log, the JetStream stream `IN_p`.
///
/// The first byte is the version, and the second byte is the kind. All numbers are little-endian.
///
/// | kind | then |
/// | --- | --- |
/// | 0 timesteps | for each message of a producer: u8 length of the id, id, u8 flags, 16 bytes header if flagged, u32 length of the payload, payload |
/// | 1 control | a ``ControlRecord`` as JSON |
///
/// The payloads have the codec `binary`: float32, shape (k, features).
package enum LogMessage: Equatable, Sendable {
    /// Timesteps of one or more streams.
    case timesteps([Entry])
    /// A control record, as JSON.
    case control(Range<Int>)

    /// The version of the format.
    package static let version: UInt8 = 1
    /// The maximum length of a message in bytes. NATS' default limit is four times as large, so that all decisions on a
    /// message fit in one message of the partition's chain.
    package static let maximumLength = 256 << 10
    /// The number of bytes before the first entry or the control record.
    static let headLength = 2

    /// The maximum number of bytes of decisions on one message.
    package static let maximumDecisionBytes = 900_000

    /// One message of a producer: the ranges of its parts within the log's message.
    package struct Entry: Equatable, Sendable {
        /// The stream's id.
        package let id: Range<Int>
        /// The header of 16 bytes; nil if there is none.
        package let header: Range<Int>?
        /// The timesteps.
        package let payload: Range<Int>
    }

    enum Kind: UInt8 {
        case timesteps, control
    }

    /// Flags of an entry.
    struct EntryFlags: OptionSet {
        let rawValue: UInt8
        static let hasHeader = EntryFlags(rawValue: 1 << 0)
    }

    /// Reads a message.
    ///
    /// - Parameter bytes: The message's payload. The ranges in the result refer to it.
    /// - Throws: ``LogFormatError`` if any part of the message is malformed. A malformed message is not used at all.
    package init(_ bytes: RawSpan) throws(LogFormatError) {
        var reader = ByteReader(bytes)
        guard try reader.byte() == Self.version else { throw .version(try ByteReader(bytes).firstByte()) }
        switch Kind(rawValue: try reader.byte()) {
        case .timesteps:
            var entries: [Entry] = []
            while !reader.isAtEnd { entries.append(try Entry(&reader)) }
            guard !entries.isEmpty else { throw .empty }
            self = .timesteps(entries)
        case .control: self = .control(reader.rest)
        case nil: throw .kind
        }
    }

    /// Whether a message is one of control records, as far as its second byte says.
    package static func isControl(_ message: Span<UInt8>) -> Bool {
        message.count > headLength && message[1] == Kind.control.rawValue
    }

    /// Writes a control message.
    ///
    /// - Parameter json: A ``ControlRecord``.
    /// - Returns: The bytes of the message.
    package static func control(json: [UInt8]) -> [UInt8] { [version, Kind.control.rawValue] + json }
}

extension LogMessage.Entry {
    fileprivate init(_ reader: inout ByteReader) throws(LogFormatError) {
        id = try reader.take(Int(try reader.byte()))
        let flags = LogMessage.EntryFlags(rawValue: try reader.byte())
        guard flags.isSubset(of: .hasHeader) else { throw .flags }
        header = flags.contains(.hasHeader) ? try reader.take(TimestepHeader.byteCount) : nil
        payload = try reader.take(Int(try reader.number(UInt32.self)))
    }
}

/// Builds a message of timesteps for a partition's log.
package struct LogMessageBuilder: Sendable {
    /// The message so far.
    package private(set) var bytes: [UInt8] = []
    /// The number of entries.
    package private(set) var count = 0

    /// Begins an empty message.
    package init() {}

    /// The length that a message would have with one more entry.
    package func length(withID id: Int, header: Bool, payload: Int) -> Int {
        max(bytes.count, LogMessage.headLength) + 6 + id + (header ? TimestepHeader.byteCount : 0) + payload
    }

    /// Appends a message of a producer.
    ///
    /// - Parameters:
    ///   - id: The stream's id, at most 255 bytes.
    ///   - header: The header of 16 bytes; nil for none.
    ///   - payload: The timesteps, as float32.
    package mutating func append(id: Span<UInt8>, header: TimestepHeader?, payload: RawSpan) {
        if bytes.isEmpty { bytes = [LogMessage.version, LogMessage.Kind.timesteps.rawValue] }
        bytes.append(UInt8(id.count))
        unsafe id.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        bytes.append(header == nil ? 0 : LogMessage.EntryFlags.hasHeader.rawValue)
        if let header { bytes.append(contentsOf: header.bytes) }
        bytes.appendLittleEndian(UInt32(payload.byteCount))
        unsafe payload.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        count += 1
    }

    /// Removes all entries but keeps the capacity.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        count = 0
    }
}

/// The reason why a message of a partition's log or chain cannot be read.
package enum LogFormatError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The message has another version.
    case version(UInt8)
    /// The kind of message is unknown.
    case kind
    /// A flag is unknown.
    case flags
    /// The message ends too early.
    case truncated
    /// The message has no entries.
    case empty
    /// The log holds timesteps before the first ``ServeRecord``.
    case early
    /// The JSON in the message cannot be read, for this reason.
    case json(String)

    package var description: String {
        switch self {
        case .version(let version):
            "the message has the version \(version) of the format, but this version of Sluice reads \(LogMessage.version)"
        case .kind: "the kind of message is unknown; a newer version of Sluice may have written it"
        case .flags: "the message has an unknown flag; a newer version of Sluice may have written it"
        case .truncated: "the message ends in the middle of an entry"
        case .empty: "the message has no entries"
        case .early: "the log has timesteps before the record that says what is served"
        case .json(let reason): "the message's JSON cannot be read: \(reason)"
        }
    }
}

/// Reads numbers and ranges from bytes, and throws instead of reading beyond the end.
struct ByteReader: ~Escapable {
    private let bytes: RawSpan
    private var offset = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.byteCount }
    /// The range of all bytes that have not been read.
    var rest: Range<Int> { offset..<bytes.byteCount }

    func firstByte() throws(LogFormatError) -> UInt8 {
        guard bytes.byteCount > 0 else { throw .truncated }
        return bytes.littleEndian(at: 0, as: UInt8.self)
    }

    mutating func byte() throws(LogFormatError) -> UInt8 { try number(UInt8.self) }

    mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ type: Number.Type
    ) throws(LogFormatError) -> Number {
        let range = try take(MemoryLayout<Number>.size)
        return bytes.littleEndian(at: range.lowerBound, as: type)
    }

    mutating func take(_ count: Int) throws(LogFormatError) -> Range<Int> {
        guard bytes.byteCount - offset >= count else { throw .truncated }
        defer { offset += count }
        return offset..<(offset + count)
    }
}
