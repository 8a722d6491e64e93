/// A decision on one timestep, as subscribers see it: a record of 28 + 4n bytes for a model with n outputs.
public struct Decision: Equatable, Sendable {
    /// Flags that qualify a decision.
    public struct Flags: OptionSet, Sendable {
        /// The bits on the wire.
        public let rawValue: UInt16

        /// Creates flags from the bits on the wire.
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// The sequence ended with this timestep.
        public static let final = Flags(rawValue: 1 << 0)
        /// The timestep is the first since the last reset, so the step is 1.
        public static let first = Flags(rawValue: 1 << 1)
        /// Timesteps are missing before this one.
        public static let gap = Flags(rawValue: 1 << 2)
        /// The label differs from the stream's previous decision, or the stream had no decision before.
        public static let changed = Flags(rawValue: 1 << 3)
        /// The record repeats the stream's last decision for a late subscriber. It is not a new decision.
        public static let replayed = Flags(rawValue: 1 << 4)
    }

    /// The sequence number of the timestep, counted from 1 over the stream's life.
    public var sequence: UInt64
    /// The number of timesteps since the last reset, including this one.
    public var step: UInt64
    /// The time of the decision in nanoseconds since the Unix epoch.
    public var time: Int64
    /// Flags that qualify the decision.
    public var flags: Flags
    /// The label. For one output: 1 at or above the threshold, otherwise 0. For several outputs: the index of the
    /// largest.
    public var label: UInt8
    /// The model's outputs, at most 255.
    public var probabilities: [Float]

    /// Creates a decision.
    ///
    /// - Parameters:
    ///   - sequence: The sequence number of the timestep, counted from 1 over the stream's life.
    ///   - step: The number of timesteps since the last reset, including this one.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - flags: Flags that qualify the decision.
    ///   - label: The label.
    ///   - probabilities: The model's outputs, at most 255.
    public init(
        sequence: UInt64, step: UInt64, time: Int64, flags: Flags, label: UInt8, probabilities: [Float]
    ) {
        self.sequence = sequence
        self.step = step
        self.time = time
        self.flags = flags
        self.label = label
        self.probabilities = probabilities
    }
}

extension Decision {
    /// The length of a record without its probabilities, in bytes.
    @usableFromInline static let fixedSize = 28

    /// Returns the length of a record in bytes.
    package static func recordSize(outputs: Int) -> Int { fixedSize + MemoryLayout<Float>.size * outputs }

    /// Returns the length of the first record, in bytes.
    ///
    /// - Parameter records: One or more whole records.
    /// - Returns: The length.
    package static func size(ofRecordIn records: Span<UInt8>) -> Int {
        recordSize(outputs: Int(records[fixedSize - 1]))
    }

    /// Reads the second frame of a decision message: one or more records.
    ///
    /// - Throws: ``DecisionError`` if the frame does not consist of whole records.
    public static func records(in frame: RawSpan) throws(DecisionError) -> [Decision] {
        var decisions: [Decision] = []
        var offset = 0
        repeat {
            guard offset + fixedSize <= frame.byteCount else {
                throw DecisionError(byteCount: frame.byteCount, offset: offset)
            }
            let outputs = Int(frame.littleEndian(at: offset + 27, as: UInt8.self))
            let end = offset + fixedSize + 4 * outputs
            guard end <= frame.byteCount else {
                throw DecisionError(byteCount: frame.byteCount, offset: offset)
            }
            let record = offset
            decisions.append(
                Decision(
                    sequence: frame.littleEndian(at: record, as: UInt64.self),
                    step: frame.littleEndian(at: record + 8, as: UInt64.self),
                    time: frame.littleEndian(at: record + 16, as: Int64.self),
                    flags: Flags(rawValue: frame.littleEndian(at: record + 24, as: UInt16.self)),
                    label: frame.littleEndian(at: record + 26, as: UInt8.self),
                    probabilities: (0..<outputs).map {
                        Float(bitPattern: frame.littleEndian(at: record + fixedSize + 4 * $0, as: UInt32.self))
                    }))
            offset = end
        } while offset < frame.byteCount
        return decisions
    }
}

/// The codec `json`.
extension Decision {
    private static let named: [(name: String, flag: Flags)] = [
        ("final", .final), ("first", .first), ("gap", .gap), ("changed", .changed),
    ]

