public import Wire

/// What changed streams, one record after another, as the journal keeps it: enough to change them so again, bit for bit.
///
/// Each record begins with its kind (u8); all numbers are little-endian. Ids and prefixes are text with its length (u8)
/// before it, values are float32 with their number (u32) before them.
///
/// | kind | record | then |
/// | --- | --- | --- |
/// | 0 | timesteps that were consumed | u8 flags, u16 weights, u64 sequence, i64 time, id, values of shape (k, features), u32 how many more their message has, where a flag says that it has |
/// | 1, 2 | reset, remove | u8 what is selected: 0 all, 1 one stream, 2 a prefix; for 1 and 2 the text |
/// | 4, 6 | a restoration begins; it takes effect: the streams recorded since it began are put | |
/// | 3, 5 | a stream was put so; it is put so if its restoration takes effect | u8 flags, u16 weights, u64 sequence, u64 step, i64 time, u8 label, id, values |
public struct JournalRecords: Sendable {
    /// One record.
    public enum Record: Equatable, Sendable {
        /// New timesteps of one message. `isFirst`: the stream was not there before. `rest`: the message has so many more.
        case timesteps(
            id: [UInt8], isFirst: Bool, weights: Int, header: TimestepHeader, time: Int64, values: [Float],
            rest: Int = 0)
        /// State set to zero.
        case reset(ControlCommand.Selection)
        /// Streams forgotten.
        case remove(ControlCommand.Selection)
        /// A stream as it was put. Its fingerprint is left empty: the journal knows it by the number.
        case put(StreamImage, weights: Int)

        /// Streams are to be put: what was prepared before is given up.
        case restorationBegin
        /// A stream that is put if the restoration takes effect. Its fingerprint is left empty.
        case prepared(StreamImage, weights: Int)
        /// The streams that were prepared are put.
        case restored

        /// The number of the weights that the record's effect hangs on; nil where it hangs on none.
        public var weights: Int? {
            switch self {
            case .timesteps(_, _, let weights, _, _, _, _), .put(_, let weights),
                .prepared(_, let weights):
                weights
            case .reset, .remove, .restorationBegin, .restored: nil
            }
        }
    }

    private enum Kind: UInt8 {
        case timesteps, reset, remove, put, restorationBegin, prepared, restored
    }

    private struct Flags: OptionSet {
        let rawValue: UInt8
        static let start = Flags(rawValue: 1 << 0)
        static let end = Flags(rawValue: 1 << 1)
        static let isFirst = Flags(rawValue: 1 << 2)
        static let hasLabel = Flags(rawValue: 1 << 3)
        static let gapPending = Flags(rawValue: 1 << 4)
        static let isPiece = Flags(rawValue: 1 << 5)
        static let endsLater = Flags(rawValue: 1 << 6)
    }

    /// The records.
    public private(set) var bytes: [UInt8] = []
    /// How many there are.
    public private(set) var count = 0

    /// No records.
    public init() {}

    /// Forgets the records and keeps the memory.
    public mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        count = 0
    }

    /// The hot path's record: appends, and allocates only where the memory is too small.
    mutating func appendTimesteps(
        id: Span<UInt8>, isFirst: Bool, weights: UInt16, header: TimestepHeader, time: Int64, values: Span<Float>,
        rest: Int
    ) {
        var flags: Flags = isFirst ? .isFirst : []
        if rest > 0 { flags.insert(.isPiece) }
        if header.flags.contains(.start) { flags.insert(.start) }
        if header.flags.contains(.end) { flags.insert(.end) }
        if header.flags.contains(.endsLater) { flags.insert(.endsLater) }
        begin(.timesteps)
        bytes.append(flags.rawValue)
        bytes.appendLittleEndian(weights)
        bytes.appendLittleEndian(header.sequence)
        bytes.appendLittleEndian(time)
        append(id)
        append(values)
        if rest > 0 { bytes.appendLittleEndian(UInt32(rest)) }
    }

    /// - Parameter selection: Has selected a stream, so that a prefix is not longer than an id.
    mutating func appendReset(_ selection: ControlCommand.Selection) {
        begin(.reset)
        append(selection)
    }

    /// - Parameter selection: Has selected a stream, so that a prefix is not longer than an id.
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
        append(image.values.span)
    }

    private mutating func begin(_ kind: Kind) {
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
        bytes.appendLittleEndian(UInt32(values.count))
        for index in values.indices { bytes.appendLittleEndian(values[index].bitPattern) }
    }
}

extension JournalRecords {
    /// Reads records, one after another.
    public struct Reader {
        private let bytes: [UInt8]
        private var offset = 0

        /// A reader.
        ///
        /// - Parameter bytes: As ``JournalRecords/bytes`` has them.
        public init(_ bytes: [UInt8]) {
            self.bytes = bytes
        }

        /// Bytes of all records.
        public var byteCount: Int { bytes.count }
        /// No bytes are left.
        public var isAtEnd: Bool { offset == bytes.count }

        /// The next record; nil after the last, and where the bytes hold none: they are damaged if any are left.
        public mutating func next() -> Record? {
            guard let kind = byte().flatMap(Kind.init) else { return nil }
            switch kind {
            case .timesteps: return timesteps()
            case .reset: return selection().map { .reset($0) }
            case .remove: return selection().map { .remove($0) }
            case .put: return put().map { .put($0, weights: $1) }
            case .prepared: return put().map { .prepared($0, weights: $1) }
            case .restorationBegin: return .restorationBegin
            case .restored: return .restored
            }
        }

        private mutating func timesteps() -> Record? {
            guard let flags = byte().map(Flags.init), let weights = number(UInt16.self),
                let sequence = number(UInt64.self), let time = number(Int64.self), let id = id(),
                let values = values(), let rest = flags.contains(.isPiece) ? number(UInt32.self) : 0
            else { return nil }
            var header = TimestepHeader(sequence: sequence)
            if flags.contains(.start) { header.flags.insert(.start) }
            if flags.contains(.end) { header.flags.insert(.end) }
            if flags.contains(.endsLater) { header.flags.insert(.endsLater) }
            return .timesteps(
                id: id, isFirst: flags.contains(.isFirst), weights: Int(weights), header: header, time: time,
                values: values, rest: Int(rest))
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

        private mutating func values() -> [Float]? {
            guard let count = number(UInt32.self), bytes.count - offset >= Int(count) * MemoryLayout<Float>.size else {
                return nil
            }
            return (0..<count).compactMap { _ in number(UInt32.self).map(Float.init(bitPattern:)) }
        }

        private mutating func byte() -> UInt8? { number(UInt8.self) }

        private mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) -> Number? {
            guard let range = take(MemoryLayout<Number>.size) else { return nil }
            return bytes[range].reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
        }

        private mutating func take(_ count: Int) -> Range<Int>? {
            guard bytes.count - offset >= count else { return nil }
            defer { offset += count }
            return offset..<(offset + count)
        }
    }
}
