public import Wire

/// Changes to streams, as a sequence of records in the journal's format. Replaying the records repeats the changes bit
/// for bit.
///
/// Each record begins with its kind (u8). All numbers are little-endian. Ids and prefixes are text preceded by its
/// length (u8). Values are float32 preceded by their count (u32).
///
/// | kind | record | then |
/// | --- | --- | --- |
/// | 0 | consumed timesteps of one message | u8 flags, u16 weights, u64 sequence, i64 time, id, values (k, features), u32 rest if flagged |
/// | 1, 2 | reset, remove | u8 selection: 0 all, 1 one stream, 2 a prefix; for 1 and 2 also the id or prefix |
/// | 3 | an imported stream | u8 flags, u16 weights, u64 sequence, u64 step, i64 time, u8 label, id, values |
/// | 4 | a restoration begins | |
/// | 5 | a prepared stream, which takes effect with the restoration | as for 3 |
/// | 6 | the restoration takes effect, with all streams prepared since it began | |
/// | 7 | consumed timesteps of several messages | u16 weights, i64 time, u32 values per message, u16 messages; then for each message u8 flags, u64 sequence, id, values (k, features), u32 rest if flagged |
///
/// In the kinds 0 and 7, `rest` is the number of timesteps that follow in the same message. Kind 0 is read but no
/// longer written. In kind 7, the values of a message are preceded by their count only if the flag `hasOwnCount` is
/// set. Otherwise, the record's `values per message` is their count.
public struct JournalRecords: Sendable {
    /// The new timesteps of one message.
    public struct Message: Equatable, Sendable {
        /// The id of the stream.
        public var id: [UInt8]
        /// Whether the stream is new.
        public var isFirst: Bool
        /// The sequence number of the first timestep, and the flags.
        public var header: TimestepHeader
        /// The timesteps, shape (count, features).
        public var values: [Float]
        /// The number of timesteps that follow in the same message.
        public var rest: Int
    }

    /// One record.
    public enum Record: Equatable, Sendable {
        /// Timesteps of one or more streams that were decided together.
        case timesteps([Message], weights: Int, time: Int64)
        /// A reset: the state of the selected streams becomes zero.
        case reset(ControlCommand.Selection)
        /// A removal of the selected streams.
        case remove(ControlCommand.Selection)
        /// An imported stream. The fingerprint in its image is empty, because the journal identifies weights by number.
        case put(StreamImage, weights: Int)

        /// The beginning of a restoration. Any streams prepared earlier are discarded.
        case restorationBegin
        /// A prepared stream, which is restored if the restoration takes effect. The fingerprint in its image is empty.
        case prepared(StreamImage, weights: Int)
        /// The restoration takes effect on all prepared streams.
        case restored

        /// The journal's number for the weights on which the record's effect depends; nil if the effect does not depend
        /// on weights.
        public var weights: Int? {
            switch self {
            case .timesteps(_, let weights, _), .put(_, let weights), .prepared(_, let weights): weights
            case .reset, .remove, .restorationBegin, .restored: nil
            }
        }
    }

    private enum Kind: UInt8 {
        case message, reset, remove, put, restorationBegin, prepared, restored, messages
    }

    fileprivate struct Flags: OptionSet {
        let rawValue: UInt8
        static let start = Flags(rawValue: 1 << 0)
        static let end = Flags(rawValue: 1 << 1)
        static let isFirst = Flags(rawValue: 1 << 2)
        static let hasLabel = Flags(rawValue: 1 << 3)
        static let gapPending = Flags(rawValue: 1 << 4)
        static let isPiece = Flags(rawValue: 1 << 5)
        static let endsLater = Flags(rawValue: 1 << 6)
        static let hasOwnCount = Flags(rawValue: 1 << 7)
    }

    /// The encoded records, complete once ``endTimesteps()`` has been called.
    public private(set) var bytes: [UInt8] = []
    /// The number of records.
    public private(set) var count = 0
    /// The record of timesteps to which messages are still added.
    private var open: OpenRecord?

    /// A record of timesteps that is not complete yet.
    private struct OpenRecord {
        let weights: UInt16
        let valuesPerMessage: Int
        /// The offset in ``bytes`` at which the number of messages is stored.
        let countOffset: Int
        var count: UInt16 = 0
    }

    /// Creates an empty sequence.
    public init() {}

