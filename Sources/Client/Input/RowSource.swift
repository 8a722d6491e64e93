import Wire

/// The rows of a file. Each row is returned as soon as it has arrived. Depending on the layout, a bad row is skipped
/// and counted, or causes an error that names the file and the line.
package struct RowSource {
    /// The reader of the file's format; nil if the file has no rows.
    private var rows: (any RowReader)?
    private let skipsBadRows: Bool
    /// The streams whose current sequence starts with a skipped row.
    private var startsSkipped: Set<StreamKey> = []
    /// The bad rows that were skipped.
    package private(set) var badRows = BadRows()

    /// Reads up to the first byte that is not blank, and detects the format if the layout does not specify it.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - layout: The meaning of a row's fields.
    /// - Throws: ``ClientError`` if the file cannot be read, its header lacks a column, or the layout does not suit the
    ///   format.
    package init(_ file: InputFile, layout: RowLayout) throws(ClientError) {
        skipsBadRows = layout.skipsBadRows
        var reader = InputReader(file)
        guard let first = try Self.firstByte(of: &reader) else { return }
        let format = layout.format ?? Self.format(of: first)
        guard layout.alphabet == nil || format == .csv else {
            throw ClientError(
                .usage, "--alphabet is only for CSV; in other formats give the tokens as numbers, such as [[4],[3]]")
        }
        switch format {
        case .csv: rows = try Self.csv(reader, layout: layout)
        case .jsonl, .json: rows = JSONRows(reader, isArray: format == .json, layout: layout)
        case .npy: rows = try NumpyRows(reader, layout: layout)
        }
    }

    /// Returns the first byte that is neither blank nor part of a byte order mark; nil if there is none. Consumes no
    /// bytes.
    private static func firstByte(of reader: inout InputReader) throws(ClientError) -> UInt8? {
        var count = 1
        while true {
            let bytes = try reader.peek(count)
            if let byte = bytes.first(where: { !$0.isWhiteSpace && !InputReader.byteOrderMark.contains($0) }) {
                return byte
            }
            guard bytes.count >= count else { return nil }
            count = bytes.count + 1
        }
    }

    private static func format(of first: UInt8) -> RowLayout.Format {
        switch first {
        case UInt8(ascii: "{"): .jsonl
        case UInt8(ascii: "["): .json
        case NumpyHeader.magic[0]: .npy
        default: .csv
        }
    }

    private static func csv(_ reader: InputReader, layout: RowLayout) throws(ClientError) -> CSVRows? {
        var reader = reader
        var line: [UInt8] = []
        repeat {
            line.removeAll(keepingCapacity: true)
            guard try reader.next(into: &line) else { return nil }
        } while line.isBlank
        if line.contains(0) || [[0xFF, 0xFE], [0xFE, 0xFF]].contains(where: line.starts(with:)) {
            throw ClientError(
                .data,
                "\(reader.name): this is UTF-16 or binary data, not UTF-8; convert UTF-16 with "
                    + "iconv -f UTF-16 -t UTF-8 FILE")
        }
        if line.starts(with: InputReader.byteOrderMark) { line.removeFirst(InputReader.byteOrderMark.count) }
        return try CSVRows(first: line, lines: reader, layout: layout)
    }

    /// Reads the next row.
    ///
    /// - Parameter check: Called with each row, to check and complete it.
    /// - Returns: The row; nil at the end of the file.
    /// - Throws: ``ClientError`` with the status `data` if the row is bad and bad rows are not skipped.
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

    /// Whether all rows together form one sequence, for models that decide at the end of a sequence.
    var isOneSequence: Bool { rows?.isOneSequence ?? false }

    /// The number of bytes in the rows read so far.
    package var byteCount: Int { rows?.byteCount ?? 0 }

    /// The position of the last row, such as `data.csv:17`.
    package var place: String { rows?.place ?? "" }

    static func check(_ stream: String, place: String) throws(ClientError) {
        guard StreamID.isValid(stream) else {
            throw ClientError(.data, "\(place): \(RowLayout.notAnID(stream))")
        }
    }
}
