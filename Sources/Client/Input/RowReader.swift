/// Reads the rows of one format.
protocol RowReader {
    /// Bytes of the rows read so far.
    var byteCount: Int { get }
    /// Whether reading the next row would block.
    var wouldWait: Bool { get }
    /// The position of the last row, such as `data.csv:17`.
    var place: String { get }
    /// Whether the file is damaged, so that no row after the last error can be read.
    var isDamaged: Bool { get }

    /// Whether all rows are one sequence, if the model decides at the end of a sequence.
    var isOneSequence: Bool { get }

    /// Reads the next row.
    ///
    /// - Returns: The row; nil at the end of the file.
    /// - Throws: ``ClientError`` with the status `data` if the row is wrong. Unless ``isDamaged``, the next call reads
    ///   the row after it.
    mutating func next() throws(ClientError) -> InputRow?
}

extension RowReader {
    var isOneSequence: Bool { false }
}
