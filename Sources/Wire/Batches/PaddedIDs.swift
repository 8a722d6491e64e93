/// A column of stream ids that are padded with zero bytes to one width, like a NumPy array of the type `S`. An id has
/// no control characters, so the padding is unambiguous.
public enum PaddedIDs {
    /// Returns the width of a column.
    ///
    /// - Parameters:
    ///   - column: The column's bytes.
    ///   - count: The number of ids, at least 1.
    /// - Returns: The length of a padded id in bytes, 1 to ``StreamID/maximumLength``.
    /// - Throws: ``DropCause/batch`` if the column does not hold `count` ids of one width.
    public static func width(of column: RawSpan, count: Int) throws(DropCause) -> Int {
        let width = column.byteCount / count
        guard (1...StreamID.maximumLength).contains(width), column.byteCount == count * width else { throw .batch }
        return width
    }

    /// Returns an id without its padding.
    ///
    /// - Parameters:
    ///   - index: The index of the id.
    ///   - column: The column's bytes.
    ///   - width: The column's width.
    /// - Returns: The id, not yet checked. It is not valid if a zero byte is followed by another byte, or if there are
    ///   only zero bytes.
    @inlinable
    @inline(__always)
    @_lifetime(copy column)
    public static func id(at index: Int, in column: Span<UInt8>, width: Int) -> Span<UInt8> {
        let start = index * width
        var end = start + width
        while end > start, column[end - 1] == 0 { end -= 1 }
        return column.extracting(start..<end)
    }

    /// Appends ids as a column that is as wide as the longest id.
    ///
    /// - Parameters:
    ///   - ids: The ids, each 1 to ``StreamID/maximumLength`` bytes long.
    ///   - bytes: The destination.
    public static func append(_ ids: [[UInt8]], to bytes: inout [UInt8]) {
        let width = ids.map(\.count).max() ?? 0
        bytes.reserveCapacity(bytes.count + ids.count * width)
        for id in ids {
            bytes.append(contentsOf: id)
            bytes.append(contentsOf: repeatElement(0, count: width - id.count))
        }
    }
}
