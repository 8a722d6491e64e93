extension Float {
    /// Creates the float nearest to a decimal number, rounded once. A number beyond the largest float becomes an
    /// infinity, as does `inf` itself.
    ///
    /// Returns nil for any other word, such as one with whitespace or hexadecimal digits.
    ///
    /// - Parameter word: A number such as `-0.5`, `.5`, `1e-05` or `nan`.
    init?(decimal word: Span<UInt8>) {
        if let value = Self.common(word) {
            self = value
            return
        }
        for index in word.indices {
            // `Float.init` would accept hexadecimal digits and, as C does, stop at a zero byte.
            switch word[index] {
            case 0, UInt8(ascii: "x"), UInt8(ascii: "X"): return nil
            default: break
            }
        }
        guard let text = try? UTF8Span(validating: word) else { return nil }
        self.init(String(copying: text))
    }

    /// The powers of ten that a double holds exactly.
    private static let powersOfTen: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    /// Returns the float nearest to a number in common notation, with up to 15 digits and a small exponent. The
    /// function takes a tenth of the time that `Float.init` takes.
    ///
    /// The digits and the power of ten are exact as doubles. Therefore, their product or quotient is the double nearest
    /// to the number (Clinger, 1990). The float nearest to that double is also nearest to the number, unless the double
    /// lies halfway between two floats.
    ///
    /// - Returns: The float; nil if the notation is less common, or if the double lies halfway between two floats or
    ///   outside the range of normal floats.
    private static func common(_ word: Span<UInt8>) -> Float? {
        var index = 0
        let isNegative = word.count > 0 && word[0] == UInt8(ascii: "-")
        if isNegative { index = 1 }
        var digits: UInt64 = 0
        var digitCount = 0
        var exponent = 0
        var hasPoint = false
        while index < word.count {
            let byte = word[index]
            if byte == UInt8(ascii: "."), !hasPoint {
                hasPoint = true
            } else if byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
                digits = 10 &* digits &+ UInt64(byte &- UInt8(ascii: "0"))
                digitCount += 1
                if hasPoint { exponent -= 1 }
            } else {
                break
            }
            index += 1
        }
        // A number of 15 digits is less than 2⁵³.
        guard digitCount >= 1, digitCount <= 15 else { return nil }
        if index < word.count {
            guard let power = smallExponent(word.extracting(index...)) else { return nil }
            exponent += power
        }
        guard exponent >= -22, exponent <= 22 else { return nil }
        let scale = powersOfTen[abs(exponent)]
        let value = exponent < 0 ? Double(digits) / scale : Double(digits) * scale
        guard value == 0 || (value >= Double(leastNormalMagnitude) && value < Double(greatestFiniteMagnitude)) else {
            return nil
        }
        // A float's significand has 29 fewer bits than a double's. The double lies halfway if the first of these 29
        // bits is 1 and the rest are 0.
        guard value.bitPattern & 0x1FFF_FFFF != 0x1000_0000 else { return nil }
        return Float(isNegative ? -value : value)
    }

    /// Reads an exponent of one or two digits, including its `e`.
    private static func smallExponent(_ text: Span<UInt8>) -> Int? {
        guard text.count >= 2, text[0] | 0x20 == UInt8(ascii: "e") else { return nil }
        let hasSign = text[1] == UInt8(ascii: "-") || text[1] == UInt8(ascii: "+")
        let first = hasSign ? 2 : 1
        guard text.count > first, text.count <= first + 2 else { return nil }
        var value = 0
        for index in first..<text.count {
            guard text[index] >= UInt8(ascii: "0"), text[index] <= UInt8(ascii: "9") else { return nil }
            value = 10 * value + Int(text[index] - UInt8(ascii: "0"))
        }
        return text[1] == UInt8(ascii: "-") ? -value : value
    }
}
