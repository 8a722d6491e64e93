/// Reads JSON text in place, token by token. The caller asks for the tokens that it expects, so the text is never
/// nested deeper than the caller allows. Invalid JSON throws ``DropCause/json``.
struct JSONScanner: ~Escapable {
    private let text: Span<UInt8>
    private var offset = 0

    @_lifetime(copy text)
    init(_ text: Span<UInt8>) {
        self.text = text
    }

    /// Skips whitespace, then consumes a punctuation mark if it comes next. Returns whether the mark was consumed.
    mutating func take(_ mark: Unicode.Scalar) -> Bool {
        skipWhiteSpace()
        return takeByte(mark)
    }

    /// Consumes a punctuation mark that must come next.
    mutating func expect(_ mark: Unicode.Scalar) throws(DropCause) {
        guard take(mark) else { throw .json }
    }

    /// Checks that only whitespace is left.
    mutating func expectEnd() throws(DropCause) {
        skipWhiteSpace()
        guard offset == text.count else { throw .json }
    }

    /// Returns the next byte after any whitespace; nil at the end.
    mutating func peek() -> UInt8? {
        skipWhiteSpace()
        return offset < text.count ? text[offset] : nil
    }

    /// Reads `null`.
    mutating func null() throws(DropCause) {
        skipWhiteSpace()
        guard takeWord("null") else { throw .json }
    }

    /// Reads a number.
    ///
    /// - Returns: The number's text, and whether the number has neither a fraction nor an exponent.
    mutating func number() throws(DropCause) -> (text: String, isWhole: Bool) {
        skipWhiteSpace()
        let start = offset
        let isWhole = try skipNumber()
        guard let digits = try? UTF8Span(validating: text.extracting(start..<offset)) else { throw .json }
        return (String(copying: digits), isWhole)
    }

    /// Reads `true` or `false`.
    mutating func bool() throws(DropCause) -> Bool {
        skipWhiteSpace()
        if takeWord("true") { return true }
        guard takeWord("false") else { throw .json }
        return false
    }

    /// Reads a whole number without a sign, fraction or exponent.
    ///
    /// - Throws: ``DropCause/sequence`` if the number does not fit in 64 bits.
    mutating func unsigned() throws(DropCause) -> UInt64 {
        skipWhiteSpace()
        let digits = try wholeDigits()
        var value: UInt64 = 0
        for index in digits {
            let (tenfold, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isTooLargeNow) = tenfold.addingReportingOverflow(UInt64(text[index] - UInt8(ascii: "0")))
            guard !isTooLarge, !isTooLargeNow else { throw .sequence }
            value = sum
        }
        return value
    }

    /// Reads a number as the nearest float.
    ///
    /// - Throws: ``DropCause/nonFinite`` if the number is too large for a finite float, or is `NaN` or `Infinity`. The
    ///   latter two are not valid JSON, but some libraries write them.
    mutating func float() throws(DropCause) -> Float {
        skipWhiteSpace()
        let start = offset
        _ = takeByte("-")
        if takeWord("NaN") || takeWord("Infinity") { throw .nonFinite }
        offset = start
        _ = try skipNumber()
        guard let value = Float(decimal: text.extracting(start..<offset)) else { throw .json }
        guard value.isFinite else { throw .nonFinite }
        return value
    }

    /// Reads a string into `content`: the text between the quotes, with its escapes resolved. The content is valid
    /// UTF-8 if the text is.
    mutating func string(into content: inout [UInt8]) throws(DropCause) {
        content.removeAll(keepingCapacity: true)
        try expect("\"")
        while !takeByte("\"") {
            guard offset < text.count, text[offset] >= 0x20 else { throw .json }
            let byte = text[offset]
            offset += 1
            if byte == UInt8(ascii: "\\") {
                try escape(into: &content)
            } else {
                content.append(byte)
            }
        }
    }

    /// Skips a number's sign, digits, fraction and exponent.
    ///
    /// - Returns: Whether the number has neither a fraction nor an exponent.
    private mutating func skipNumber() throws(DropCause) -> Bool {
        _ = takeByte("-")
        _ = try wholeDigits()
        var isWhole = true
        if takeByte(".") {
            isWhole = false
            guard !takeDigits().isEmpty else { throw .json }
        }
        if takeByte("e") || takeByte("E") {
            isWhole = false
            if !takeByte("-") { _ = takeByte("+") }
            guard !takeDigits().isEmpty else { throw .json }
        }
        return isWhole
    }

    /// Reads the characters after a backslash.
    private mutating func escape(into content: inout [UInt8]) throws(DropCause) {
        guard offset < text.count else { throw .json }
        let byte = text[offset]
        offset += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): content.append(byte)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "u"): content.append(contentsOf: String(try escapedCharacter()).utf8)
        default: throw .json
        }
    }

    /// Reads the four digits after `\u`. If they are the first half of a surrogate pair, also reads the second escape.
    private mutating func escapedCharacter() throws(DropCause) -> Character {
        let first = try fourHexDigits()
        if let scalar = Unicode.Scalar(first) { return Character(scalar) }
        guard UTF16.isLeadSurrogate(first), takeWord("\\u") else { throw .json }
        let second = try fourHexDigits()
        guard UTF16.isTrailSurrogate(second) else { throw .json }
        let value = 0x1_0000 + (UInt32(first) & 0x3FF) << 10 + UInt32(second) & 0x3FF
        guard let scalar = Unicode.Scalar(value) else { throw .json }
        return Character(scalar)
    }

    private mutating func fourHexDigits() throws(DropCause) -> UInt16 {
        guard text.count - offset >= 4 else { throw .json }
        var value: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = Character(Unicode.Scalar(text[offset])).hexDigitValue else { throw .json }
            value = value << 4 | UInt16(digit)
            offset += 1
        }
        return value
    }

    /// Consumes the digits before a decimal point: at least one, and no leading 0 unless it is the only digit.
    private mutating func wholeDigits() throws(DropCause) -> Range<Int> {
        let digits = takeDigits()
        guard digits.count == 1 || (digits.count > 1 && text[digits.lowerBound] != UInt8(ascii: "0")) else {
            throw .json
        }
        return digits
    }

    private mutating func takeDigits() -> Range<Int> {
        let start = offset
        while offset < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[offset]) { offset += 1 }
        return start..<offset
    }

    private mutating func takeByte(_ byte: Unicode.Scalar) -> Bool {
        guard offset < text.count, text[offset] == UInt8(ascii: byte) else { return false }
        offset += 1
        return true
    }

    private mutating func takeWord(_ word: String) -> Bool {
        guard text.count - offset >= word.utf8.count else { return false }
        for (index, byte) in word.utf8.enumerated() where text[offset + index] != byte { return false }
        offset += word.utf8.count
        return true
    }

    private mutating func skipWhiteSpace() {
        while offset < text.count, text[offset].isWhiteSpace { offset += 1 }
    }
}
