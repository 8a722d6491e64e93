import FoundationEssentials
package import Recurrent
import Wire

/// A safetensors file: named tensors and text metadata (<https://huggingface.co/docs/safetensors/index#format>).
///
/// The file is untrusted. The header's size is bounded, and the tensors must fill the rest of the file without gaps or
/// overlaps.
struct Safetensors {
    /// The maximum size of the header, in bytes.
    static let maximumHeaderSize = 1 << 22
    /// The maximum number of axes of a tensor.
    private static let maximumRank = 8
    /// The size of the header's length field, in bytes.
    private static let lengthSize = 8
    /// The nesting depth of a valid header: the header, an entry, and the entry's shape.
    private static let headerDepth = 3

    /// The strings under the key `__metadata__`.
    let metadata: [String: String]
    private let entries: [String: Entry]
    private let content: Content
    /// The position in the file at which the tensor data begins. The tensors' offsets are relative to this position.
    private let dataStart: Int

    /// The bytes of a file.
    private enum Content {
        case memory([UInt8])
        case file(FileBytes)

        var size: Int {
            switch self {
            case .memory(let bytes): bytes.count
            case .file(let file): file.size
            }
        }

        func bytes(_ range: Range<Int>) throws(Defect) -> [UInt8] {
            switch self {
            case .memory(let bytes): Array(bytes[range])
            case .file(let file): try file.values(range)
            }
        }

        func floats(_ range: Range<Int>) throws(Defect) -> [Float] {
            switch self {
            case .memory(let bytes): unsafe [Float](littleEndianBytes: bytes.span.bytes.extracting(range))
            case .file(let file): try file.values(range)
            }
        }
    }

    /// Whether the bytes look like the beginning of a safetensors file with a header of bounded length.
    static func isLikely(_ bytes: some Collection<UInt8>) -> Bool {
        let start = Array(bytes.prefix(lengthSize + 1))
        return start.count == lengthSize + 1 && start[4..<8].allSatisfy { $0 == 0 } && start[8] == UInt8(ascii: "{")
    }

    /// Reads the header of a file in memory. The tensors are read later, by ``tensor(_:)``.
    ///
    /// - Throws: ``Defect`` with the code `corrupt`.
    init(_ bytes: [UInt8]) throws(Defect) { try self.init(.memory(bytes)) }

    /// Reads the header of a file. The tensors are read later, by ``tensor(_:)``, straight into their arrays.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` or `unreadable`.
    init(_ file: FileBytes) throws(Defect) { try self.init(.file(file)) }

    private init(_ content: Content) throws(Defect) {
        guard content.size > Self.lengthSize else { throw Defect(.corrupt, "the safetensors header is missing") }
        let length = try content.bytes(0..<Self.lengthSize).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= Self.maximumHeaderSize, length <= content.size - Self.lengthSize else {
            throw Defect(
                .corrupt,
                "the safetensors header claims \(length) bytes in a file of \(content.size); supported: at most "
                    + "\(Self.maximumHeaderSize)")
        }
        dataStart = Self.lengthSize + Int(length)
        let header = try content.bytes(Self.lengthSize..<dataStart)
        guard !JSONValue.isNested(header, deeperThan: Self.headerDepth) else {
            throw Defect(.corrupt, "the safetensors header is nested deeper than \(Self.headerDepth) levels")
        }
        let decoded: Header
        do {
            decoded = try JSONDecoder().decode(Header.self, from: Data(header))
        } catch let error as DecodingError {
            throw Defect(.corrupt, "safetensors header: \(error.inWords)")
        } catch {
            throw Defect(.corrupt, "safetensors header: \(error)")
        }
        guard decoded.members == Self.membersWritten(in: header) else {
            throw Defect(.corrupt, "safetensors header: a name occurs twice, or a tensor has an unknown property")
        }
        metadata = decoded.metadata
        entries = decoded.entries
        self.content = content
        try requireFilled()
    }

    /// The tensors' names, sorted.
    var names: [String] { entries.keys.sorted() }

    /// Returns the shape of a tensor, or nil if the file has no tensor with this name.
    func shape(of name: String) -> [Int]? { entries[name]?.shape }

    /// Returns a floating-point tensor of any width, converted to float32.
    ///
    /// - Throws: ``Defect`` with the code `corrupt` if the file has no tensor with this name, or `unsupported` if the
    ///   tensor's numbers are not floating-point.
    func tensor(_ name: String) throws(Defect) -> Tensor {
        guard let entry = entries[name] else { throw Defect(.corrupt, "tensor '\(name)' is missing") }
        guard let convert = entry.type.asFloat else {
            throw Defect(
                .unsupported,
                "tensor '\(name)' holds numbers of the type \(entry.type.rawValue); supported: F32, F16, BF16, F64")
        }
        let values = try values(of: entry, convert)
        do {
            return try Tensor(shape: entry.shape, values: values)
        } catch {
            throw Defect(.corrupt, "tensor '\(name)': \(error.context)")
        }
    }

