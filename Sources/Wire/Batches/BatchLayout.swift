/// The checked layout of a message in the codec `batch` that carries timesteps of many streams. The frames of the
/// message are columns:
///
///     0 header       16 bytes, see BatchHeader
///     1 streams      count × width bytes: ids, see PaddedIDs; or count × u32: numbers in a dictionary; or empty: the
///                    numbers 0, 1, 2, …
///     2 values       count rows of equal length: float32, or int32 for tokens
///     3 sequences    count × u64; may be empty or missing
///     4 flags        count × u8; may be empty or missing
///
/// An entry is equivalent to a message in the codec `binary`: its row is the second frame, and its sequence and flags
/// are the third. The layout does not contain the frames. Its owner keeps them and passes the columns to the methods.
public struct BatchLayout: Equatable, Sendable {
    /// The frames after the header. Missing frames are empty.
    public struct Frames: ~Escapable {
        let streams: RawSpan
        let values: RawSpan
        let sequences: RawSpan
        let flags: RawSpan

        /// Creates the frames after the header.
        @_lifetime(copy streams, copy values, copy sequences, copy flags)
        public init(streams: RawSpan, values: RawSpan, sequences: RawSpan, flags: RawSpan) {
            self.streams = streams
            self.values = values
            self.sequences = sequences
            self.flags = flags
        }
    }

    /// The form of the streams' names.
    public enum Names: Equatable, Sendable {
        /// Ids that are padded to `width` bytes each.
        case ids(width: Int)
        /// Numbers in the dictionary with this hash.
        case numbers(dictionary: UInt64)
        /// The numbers 0, 1, 2, … in the dictionary with this hash.
        case numbersInOrder(dictionary: UInt64)
    }

    /// The number of frames that a message may have.
    public static let frameCounts = 3...5

    /// The form of the streams' names.
    public let names: Names
    /// The type of the values.
    public let type: BatchHeader.ValueType
    /// The number of entries.
    public let count: Int
    /// The length of one entry's values in bytes.
    public let rowSize: Int
    /// Whether the entries have sequence numbers.
    public let hasSequences: Bool
    /// Whether the entries have flags.
    public let hasFlags: Bool

    /// Checks the frames of a message.
    ///
    /// - Parameters:
    ///   - header: The header. Its kind is `ids` or `numbers`.
    ///   - frames: The other frames.
    /// - Throws: ``DropCause/batch`` if a frame's length does not fit the header, or if a flag is unknown.
    public init(_ header: BatchHeader, _ frames: borrowing Frames) throws(DropCause) {
        count = header.count
        type = header.type
        rowSize = frames.values.byteCount / count
        hasSequences = frames.sequences.byteCount > 0
        hasFlags = frames.flags.byteCount > 0
        names = try Self.names(header, frames.streams)
        guard rowSize > 0, rowSize % MemoryLayout<Float>.size == 0, frames.values.byteCount == count * rowSize,
            !hasSequences || frames.sequences.byteCount == count * MemoryLayout<UInt64>.size,
            !hasFlags || frames.flags.byteCount == count
        else { throw .batch }
        guard hasFlags else { return }
        for entry in 0..<count {
            let flags = TimestepHeader.Flags(rawValue: UInt32(frames.flags.littleEndian(at: entry, as: UInt8.self)))
            guard flags.isSubset(of: .known) else { throw .batch }
        }
    }

    private static func names(_ header: BatchHeader, _ frame: RawSpan) throws(DropCause) -> Names {
        switch header.kind {
        case .ids: return .ids(width: try PaddedIDs.width(of: frame, count: header.count))
        case .numbers where frame.byteCount == 0: return .numbersInOrder(dictionary: header.dictionary)
        case .numbers:
            guard frame.byteCount == header.count * MemoryLayout<UInt32>.size else { throw .batch }
            return .numbers(dictionary: header.dictionary)
        case .dictionary: throw .batch
        }
    }

    /// Checks that the dictionary contains all numbers in a message. The message must have numbers, not ids.
    ///
    /// - Parameters:
    ///   - streams: The second frame.
    ///   - count: The number of ids in the dictionary.
    /// - Throws: ``DropCause/batch`` if a number is too large.
    public func check(numbersIn streams: RawSpan, below count: Int) throws(DropCause) {
        if case .numbersInOrder = names {
            guard self.count <= count else { throw .batch }
        } else {
            for entry in 0..<self.count where number(of: entry, in: streams) >= count { throw .batch }
        }
    }

    /// The width of the ids; 0 if the message has numbers.
    @inlinable public var width: Int { if case .ids(let width) = names { width } else { 0 } }

    /// Returns the values of an entry.
    ///
    /// - Parameters:
    ///   - entry: The index of the entry.
    ///   - values: The third frame.
    /// - Returns: The second frame of the equivalent single message.
    @inlinable
    @inline(__always)
    @_lifetime(copy values)
    public func row(of entry: Int, in values: RawSpan) -> RawSpan {
        values.extracting((entry * rowSize)..<((entry + 1) * rowSize))
    }

    /// Returns the number of an entry's stream. The message must have numbers, not ids.
    ///
    /// - Parameters:
    ///   - entry: The index of the entry.
    ///   - streams: The second frame.
    /// - Returns: The number; see ``check(numbersIn:below:)``.
    @inlinable
    @inline(__always)
    public func number(of entry: Int, in streams: RawSpan) -> Int {
        if case .numbersInOrder = names { return entry }
        return Int(streams.littleEndian(at: entry * MemoryLayout<UInt32>.size, as: UInt32.self))
    }

    /// Returns the sequence number and the flags of an entry.
    ///
    /// - Parameters:
    ///   - entry: The index of the entry.
    ///   - sequences: The fourth frame.
    ///   - flags: The fifth frame.
    /// - Returns: The third frame of the equivalent single message, decoded.
    @inlinable
    @inline(__always)
    public func header(of entry: Int, sequences: RawSpan, flags: RawSpan) -> TimestepHeader {
        TimestepHeader(
            sequence: hasSequences
                ? sequences.littleEndian(at: entry * MemoryLayout<UInt64>.size, as: UInt64.self) : 0,
            flags: TimestepHeader.Flags(
                rawValue: hasFlags ? UInt32(flags.littleEndian(at: entry, as: UInt8.self)) : 0))
    }
}
