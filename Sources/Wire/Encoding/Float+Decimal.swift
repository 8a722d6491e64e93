extension Float {
    /// The float nearest to a decimal number, rounded once; an infinity past the largest, and for `inf` itself.
    ///
    /// - Parameter word: As `-0.5`, `.5`, `1e-05`, `nan`; nil for all else, white space and hexadecimal digits among it.
    init?(decimal word: Span<UInt8>) {
        if let value = Self.common(word) {
            self = value
            return
        }
        for index in word.indices {
            // `Float.init` would take hexadecimal digits, and end at a zero as C does.
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

    /// The float nearest to a number as most are written: up to 15 digits with a small exponent. It takes a tenth of the time.
    ///
    /// Digits and power of ten are exact as doubles, so their product or quotient is the double nearest to the number (Clinger,
    /// 1990). The float nearest to that double is the one nearest to the number, unless the double lies half-way between two
    /// floats.
    ///
    /// - Returns: Nil where the number is written otherwise, or where that does not hold.
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
        // 15 digits are less than 2⁵³.
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
        // A float has 29 bits less than a double: half-way is the first of them and none behind it.
        guard value.bitPattern & 0x1FFF_FFFF != 0x1000_0000 else { return nil }
        return Float(isNegative ? -value : value)
    }

    /// Reads an exponent of one or two digits, from its `e` on.
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