    /// Returns the numbers of a tensor.
    private func values(of entry: Entry, _ convert: (UInt64) -> Float) throws(Defect) -> [Float] {
        let range = dataStart + entry.range.lowerBound..<dataStart + entry.range.upperBound
        guard entry.type != .float32 else { return try content.floats(range) }
        let size = entry.type.size
        let bytes = try content.bytes(range)
        return stride(from: 0, through: bytes.count - size, by: size).map { start in
            var bits: UInt64 = 0
            for offset in (0..<size).reversed() { bits = bits << 8 | UInt64(bytes[start + offset]) }
            return convert(bits)
        }
    }

    /// Checks that each tensor's size matches its shape, and that the tensors fill the data without gaps or overlaps.
    private func requireFilled() throws(Defect) {
        var end = 0
        let ordered = entries.sorted { first, second in
            (first.value.range.lowerBound, first.value.range.upperBound)
                < (second.value.range.lowerBound, second.value.range.upperBound)
        }
        for (name, entry) in ordered {
            let range = entry.range
            guard entry.shape.count <= Self.maximumRank, range.count == entry.size else {
                throw Defect(
                    .corrupt, "tensor '\(name)' of shape \(entry.shape) does not need \(range.count) bytes")
            }
            guard range.lowerBound == end else {
                throw Defect(
                    .corrupt, "tensor '\(name)' begins at \(range.lowerBound), but the tensor before it ends at \(end)")
            }
            end = range.upperBound
        }
        guard end == content.size - dataStart else {
            throw Defect(
                .corrupt, "the tensors need \(end) bytes, but the file has \(content.size - dataStart)")
        }
    }

    /// Counts the members of all objects in the header's text. If a name occurs twice, the count exceeds the number of
    /// decoded members, because a decoder keeps only one of the two values.
    private static func membersWritten(in header: [UInt8]) -> Int {
        var count = 0
        var isInString = false
        var isEscaped = false
        for byte in header {
            if isEscaped {
                isEscaped = false
                continue
            }
            switch byte {
            case UInt8(ascii: "\\") where isInString: isEscaped = true
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: ":") where !isInString: count += 1
            default: break
            }
        }
        return count
    }
}

// MARK: - Writing

extension Safetensors {
    /// Returns the bytes of a file of float32 tensors. The data begins at a multiple of 8 bytes.
    ///
    /// - Parameters:
    ///   - metadata: The text metadata.
    ///   - tensors: The named tensors, in the order in which they are written.
    /// - Returns: The file's bytes. Equal arguments produce equal bytes.
    static func bytes(metadata: [String: String], tensors: [NamedTensor]) -> [UInt8] {
        let start = start(metadata: metadata, tensors: tensors)
        return unsafe [UInt8](unsafeUninitializedCapacity: start.count + size(of: tensors)) { buffer, initialized in
            var end = 0
            func append(_ bytes: UnsafeRawBufferPointer) {
                unsafe UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[end...])
                    .copyMemory(from: bytes)
                end += bytes.count
            }
            unsafe start.withUnsafeBytes { unsafe append($0) }
            for tensor in tensors { unsafe tensor.tensor.values.withUnsafeBytes { unsafe append($0) } }
            initialized = end
        }
    }

    /// Returns the size of the tensors' data, in bytes.
    static func size(of tensors: [NamedTensor]) -> Int {
        tensors.reduce(0) { $0 + $1.tensor.values.count * ElementType.float32.size }
    }

    /// Returns the part of a file before the tensors' data.
    static func start(metadata: [String: String], tensors: [NamedTensor]) -> [UInt8] {
        var header = Header(metadata: metadata, entries: [:])
        var end = 0
        for tensor in tensors {
            let start = end
            end += tensor.tensor.values.count * ElementType.float32.size
            header.entries[tensor.name] = Entry(type: .float32, shape: tensor.tensor.shape, range: start..<end)
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var text = (try? encoder.encode(header)).map(Array.init) else {
            preconditionFailure("texts and whole numbers have a JSON text")
        }
        text += Array(repeating: UInt8(ascii: " "), count: -text.count & 7)
        return (0..<lengthSize).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text
    }
}

