/// The timesteps of a message in the codec `json` or `text`. A message is parsed before it is routed, so the number of
/// values per timestep is not known yet. A parser reuses its buffers for the next message.
///
///     JSON or text ──read──▶ id ──route──▶ features ──timesteps(features:)──▶ (k, features)
///
/// After a read that throws, the contents are unspecified.
public struct ParsedTimesteps: Sendable {
    /// The longest text frame, in bytes. Parsing a frame of this length takes a few milliseconds, during which all
    /// streams wait.
    public static let maximumLength = 1 << 20

    /// The stream's id as given in the message, not yet checked against the rules of ``StreamID``.
    public private(set) var id: [UInt8] = []
    /// The sequence number and the flags given in the message.
    public private(set) var header = TimestepHeader()
    /// The number of timesteps.
    public private(set) var count = 0

    /// Shape (count, width).
    private var values: [Float] = []
    private var width = 0
    /// The name of the JSON member that is being read.
    private var name: [UInt8] = []

    /// Creates a parser with no message.
    public init() {}

    /// Reads a message.
    ///
    /// - Parameters:
    ///   - codec: The encoding: `json` or `text`.
    ///   - frames: The number of frames in the message.
    ///   - first: The first frame. With `json`, this frame is the id if a second frame follows; otherwise, it is the
    ///     whole message.
    ///   - second: The second frame. Ignored if the message has one frame.
    /// - Throws: ``DropCause/frames`` if the codec does not allow this number of frames. ``DropCause/tooLarge`` if a
    ///   frame exceeds ``maximumLength``. ``DropCause/json`` or ``DropCause/text`` if the text is not valid in the
    ///   codec. ``DropCause/id`` if the message names no stream or two different streams. ``DropCause/length`` if the
    ///   message has no values, or if its timesteps differ in length. ``DropCause/nonFinite`` if a number is not finite
    ///   or is too large for float32. ``DropCause/sequence`` if the sequence number exceeds 2⁶⁴ − 1.
    public mutating func read(
        _ codec: IngestCodec, frames: Int, first: Span<UInt8>, second: Span<UInt8>
    ) throws(DropCause) {
        guard first.count <= Self.maximumLength, frames < 2 || second.count <= Self.maximumLength else {
            throw .tooLarge
        }
        switch (codec, frames) {
        case (.json, 1): try read(json: first)
        case (.json, 2): try read(id: first, json: second)
        case (.text, 1): try read(text: first)
        default: throw .frames
        }
    }

    /// Returns the timesteps. Call this once routing has determined the number of values per timestep.
    ///
    /// - Parameter features: The number of floats in one timestep.
    /// - Returns: The message's floats, shape (``count``, features), with at least one timestep.
    /// - Throws: ``DropCause/length`` if the message's timesteps do not have `features` values each.
    public func timesteps(features: Int) throws(DropCause) -> [Float] {
        guard width == features, count >= 1 else { throw .length }
        return values
    }

    private mutating func removeAll() {
        id.removeAll(keepingCapacity: true)
        header = TimestepHeader()
        values.removeAll(keepingCapacity: true)
        count = 0
        width = 0
    }
}

/// The codec `json`: `{"stream": "s1", "values": [0.1], "sequence": 7, "start": true, "end": false}`.
extension ParsedTimesteps {
    private enum Member: String {
        case stream, values, sequence, start, end
    }

    /// Reads a message of one frame. The object must name the stream.
    private mutating func read(json text: Span<UInt8>) throws(DropCause) {
        guard try readObject(text).contains(.stream) else { throw .id }
    }

    /// Reads a message of two frames. If the second frame also names a stream, both names must agree.
    private mutating func read(id: Span<UInt8>, json text: Span<UInt8>) throws(DropCause) {
        if try readObject(text).contains(.stream) {
            guard self.id.elementsEqual(id) else { throw .id }
        } else {
            for index in id.indices { self.id.append(id[index]) }
        }
    }

