/// One record of separated values, as defined by RFC 4180. Quoted fields may contain separators, line ends and doubled
/// quotes. A record can be reused without allocating memory again.
package struct CSVRecord: Sendable {
    private var bytes: [UInt8] = []
    private var ends: [Int] = []
    private var isInQuotes = false
    private let separator: UInt8

    /// Creates an empty record.
    ///
    /// - Parameter separator: The byte between two fields.
    package init(separator: UInt8 = UInt8(ascii: ",")) { self.separator = separator }

    /// The number of fields.
    package var count: Int { ends.count }

    /// Removes all fields, but keeps the capacity.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        isInQuotes = false
    }

    /// Adds a line to the record. If the previous line ended within quotes, this line continues the quoted field.
    ///
    /// - Parameter line: The line without its line feed. A carriage return at the end of the line is not part of the
    ///   last field.
    /// - Returns: Whether the record is complete. If not, append its next line.
    package mutating func append(line: [UInt8]) -> Bool {
        if isInQuotes { bytes.append(UInt8(ascii: "\n")) }
        var index = 0
        while index < line.count {
            let byte = line[index]
            index += 1
            if isInQuotes {
                if byte != UInt8(ascii: "\"") {
                    bytes.append(byte)
                } else if index < line.count, line[index] == byte {
                    bytes.append(byte)
                    index += 1
                } else {
                    isInQuotes = false
                }
            } else {
                switch byte {
                case UInt8(ascii: "\""): isInQuotes = true
                case separator: ends.append(bytes.count)
                case UInt8(ascii: "\r") where index == line.count: break
                default: bytes.append(byte)
                }
            }
        }
        if isInQuotes { return false }
        ends.append(bytes.count)
        return true
    }

    /// Returns one field as text.
    package subscript(_ index: Int) -> String {
        String(decoding: bytes[range(of: index)], as: UTF8.self)
    }

    /// Returns whether a field consists of exactly these bytes. This is cheaper than comparing strings.
    func field(_ index: Int, isEqualTo other: [UInt8]) -> Bool {
        bytes[range(of: index)].elementsEqual(other)
    }

    /// Returns one field's bytes.
    func fieldBytes(_ index: Int) -> [UInt8] {
        Array(bytes[range(of: index)])
    }

    /// Returns one field's bytes without surrounding blanks.
    func trimmedBytes(_ index: Int) -> [UInt8] { Array(trimmed(index)) }

    private func trimmed(_ index: Int) -> ArraySlice<UInt8> {
        var field = bytes[range(of: index)]
        while let last = field.last, Self.isBlank(last) { field.removeLast() }
        while let first = field.first, Self.isBlank(first) { field.removeFirst() }
        return field
    }

    /// Returns one field as a number, ignoring surrounding blanks; nil if it is not a number, or not finite as float32.
    func number(_ index: Int) -> Float? {
        guard let value = Float(String(decoding: trimmed(index), as: UTF8.self)), value.isFinite else { return nil }
        return value
    }

    /// Writes a field, in quotes if necessary.
    static func append(field: String, to output: inout [UInt8]) {
        let quote = UInt8(ascii: "\"")
        let needsQuotes = field.utf8.contains { [quote, UInt8(ascii: ","), 0x0A, 0x0D].contains($0) }
        guard needsQuotes else { return output.append(contentsOf: field.utf8) }
        output.append(quote)
        for byte in field.utf8 {
            if byte == quote { output.append(quote) }
            output.append(byte)
        }
        output.append(quote)
    }

    private func range(of index: Int) -> Range<Int> {
        (index == 0 ? 0 : ends[index - 1])..<ends[index]
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}
