/// A producer's message in the codec `batch`: timesteps of many streams, in columns. ``BatchLayout`` describes the
/// frames.
public struct BatchMessage: Sendable {
    /// The streams of the entries.
    public enum Streams: Sendable {
        /// The ids.
        case ids([[UInt8]])
        /// The numbers in the dictionary with this hash.
        case numbers([UInt32], dictionary: UInt64)
        /// All streams of the dictionary with this hash, in its order.
        case all(count: Int, dictionary: UInt64)
    }

    /// The values of the entries, shape (entries, values of one entry).
    public enum Values: Sendable {
        /// For a model that takes numbers.
        case floats([Float])
        /// For a model that takes tokens.
        case tokens([Int32])
    }

    /// The streams of the entries, in order.
    public var streams: Streams
    /// The values of the entries, row by row.
    public var values: Values
    /// The sequence number of each entry; empty if the daemon continues its own counts.
    public var sequences: [UInt64]
    /// The flags of each entry; empty if no entry has flags.
    public var flags: [TimestepHeader.Flags]

    /// Creates a message.
    ///
    /// - Parameters:
    ///   - streams: The streams of the entries, in order.
    ///   - values: The values of the entries, row by row. All rows have the same length.
    ///   - sequences: The sequence number of each entry; empty if the daemon continues its own counts.
    ///   - flags: The flags of each entry; empty if no entry has flags.
    public init(
        streams: Streams, values: Values, sequences: [UInt64] = [], flags: [TimestepHeader.Flags] = []
    ) {
        self.streams = streams
        self.values = values
        self.sequences = sequences
        self.flags = flags
    }

    /// The number of entries.
    public var count: Int {
        switch streams {
        case .ids(let ids): ids.count
        case .numbers(let numbers, _): numbers.count
        case .all(let count, _): count
        }
    }

    /// The frames of the message. Trailing frames that would be empty are left out.
    public var frames: [[UInt8]] {
        var frames = [header.bytes, streamColumn, valueColumn]
        if !sequences.isEmpty || !flags.isEmpty {
            var column: [UInt8] = []
            for sequence in sequences { column.appendLittleEndian(sequence) }
            frames.append(column)
        }
        if !flags.isEmpty { frames.append(flags.map { UInt8(truncatingIfNeeded: $0.rawValue) }) }
        return frames
    }

    private var header: BatchHeader {
        let type: BatchHeader.ValueType = if case .tokens = values { .int32 } else { .float32 }
        return switch streams {
        case .ids: BatchHeader(.ids, type: type, count: count)
        case .numbers(_, let dictionary), .all(_, let dictionary):
            BatchHeader(.numbers, type: type, count: count, dictionary: dictionary)
        }
    }

    private var streamColumn: [UInt8] {
        var column: [UInt8] = []
        switch streams {
        case .ids(let ids): PaddedIDs.append(ids, to: &column)
        case .numbers(let numbers, _): for number in numbers { column.appendLittleEndian(number) }
        case .all: break
        }
        return column
    }

    private var valueColumn: [UInt8] {
        switch values {
        case .floats(let values): Timesteps.bytes(values)
        case .tokens(let tokens): Timesteps.bytes(tokens: tokens)
        }
    }
}