    /// - Returns: The members of the object. `values` is always among them.
    private mutating func readObject(_ text: Span<UInt8>) throws(DropCause) -> Set<Member> {
        removeAll()
        var members: Set<Member> = []
        var scanner = JSONScanner(text)
        try scanner.expect("{")
        if !scanner.take("}") {
            repeat {
                try scanner.string(into: &name)
                try scanner.expect(":")
                let member = Member(rawValue: String(decoding: name, as: UTF8.self))
                guard let member, members.insert(member).inserted else { throw .json }
                switch member {
                case .stream:
                    try scanner.string(into: &id)
                    id.trimBlanks()
                case .values: try readTimesteps(&scanner)
                case .sequence: header.sequence = try scanner.unsigned()
                case .start: if try scanner.bool() { header.flags.insert(.start) }
                case .end: if try scanner.bool() { header.flags.insert(.end) }
                }
            } while scanner.take(",")
            try scanner.expect("}")
        }
        try scanner.expectEnd()
        guard members.contains(.values) else { throw .json }
        return members
    }

    /// Reads one timestep, such as `[0.1, 0.2]`, or an array of timesteps, such as `[[0.1, 0.2], [0.3, 0.4]]`.
    private mutating func readTimesteps(_ scanner: inout JSONScanner) throws(DropCause) {
        try scanner.expect("[")
        let isNested = scanner.take("[")
        width = try readTimestep(&scanner)
        count = 1
        guard isNested else { return }
        while scanner.take(",") {
            try scanner.expect("[")
            guard try readTimestep(&scanner) == width else { throw .length }
            count += 1
        }
        try scanner.expect("]")
    }

    /// Reads the values of one timestep and the closing bracket.
    ///
    /// - Returns: The number of values.
    private mutating func readTimestep(_ scanner: inout JSONScanner) throws(DropCause) -> Int {
        guard !scanner.take("]") else { return 0 }
        let before = values.count
        repeat {
            values.append(try scanner.float())
        } while scanner.take(",")
        try scanner.expect("]")
        return values.count - before
    }
}

/// The codec `text`: `s1 0.1 0.2`.
extension ParsedTimesteps {
    /// Reads a message of one frame: the stream's id, followed by the values of one timestep, separated by whitespace.
    private mutating func read(text: Span<UInt8>) throws(DropCause) {
        removeAll()
        var words = Words(text)
        guard let first = words.next() else { throw .id }
        for index in first { id.append(text[index]) }
        while let word = words.next() {
            values.append(try Self.value(text.extracting(word)))
        }
        guard !values.isEmpty else { throw .length }
        width = values.count
        count = 1
    }

    private static func value(_ word: Span<UInt8>) throws(DropCause) -> Float {
        guard let value = Float(decimal: word) else { throw .text }
        guard value.isFinite else { throw .nonFinite }
        return value
    }
}

/// The words of a message, separated by whitespace.
private struct Words: ~Escapable {
    private let text: Span<UInt8>
    private var offset = 0

    @_lifetime(copy text)
    init(_ text: Span<UInt8>) {
        self.text = text
    }

    /// Returns the range of the next word, or nil after the last.
    mutating func next() -> Range<Int>? {
        while offset < text.count, text[offset].isWhiteSpace { offset += 1 }
        let start = offset
        while offset < text.count, !text[offset].isWhiteSpace { offset += 1 }
        return start < offset ? start..<offset : nil
    }
}

extension UInt8 {
    /// Whether the byte is whitespace in JSON: a space, a tab, or a line ending.
    var isWhiteSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}

extension [UInt8] {
    /// Removes spaces and tabs at both ends, as the tool does with ids.
    fileprivate mutating func trimBlanks() {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        while let last, isBlank(last) { removeLast() }
        removeFirst(prefix(while: isBlank).count)
    }

    fileprivate func elementsEqual(_ bytes: Span<UInt8>) -> Bool {
        guard count == bytes.count else { return false }
        for index in indices where self[index] != bytes[index] { return false }
        return true
    }
}
