/// The third frame of a timestep message: 16 bytes, `u64 sequence`, `u32 flags`, `u32 reserved`.
public struct TimestepHeader: Equatable, Sendable {
    /// A producer's marks for the start and end of a sequence.
    public struct Flags: OptionSet, Sendable {
        /// The bits on the wire.
        public let rawValue: UInt32

        /// Creates flags from the bits on the wire.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Resets the stream's state before the first timestep.
        public static let start = Flags(rawValue: 1 << 0)
        /// Ends the sequence with the last timestep. The decision on this timestep is final, and the state is reset
        /// afterwards.
        public static let end = Flags(rawValue: 1 << 1)

        static let known: Flags = [.start, .end]
    }

    /// The frame's length in bytes.
    public static let byteCount = 16

    /// The sequence number of the first timestep, counted from 1 over the stream's life. If 0, the daemon continues its
    /// own count.
    public var sequence: UInt64
    /// The marks for the start and end of a sequence.
    public var flags: Flags

    /// Creates a header.
    ///
    /// - Parameters:
    ///   - sequence: The sequence number of the first timestep, counted from 1 over the stream's life. If 0, the daemon
    ///     continues its own count.
    ///   - flags: The marks for the start and end of a sequence.
    public init(sequence: UInt64 = 0, flags: Flags = []) {
        self.sequence = sequence
        self.flags = flags
    }

    /// Reads a header frame.
    ///
    /// - Throws: ``DropCause/header`` if the length is wrong or the reserved field is not 0; ``DropCause/flags`` if a
    ///   flag is unknown.
    public init(_ frame: RawSpan) throws(DropCause) {
        guard frame.byteCount == Self.byteCount, frame.littleEndian(at: 12, as: UInt32.self) == 0 else {
            throw .header
        }
        sequence = frame.littleEndian(at: 0, as: UInt64.self)
        flags = Flags(rawValue: frame.littleEndian(at: 8, as: UInt32.self))
        guard flags.isSubset(of: .known) else { throw .flags }
    }

    /// The frame's 16 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.appendLittleEndian(sequence)
        bytes.appendLittleEndian(flags.rawValue)
        bytes.appendLittleEndian(UInt32(0))
        return bytes
    }
}
