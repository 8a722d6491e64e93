import Wire

/// The rows of a file, each available as soon as it is read. A wrong row is an error that names the file and the line,
/// or it is skipped and counted, as the layout says.
package struct RowSource {
    /// The reader of the file's format; nil if the file has no rows.
    private var rows: (any RowReader)?
    private let skipsBadRows: Bool
    /// The streams whose sequence starts with a row that was skipped.
    private var startsSkipped: Set<StreamKey> = []
    /// The rows that were skipped because they are wrong.
    package private(set) var badRows = BadRows()

    /// Reads up to the first line that is not blank, and detects the format if the layout leaves it open.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - layout: The meaning of a row's fields.
    /// - Throws: ``ClientError`` if the file cannot be read or its header lacks a column.
    package init(_ file: InputFile, layout: RowLayout) throws(ClientError) {
        skipsBadRows = layout.skipsBadRows
        var lines = LineReader(file)
        var line: [UInt8] = []
        repeat {
            line.removeAll(keepingCapacity: true)
            guard try lines.next(into: &line) else {
                return
            }
        } while line.isBlank
        if line.contains(0) || [[0xFF, 0xFE], [0xFE, 0xFF]].contains(where: line.starts(with:)) {
            throw ClientError(
                .data,
                "\(file.name): this is UTF-16 or binary data, not UTF-8; convert UTF-16 with "
                    + "iconv -f UTF-16 -t UTF-8 FILE")
        }
        if line.starts(with: Self.byteOrderMark) { line.removeFirst(Self.byteOrderMark.count) }
        let first = line.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
        switch layout.format ?? (first == UInt8(ascii: "{") ? .jsonl : .csv) {
        case .csv: rows = try CSVRows(first: line, lines: lines, layout: layout, name: file.name)
        case .jsonl:
            guard layout.alphabet == nil else {
                throw ClientError(
                    .usage, "--alphabet is only for CSV; in JSON lines give the tokens as numbers, such as [[4],[3]]")
            }
            rows = JSONRows(first: line, lines: lines, layout: layout, name: file.name)
        }
    }

    /// Reads the next row.
    ///
    /// - Parameter check: Checks and completes a row.
    /// - Returns: The row; nil at the end of the file.
    /// - Throws: ``ClientError`` with the status `data` if the row is wrong and not skipped.
    package mutating func next(
        check: (inout InputRow, _ place: String) throws(ClientError) -> Void = { _, _ throws(ClientError) in }
    ) throws(ClientError) -> InputRow? {
        while true {
            var stream: StreamKey?
            do throws(ClientError) {
                guard var row = try rows?.next() else { return nil }
                let key = StreamKey(row.stream)
                if row.flags.contains(.start) { stream = key }
                try check(&row, place)
                if startsSkipped.remove(key) != nil { row.flags.insert(.start) }
                return row
            } catch {
                guard skipsBadRows, error.status == .data, rows?.isDamaged == false else { throw error }
                badRows.add(error)
                if let stream { startsSkipped.insert(stream) }
            }
        }
    }

    /// Whether reading the next row would block.
    package var wouldWait: Bool { rows?.wouldWait ?? false }

    /// Bytes of the rows read so far.
    package var byteCount: Int { rows?.byteCount ?? 0 }

    /// The position of the last row, such as `data.csv:17`.
    package var place: String { rows?.place ?? "" }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    static func check(_ stream: String, place: String) throws(ClientError) {
        guard StreamID.isValid(stream) else {
            throw ClientError(.data, "\(place): \(RowLayout.notAnID(stream))")
        }
    }
}