/// A tensor with its name in a file.
package struct NamedTensor: Equatable, Sendable {
    /// The name, unique in its file.
    package let name: String
    /// The shape and the values.
    package let tensor: Tensor

    package init(name: String, tensor: Tensor) {
        self.name = name
        self.tensor = tensor
    }
}

// MARK: - The header's JSON

/// The number types of a safetensors file.
private enum ElementType: String, Codable {
    case bool = "BOOL"
    case uint8 = "U8"
    case int8 = "I8"
    case uint16 = "U16"
    case int16 = "I16"
    case float16 = "F16"
    case brainFloat16 = "BF16"
    case uint32 = "U32"
    case int32 = "I32"
    case float32 = "F32"
    case uint64 = "U64"
    case int64 = "I64"
    case float64 = "F64"

    /// The size of a number in bytes.
    var size: Int {
        switch self {
        case .bool, .uint8, .int8: 1
        case .uint16, .int16, .float16, .brainFloat16: 2
        case .uint32, .int32, .float32: 4
        case .uint64, .int64, .float64: 8
        }
    }

    /// The conversion from bits to the nearest float; nil for a type that is not floating-point.
    var asFloat: ((UInt64) -> Float)? {
        switch self {
        case .float16: { Float(Float16(bitPattern: UInt16(truncatingIfNeeded: $0))) }
        case .brainFloat16: { Float(bitPattern: UInt32(truncatingIfNeeded: $0) << 16) }
        case .float32: { Float(bitPattern: UInt32(truncatingIfNeeded: $0)) }
        case .float64: { Float(Double(bitPattern: $0)) }
        default: nil
        }
    }
}

/// A tensor's entry in the header.
private struct Entry: Codable {
    let type: ElementType
    let shape: [Int]
    /// The range of the tensor's bytes, relative to the end of the header.
    let range: Range<Int>

    private enum Key: String, CodingKey {
        case type = "dtype"
        case shape
        case offsets = "data_offsets"
    }

    init(type: ElementType, shape: [Int], range: Range<Int>) {
        self.type = type
        self.shape = shape
        self.range = range
    }

    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Key.self)
        let name = try object.decode(String.self, forKey: .type)
        guard let type = ElementType(rawValue: name) else {
            throw DecodingError.dataCorruptedError(
                forKey: .type, in: object, debugDescription: "'\(name)' is not a number type")
        }
        self.type = type
        shape = try object.decode([Int].self, forKey: .shape)
        let offsets = try object.decode([Int].self, forKey: .offsets)
        guard offsets.count == 2, 0 <= offsets[0], offsets[0] <= offsets[1] else {
            throw DecodingError.dataCorruptedError(
                forKey: .offsets, in: object, debugDescription: "\(offsets) are not two ascending offsets")
        }
        range = offsets[0]..<offsets[1]
    }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Key.self)
        try object.encode(type, forKey: .type)
        try object.encode(shape, forKey: .shape)
        try object.encode([range.lowerBound, range.upperBound], forKey: .offsets)
    }

    /// The number of values, which is the product of the axes' lengths. Valid only if ``size`` is not nil.
    var count: Int { shape.reduce(1, *) }

    /// The size in bytes; nil if the shape is invalid or its size overflows.
    var size: Int? {
        var size = type.size
        for length in shape {
            let (product, isTooLarge) = size.multipliedReportingOverflow(by: length)
            guard length >= 0, !isTooLarge else { return nil }
            size = product
        }
        return size
    }
}

/// The whole header.
private struct Header: Codable {
    static let metadataKey = "__metadata__"

    var metadata: [String: String]
    var entries: [String: Entry]

    /// A tensor's name.
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(metadata: [String: String], entries: [String: Entry]) {
        self.metadata = metadata
        self.entries = entries
    }

    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: Name.self)
        metadata = [:]
        entries = [:]
        for name in object.allKeys {
            if name.stringValue == Self.metadataKey {
                metadata = try object.decode([String: String].self, forKey: name)
            } else {
                entries[name.stringValue] = try object.decode(Entry.self, forKey: name)
            }
        }
        hasMetadata = object.allKeys.contains { $0.stringValue == Self.metadataKey }
    }

    func encode(to encoder: any Encoder) throws {
        var object = encoder.container(keyedBy: Name.self)
        try object.encode(metadata, forKey: Name(stringValue: Self.metadataKey))
        for (name, entry) in entries {
            try object.encode(entry, forKey: Name(stringValue: name))
        }
    }

    private var hasMetadata = true

    /// The total number of members in all objects. A tensor counts as four: its name and its three members.
    var members: Int { entries.count * 4 + metadata.count + (hasMetadata ? 1 : 0) }
}
