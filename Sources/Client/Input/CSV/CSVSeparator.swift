/// The bytes that may separate fields.
enum CSVSeparator {
    private static let all: [UInt8] = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]

    /// Returns the separator of a file: the most frequent candidate outside of quotes.
    ///
    /// - Parameters:
    ///   - line: The first line.
    ///   - isData: Whether the line contains data rather than names. Because a comma in data may be a decimal comma,
    ///     any other separator then takes precedence.
    /// - Returns: The separator; a comma if the line contains no candidate.
    static func recognize(in line: [UInt8], isData: Bool) -> UInt8 {
        var counts = all.map { _ in 0 }
        var isInQuotes = false
        for byte in line {
            if byte == UInt8(ascii: "\"") { isInQuotes.toggle() }
            if !isInQuotes, let index = all.firstIndex(of: byte) { counts[index] += 1 }
        }
        if isData, counts[1...].contains(where: { $0 > 0 }) { counts[0] = 0 }
        return counts.max().flatMap { counts.firstIndex(of: $0) }.map { all[$0] } ?? all[0]
    }
}
