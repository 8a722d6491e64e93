/// Reads the rows of one format.
protocol RowReader {
    /// The number of bytes in the rows read so far.
    var byteCount: Int { get }
    /// Whether reading the next row would block.
    var wouldWait: Bool { get }
    /// The position of the last row, such as `data.csv:17`.
    var place: String { get }
    /// Whether the file is damaged. If it is, no row after the last error can be read.
    var isDamaged: Bool { get }

    /// Whether all rows together form one sequence, for models that decide at the end of a sequence.
    var isOneSequence: Bool { get }

    /// Reads the next row.
    ///
    /// - Returns: The row; nil at the end of the file.
    /// - Throws: ``ClientError`` with the status `data` if the row is bad. Unless ``isDamaged`` is true, the next call
    ///   continues with the following row.
    mutating func next() throws(ClientError) -> InputRow?
}

extension RowReader {
    var isOneSequence: Bool { false }
}
