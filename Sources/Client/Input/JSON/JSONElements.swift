/// Reads the elements of a JSON array as text. Each element is returned as soon as its end has arrived.
struct JSONElements: RowTexts {
    /// The maximum length of an element, in bytes.
    private static let maximumLength = 1 << 28

    private var reader: InputReader
    private var isBegun = false
    private var isEnded = false
    /// The number of elements read.
    private var count = 0
    /// The line on which the last element begins, counted from 1.
    private var lineNumber = 1
    private var isBroken = false

    /// Creates a reader.
    ///
    /// - Parameter reader: The file, positioned at its first byte.
    init(_ reader: InputReader) { self.reader = reader }

    /// Whether the file or the array is damaged. If it is, no more elements can be recognized.
    var isDamaged: Bool { isBroken || reader.isDamaged }
    var byteCount: Int { reader.byteCount }
    var place: String { "\(reader.name):\(lineNumber) (element \(count))" }

    /// Whether reading the next element would block.
    var wouldWait: Bool { !isEnded && reader.wouldWait(for: { !Self.isBetween($0) }) }

    /// Reads the next element.
    ///
    /// - Parameter text: The buffer to which the element is appended.
    /// - Returns: Whether there was an element.
    /// - Throws: ``ClientError`` with the status `data` if the array is damaged at this point.
    mutating func next(into text: inout [UInt8]) throws(ClientError) -> Bool {
        guard !isEnded else { return false }
        var byte = try significantByte()
        if !isBegun {
            guard byte == UInt8(ascii: "[") else { throw damage("'[' is missing") }
            isBegun = true
            byte = try significantByte()
        } else if byte == UInt8(ascii: ",") {
            byte = try significantByte()
            if byte == UInt8(ascii: "]") { throw damage("a comma stands before the end") }
        } else if byte != nil, byte != UInt8(ascii: "]") {
            throw damage("a comma is missing after element \(count)")
        }
        if byte == UInt8(ascii: "]") {
            isEnded = true
            guard try significantByte() == nil else {
                throw damage("other data follows it; give --format jsonl if each line is a row of its own")
            }
            return false
        }
        guard let byte else { return try end() }
        count += 1
        lineNumber = reader.lineNumber + 1
        if try append(from: byte, to: &text) { return true }
        return try end()
    }

    /// Reads an element whose first byte has already been read.
    ///
    /// - Returns: Whether the element is complete.
    private mutating func append(from first: UInt8, to text: inout [UInt8]) throws(ClientError) -> Bool {
        guard first != UInt8(ascii: ",") else { throw damage("element \(count) is missing") }
        var depth = 0
        var isInString = false
        var isEscaped = false
        var byte = first
        while true {
            text.append(byte)
            guard text.count <= Self.maximumLength else {
                throw damage("element \(count) has more than \(Self.maximumLength) bytes")
            }
            switch byte {
            case _ where isEscaped: isEscaped = false
            case UInt8(ascii: "\\") where isInString: isEscaped = true
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: "{"), UInt8(ascii: "["): if !isInString { depth += 1 }
            case UInt8(ascii: "}"), UInt8(ascii: "]"): if !isInString { depth -= 1 }
            default: break
            }
            if depth == 0, !isInString, try isLast(byte) { return true }
            guard let next = try reader.nextByte() else { return false }
            byte = next
        }
    }

    /// Returns whether `byte` is the last byte of an element. Call this only when all brackets and strings are closed.
    /// A number, or a word such as `null`, ends where the next byte does not continue it.
    private mutating func isLast(_ byte: UInt8) throws(ClientError) -> Bool {
        if [UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: "\"")].contains(byte) { return true }
        guard let next = try reader.peek(1).first else { return false }
        return Self.isBetween(next) || next == UInt8(ascii: "]")
    }

    /// Handles input that ends within the array. The array is damaged, unless an interruption ended the input.
    private mutating func end() throws(ClientError) -> Bool {
        isEnded = true
        if reader.isInterrupted { return false }
        throw damage("it ends too early, so that ']' is missing")
    }

    /// Returns the next byte that is not white space; nil at the end of the file.
    private mutating func significantByte() throws(ClientError) -> UInt8? {
        while let byte = try reader.nextByte() {
            if !byte.isWhiteSpace, isBegun || !InputReader.byteOrderMark.contains(byte) { return byte }
        }
        return nil
    }

    private mutating func damage(_ problem: String) -> ClientError {
        isBroken = true
        return ClientError(.data, "\(reader.name):\(reader.lineNumber + 1): the JSON array is damaged: \(problem)")
    }

    /// Returns whether a byte may stand between elements: white space or a comma.
    private static func isBetween(_ byte: UInt8) -> Bool {
        byte.isWhiteSpace || byte == UInt8(ascii: ",")
    }
}
