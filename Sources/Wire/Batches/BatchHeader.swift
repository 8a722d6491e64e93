/// The first frame of a message in the codec `batch`: 16 bytes, `u8 version`, `u8 kind`, `u8 type`, `u8 reserved`,
/// `u32 count`, `u64 dictionary`.
public struct BatchHeader: Equatable, Sendable {
    /// The content of a message.
    public enum Kind: UInt8, Sendable {
        /// Timesteps of streams that are named by their ids.
        case ids
        /// Timesteps of streams that are named by their numbers in a dictionary.
        case numbers
        /// A dictionary: ids in the order of their numbers. See ``StreamDictionary``.
        case dictionary
    }

    /// The type of a message's values.
    public enum ValueType: UInt8, Sendable {
        /// One float32 per feature.
        case float32
        /// One token per timestep, for a model that begins with an Embedding.
        case int32
    }

    /// The frame's length in bytes.
    public static let byteCount = 16
    /// The version of the layout that this build reads and writes.
    public static let version: UInt8 = 1
    /// The maximum number of entries in a message, and of ids in a dictionary.
    public static let maximumCount = 65_536

    /// The content of the message.
    public var kind: Kind
    /// The type of the values. A dictionary has no values; its type is `float32`.
    public var type: ValueType
    /// The number of entries, or of ids in a dictionary, 1 to ``maximumCount``.
    public var count: Int
    /// The hash of the dictionary, see ``StreamDictionary/hash``; 0 if the message has ids.
    public var dictionary: UInt64

    /// Creates a header.
    ///
    /// - Parameters:
    ///   - kind: The content of the message.
    ///   - type: The type of the values.
    ///   - count: The number of entries, or of ids in a dictionary, 1 to ``maximumCount``.
    ///   - dictionary: The hash of the dictionary; 0 if the message has ids.
    public init(_ kind: Kind, type: ValueType = .float32, count: Int, dictionary: UInt64 = 0) {
        self.kind = kind
        self.type = type
        self.count = count
        self.dictionary = dictionary
    }

    /// Reads a header frame.
    ///
    /// - Throws: ``DropCause/batch`` if the frame is not a header of this version.
    public init(_ frame: RawSpan) throws(DropCause) {
        guard frame.byteCount == Self.byteCount, frame.littleEndian(at: 0, as: UInt8.self) == Self.version,
            let kind = Kind(rawValue: frame.littleEndian(at: 1, as: UInt8.self)),
            let type = ValueType(rawValue: frame.littleEndian(at: 2, as: UInt8.self)),
            frame.littleEndian(at: 3, as: UInt8.self) == 0
        else { throw .batch }
        count = Int(frame.littleEndian(at: 4, as: UInt32.self))
        dictionary = frame.littleEndian(at: 8, as: UInt64.self)
        guard (1...Self.maximumCount).contains(count), kind != .ids || dictionary == 0 else { throw .batch }
        self.kind = kind
        self.type = type
    }

    /// The frame's 16 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = [Self.version, kind.rawValue, type.rawValue, 0]
        bytes.reserveCapacity(Self.byteCount)
        bytes.appendLittleEndian(UInt32(count))
        bytes.appendLittleEndian(dictionary)
        return bytes
    }
}