    /// Removes all records but keeps the capacity.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        count = 0
        open = nil
    }

    /// Appends timesteps. They join the previous message's record if that record has the same weights and is not
    /// complete yet. The hot path calls this, so it allocates only if the capacity is too small.
    ///
    /// - Returns: Whether the timesteps begin a record.
    mutating func appendTimesteps(
        id: Span<UInt8>, isFirst: Bool, weights: UInt16, header: TimestepHeader, time: Int64, values: Span<Float>,
        rest: Int
    ) -> Bool {
        var flags: Flags = isFirst ? .isFirst : []
        if rest > 0 { flags.insert(.isPiece) }
        if header.flags.contains(.start) { flags.insert(.start) }
        if header.flags.contains(.end) { flags.insert(.end) }
        if header.flags.contains(.endsLater) { flags.insert(.endsLater) }
        let begins = open?.weights != weights || open?.count == .max
        if begins { openRecord(weights: weights, time: time, valuesPerMessage: values.count) }
        if values.count != open?.valuesPerMessage { flags.insert(.hasOwnCount) }
        open?.count += 1
        bytes.append(flags.rawValue)
        bytes.appendLittleEndian(header.sequence)
        append(id)
        if flags.contains(.hasOwnCount) { bytes.appendLittleEndian(UInt32(values.count)) }
        append(values)
        if rest > 0 { bytes.appendLittleEndian(UInt32(rest)) }
        return begins
    }

    private mutating func openRecord(weights: UInt16, time: Int64, valuesPerMessage: Int) {
        begin(.messages)
        bytes.appendLittleEndian(weights)
        bytes.appendLittleEndian(time)
        bytes.appendLittleEndian(UInt32(valuesPerMessage))
        open = OpenRecord(weights: weights, valuesPerMessage: valuesPerMessage, countOffset: bytes.count)
        bytes.appendLittleEndian(UInt16(0))
    }

    /// Completes the record of timesteps, so that the next timesteps begin another one. Call this at the end of each
    /// batch, because a record can contain a stream only once and has a single time.
    mutating func endTimesteps() {
        guard let record = open else { return }
        bytes[record.countOffset] = UInt8(truncatingIfNeeded: record.count)
        bytes[record.countOffset + 1] = UInt8(truncatingIfNeeded: record.count >> 8)
        open = nil
    }

    /// - Parameter selection: A selection that matched a stream, so that a prefix has at most 255 bytes, as an id has.
    mutating func appendReset(_ selection: ControlCommand.Selection) {
        begin(.reset)
        append(selection)
    }

    /// - Parameter selection: A selection that matched a stream, so that a prefix has at most 255 bytes, as an id has.
    mutating func appendRemove(_ selection: ControlCommand.Selection) {
        begin(.remove)
        append(selection)
    }

    mutating func appendRestorationBegin() { begin(.restorationBegin) }

    mutating func appendRestored() { begin(.restored) }

    mutating func append(_ image: StreamImage, weights: UInt16, isPrepared: Bool = false) {
        var flags: Flags = image.gapPending ? .gapPending : []
        if image.label != nil { flags.insert(.hasLabel) }
        begin(isPrepared ? .prepared : .put)
        bytes.append(flags.rawValue)
        bytes.appendLittleEndian(weights)
        bytes.appendLittleEndian(image.sequence)
        bytes.appendLittleEndian(image.step)
        bytes.appendLittleEndian(image.time)
        bytes.append(image.label ?? 0)
        append(image.id.utf8.span)
        bytes.appendLittleEndian(UInt32(image.values.count))
        append(image.values.span)
    }

    /// Appends a stream of a slice as an imported stream. The slice's number for the weights becomes the record's.
    package mutating func append(_ slice: borrowing StreamSlice, _ index: Int) {
        append(slice.image(index), weights: UInt16(slice.entries[index].weights))
    }

    private mutating func begin(_ kind: Kind) {
        endTimesteps()
        bytes.append(kind.rawValue)
        count += 1
    }

    private mutating func append(_ selection: ControlCommand.Selection) {
        switch selection {
        case .all: bytes.append(0)
        case .stream(let id):
            bytes.append(1)
            append(id.utf8.span)
        case .prefix(let prefix):
            bytes.append(2)
            append(prefix.utf8.span)
        }
    }

    private mutating func append(_ text: Span<UInt8>) {
        bytes.append(UInt8(text.count))
        unsafe text.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
    }

    private mutating func append(_ values: Span<Float>) {
        // The machine is little-endian; see FloatBytes.swift.
        unsafe values.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }
}

extension JournalRecords {
    /// Reads records one by one.
    public struct Reader {
        private let bytes: [UInt8]
        private var offset = 0

        /// Creates a reader.
        ///
        /// - Parameter bytes: The encoded records; see ``JournalRecords/bytes``.
        public init(_ bytes: [UInt8]) {
            self.bytes = bytes
        }

