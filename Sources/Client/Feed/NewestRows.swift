/// The newest row of each stream. The row is held back, because only the stream's next row or the end of the input
/// shows whether the row ends a sequence.
struct NewestRows {
    private var rows: [StreamKey: (row: InputRow, number: Int)] = [:]
    private var count = 0

    /// Holds a row back and releases the previous row of the same stream.
    ///
    /// - Parameters:
    ///   - row: The stream's next row. If the row starts a sequence, the previous row ends one. If the row itself ends
    ///     a sequence, it is released at once.
    ///   - released: The released rows are appended here.
    mutating func add(_ row: InputRow, to released: inout [InputRow]) {
        let key = StreamKey(row.stream)
        if var before = rows.removeValue(forKey: key)?.row {
            if row.flags.contains(.start) { before.flags.insert(.end) }
            released.append(before)
        }
        guard !row.flags.contains(.end) else { return released.append(row) }
        count += 1
        rows[key] = (row, count)
    }

    /// Releases all rows in the order of the input.
    ///
    /// - Parameters:
    ///   - areEnds: Whether each row ends its sequence. Pass false after an interruption or a bad row, because it is
    ///     then unknown whether the sequences have ended.
    ///   - released: The released rows are appended here.
    mutating func release(areEnds: Bool, to released: inout [InputRow]) {
        for (row, _) in rows.values.sorted(by: { $0.number < $1.number }) {
            var row = row
            if areEnds { row.flags.insert(.end) }
            released.append(row)
        }
        rows.removeAll()
    }
}