    /// Writes the decision as one JSON object without whitespace, in the form that the protocol specifies. Each
    /// probability is written with the fewest digits that identify its float. A NaN or an infinity becomes null.
    ///
    /// - Parameters:
    ///   - stream: The stream's id; see ``StreamID``.
    ///   - bytes: The bytes to which the object is appended.
    public func appendJSON(stream: Span<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: #"{"stream":""#.utf8)
        for index in stream.indices {
            // An id holds no control characters, so only these two characters need an escape.
            if stream[index] == UInt8(ascii: "\"") || stream[index] == UInt8(ascii: "\\") {
                bytes.append(UInt8(ascii: "\\"))
            }
            bytes.append(stream[index])
        }
        let numbers = probabilities.map { $0.isFinite ? "\($0)" : "null" }
        let probability = numbers.count == 1 ? numbers[0] : "[\(numbers.joined(separator: ","))]"
        bytes.append(contentsOf: #"","sequence":\#(sequence),"step":\#(step),"time":\#(time)"#.utf8)
        bytes.append(contentsOf: #","probability":\#(probability),"label":\#(label)"#.utf8)
        for (name, flag) in Self.named {
            bytes.append(contentsOf: #","\#(name)":\#(flags.contains(flag))"#.utf8)
        }
        // Write this member only if it is true, because most clients never see a repeated decision.
        if flags.contains(.replayed) { bytes.append(contentsOf: #","replayed":true"#.utf8) }
        bytes.append(UInt8(ascii: "}"))
    }
}

/// The reason why frames are not a message of decisions.
public struct DecisionError: Error, Equatable, Sendable, CustomStringConvertible {
    private enum Problem: Equatable {
        /// The frame ends within the record at this offset.
        case partialRecord(offset: Int)
        /// The number of ids in the frame differs from this number of records.
        case ids(records: Int)
    }

    /// The frame's length in bytes.
    public let byteCount: Int
    private let problem: Problem

    /// Creates the error for a frame that ends within a record.
    init(byteCount: Int, offset: Int) {
        self.byteCount = byteCount
        problem = .partialRecord(offset: offset)
    }

    /// Creates the error for a frame of ids that does not fit the records.
    init(byteCount: Int, records: Int) {
        self.byteCount = byteCount
        problem = .ids(records: records)
    }

    /// The error in one line.
    public var description: String {
        switch problem {
        case .partialRecord(let offset):
            "a decision frame of \(byteCount) bytes ends within the record that begins at byte \(offset)"
        case .ids(let records):
            "a frame of \(byteCount) bytes does not have one id, padded to one width, for each of \(records) records"
        }
    }
}

/// The records of a decision message under construction. The buffer is reused for the next message.
public struct DecisionRecords: Sendable {
    /// Bytes past `byteCount` are left over from an earlier message.
    @usableFromInline
    var memory: [UInt8]
    @usableFromInline
    var end = 0
    @usableFromInline
    var number = 0
    /// The outputs that decided labels, in order, for the histories of streams that publish only changes.
    package private(set) var noted: [Float] = []

    /// The length of the records in bytes.
    @inlinable public var byteCount: Int { end }
    /// The number of records.
    @inlinable public var count: Int { number }

    /// Creates an empty message.
    ///
    /// - Parameter byteCapacity: The number of bytes to reserve.
    public init(byteCapacity: Int = 256) {
        memory = [UInt8](repeating: 0, count: byteCapacity)
    }

    /// The second frame, as written so far.
    @inlinable
    public var bytes: Span<UInt8> {
        @_lifetime(borrow self) get { memory.span.extracting(..<end) }
    }

    /// The records in decoded form.
    public var all: [Decision] {
        // Decoding cannot fail, because `append` wrote the records. Zero records are not a valid frame, so do not
        // decode them.
        count == 0 ? [] : (try? unsafe Decision.records(in: bytes.bytes)) ?? []
    }

    /// Removes all records, but keeps the capacity.
    public mutating func removeAll() {
        end = 0
        number = 0
        if !noted.isEmpty { noted.removeAll(keepingCapacity: true) }
    }

    /// Notes the output that decided a label, whether or not the decision is published.
    package mutating func note(_ output: Float) { noted.append(output) }

    /// Appends a record. The parameters match ``Decision``'s properties.
    ///
    /// - Parameters:
    ///   - sequence: The sequence number of the timestep, counted from 1 over the stream's life.
    ///   - step: The number of timesteps since the last reset, including this one.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - flags: Flags that qualify the decision.
    ///   - label: The label.
    ///   - probabilities: The model's outputs, at most 255.
    @inlinable
    @inline(__always)
    public mutating func append(
        sequence: UInt64, step: UInt64, time: Int64, flags: Decision.Flags, label: UInt8, probabilities: Span<Float>
    ) {
        let start = end
        end += Decision.fixedSize + 4 * probabilities.count
        number += 1
        if max(end, start + 32) > memory.count { grow() }
        var span = memory.mutableSpan
        var bytes = unsafe span.mutableBytes
        // Most models have one output. The fixed part and the first probability fill four words, so a single store
        // writes both.
        let first = probabilities.isEmpty ? 0 : probabilities[0].bitPattern
        let numbers = UInt64(flags.rawValue) | UInt64(label) << 16 | UInt64(UInt8(probabilities.count)) << 24
        let words = SIMD4(
            sequence.littleEndian, step.littleEndian, UInt64(bitPattern: time).littleEndian,
            (numbers | UInt64(first) << 32).littleEndian)
        bytes.storeBytes(of: words, toByteOffset: start, as: SIMD4<UInt64>.self)
        guard probabilities.count > 1 else { return }
        for index in 1..<probabilities.count {
            let place = start + Decision.fixedSize + 4 * index
            bytes.storeBytes(of: probabilities[index].bitPattern.littleEndian, toByteOffset: place, as: UInt32.self)
        }
    }

    @usableFromInline
    @inline(never)
    mutating func grow() {
        // Reserves room for four words even if the last record is shorter.
        memory.append(contentsOf: repeatElement(0, count: max(32, end, memory.count)))
    }
}