        /// The total size of the records in bytes.
        public var byteCount: Int { bytes.count }
        /// Whether all bytes have been read.
        public var isAtEnd: Bool { offset == bytes.count }

        /// Reads the next record. Returns nil after the last record, or if the next bytes are damaged; ``isAtEnd`` is
        /// false in the latter case.
        public mutating func next() -> Record? {
            guard let kind = byte().flatMap(Kind.init) else { return nil }
            switch kind {
            case .message: return message()
            case .messages: return messages()
            case .reset: return selection().map { .reset($0) }
            case .remove: return selection().map { .remove($0) }
            case .put: return put().map { .put($0, weights: $1) }
            case .prepared: return put().map { .prepared($0, weights: $1) }
            case .restorationBegin: return .restorationBegin
            case .restored: return .restored
            }
        }

        private mutating func message() -> Record? {
            guard let flags = byte().map(Flags.init), let weights = number(UInt16.self),
                let sequence = number(UInt64.self), let time = number(Int64.self), let id = id(),
                let values = values(), let rest = flags.contains(.isPiece) ? number(UInt32.self) : 0
            else { return nil }
            let message = Message(id: id, flags, sequence: sequence, values: values, rest: rest)
            return .timesteps([message], weights: Int(weights), time: time)
        }

        private mutating func messages() -> Record? {
            guard let weights = number(UInt16.self), let time = number(Int64.self),
                let valuesPerMessage = number(UInt32.self), let count = number(UInt16.self)
            else { return nil }
            var messages: [Message] = []
            for _ in 0..<count {
                guard let flags = byte().map(Flags.init), let sequence = number(UInt64.self), let id = id(),
                    let values = flags.contains(.hasOwnCount) ? values() : values(count: valuesPerMessage),
                    let rest = flags.contains(.isPiece) ? number(UInt32.self) : 0
                else { return nil }
                messages.append(Message(id: id, flags, sequence: sequence, values: values, rest: rest))
            }
            return .timesteps(messages, weights: Int(weights), time: time)
        }

        private mutating func put() -> (StreamImage, weights: Int)? {
            guard let flags = byte().map(Flags.init), let weights = number(UInt16.self),
                let sequence = number(UInt64.self), let step = number(UInt64.self), let time = number(Int64.self),
                let label = byte(), let id = id(), let values = values()
            else { return nil }
            let image = StreamImage(
                id: String(decoding: id, as: UTF8.self), fingerprint: "", sequence: sequence, step: step, time: time,
                label: flags.contains(.hasLabel) ? label : nil, gapPending: flags.contains(.gapPending),
                values: values)
            return (image, Int(weights))
        }

        private mutating func selection() -> ControlCommand.Selection? {
            switch byte() {
            case 0: .all
            case 1: text().map { .stream(String(decoding: $0, as: UTF8.self)) }
            case 2: text().map { .prefix(String(decoding: $0, as: UTF8.self)) }
            default: nil
            }
        }

        private mutating func id() -> [UInt8]? {
            text().flatMap { $0.isEmpty ? nil : $0 }
        }

        private mutating func text() -> [UInt8]? {
            guard let count = byte(), let range = take(Int(count)) else { return nil }
            return Array(bytes[range])
        }

        private mutating func values() -> [Float]? { number(UInt32.self).flatMap { values(count: $0) } }

        private mutating func values(count: UInt32) -> [Float]? {
            guard let range = take(Int(count) * MemoryLayout<Float>.size) else { return nil }
            return [Float](littleEndianBytes: unsafe bytes.span.bytes.extracting(range))
        }

        private mutating func byte() -> UInt8? { number(UInt8.self) }

        private mutating func number<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) -> Number? {
            guard let range = take(MemoryLayout<Number>.size) else { return nil }
            return unsafe bytes.span.bytes.littleEndian(at: range.lowerBound, as: type)
        }

        private mutating func take(_ count: Int) -> Range<Int>? {
            guard bytes.count - offset >= count else { return nil }
            defer { offset += count }
            return offset..<(offset + count)
        }
    }
}

extension JournalRecords.Message {
    fileprivate init(
        id: [UInt8], _ flags: JournalRecords.Flags, sequence: UInt64, values: [Float], rest: UInt32
    ) {
        var header = TimestepHeader(sequence: sequence)
        if flags.contains(.start) { header.flags.insert(.start) }
        if flags.contains(.end) { header.flags.insert(.end) }
        if flags.contains(.endsLater) { header.flags.insert(.endsLater) }
        self.init(
            id: id, isFirst: flags.contains(.isFirst), header: header, values: values, rest: Int(rest))
    }
}
