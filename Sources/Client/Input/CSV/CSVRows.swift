/// Reads timesteps from separated values. The first record names the columns, unless the layout says that there is no
/// header. Every other record is one timestep or one whole sequence. A record that repeats the names is skipped,
/// because concatenated files contain such records.
struct CSVRows: RowReader {
    private var lines: InputReader
    private let layout: RowLayout
    private let columns: CSVColumns
    private let names: [String]
    private var record: CSVRecord
    /// Whether the first record is data that was read to count the columns and has not been returned yet.
    private var hasRecord: Bool
    private var line: [UInt8] = []
    private var starts = SequenceStarts()
    /// The number of records read, without the header.
    private var rowNumber = 0
    /// The stream of the previous row. The next row usually belongs to the same stream.
    private var stream: (bytes: [UInt8], id: String) = ([], "")

    /// Reads the first record.
    ///
    /// - Parameters:
    ///   - first: The first line that is not blank.
    ///   - lines: The following lines.
    ///   - layout: The meaning of the columns.
    /// - Throws: ``ClientError`` if a column is missing, or if the header is missing.
    init(first: [UInt8], lines: InputReader, layout: RowLayout) throws(ClientError) {
        self.lines = lines
        self.layout = layout
        let place = lines.place
        record = CSVRecord(separator: CSVSeparator.recognize(in: first, isData: !layout.hasHeader))
        guard record.append(line: first) else {
            throw ClientError(.data, "\(place): a quoted \(layout.hasHeader ? "name" : "field") does not end")
        }
        hasRecord = !layout.hasHeader
        names = (0..<record.count).map { [record] in layout.hasHeader ? record[$0].trimmed : "\($0 + 1)" }
        if layout.hasHeader, names.allSatisfy({ Float($0) != nil }) {
            throw ClientError(
                .data,
                "\(place): a header is missing: all names are numbers, such as '\(names[0])'. Give --no-header for data "
                    + "from the first row on, which calls the columns 1, 2, …; skip a header of numbers with tail -n +2"
            )
        }
        columns = try CSVColumns(names: names, layout: layout, place: place)
    }

    var byteCount: Int { lines.byteCount }
    var isDamaged: Bool { lines.isDamaged }
    var wouldWait: Bool { lines.wouldWait }
    var place: String { lines.place }

    /// Reads the next record; nil at the end.
    mutating func next() throws(ClientError) -> InputRow? {
        guard try readRecord() else { return nil }
        guard record.count == columns.count else {
            let fields = Quantity.count(record.count, of: "field")
            throw ClientError(
                .data,
                "\(place): \(fields) where the \(layout.hasHeader ? "header" : "first row") has \(columns.count)")
        }
        rowNumber += 1
        var row = try timesteps(of: try streamID())
        if let label = columns.label, !record.fieldBytes(label).isBlank { row.label = try number(label) }
        if let weight = columns.weight, !record.fieldBytes(weight).isBlank { row.weight = try number(weight) }
        if let sequence = columns.sequence {
            let name = record.trimmedBytes(sequence)
            row.sequenceName = String(decoding: name, as: UTF8.self)
            if starts.record(stream: row.stream, value: name) { row.flags.insert(.start) }
        }
        return row
    }

    /// Returns the record as a row: one timestep, or a whole sequence given as letters or in many columns.
    private func timesteps(of id: String) throws(ClientError) -> InputRow {
        if let alphabet = layout.alphabet {
            let tokens = try alphabet.tokens(of: record[columns.values[0]], place: place)
            return InputRow(stream: id, values: tokens, timesteps: tokens.count, flags: [.start, .end])
        }
        var values: [Float] = []
        values.reserveCapacity(columns.values.count)
        let used = layout.isWide ? columns.values.prefix(lengthOfSequence) : columns.values[...]
        for column in used { values.append(try number(column)) }
        guard layout.isWide else { return InputRow(stream: id, values: values) }
        guard !values.isEmpty else { throw ClientError(.data, "\(place): the sequence has no values") }
        var row = InputRow(stream: id, values: values, flags: [.start, .end])
        row.isUndivided = true
        return row
    }

    /// The number of value columns up to the last one that is not empty. A record with a shorter sequence has empty
    /// fields at its end.
    private var lengthOfSequence: Int {
        (columns.values.lastIndex { !record.fieldBytes($0).isBlank } ?? -1) + 1
    }

    private func number(_ column: Int) throws(ClientError) -> Float {
        guard let value = record.number(column) else {
            let text = record[column]
            let advice = text.contains(",") ? "; write decimals with a point" : ""
            throw ClientError(
                .data, "\(place): '\(text)' in column '\(columns[column])' is not a finite number\(advice)")
        }
        return value
    }

    /// Reads the next record that does not repeat the names.
    private mutating func readRecord() throws(ClientError) -> Bool {
        if hasRecord {
            hasRecord = false
            return true
        }
        repeat {
            guard try readLines() else { return false }
        } while layout.hasHeader && repeatsNames
        return true
    }

    private var repeatsNames: Bool {
        record.count == names.count && names.indices.allSatisfy { record[$0].trimmed == names[$0] }
    }

    /// Reads lines until a record is complete, and skips blank lines.
    private mutating func readLines() throws(ClientError) -> Bool {
        record.removeAll()
        var firstLine: Int?
        while true {
            line.removeAll(keepingCapacity: true)
            guard try lines.next(into: &line) else {
                if let firstLine, !lines.isInterrupted {
                    throw ClientError(.data, "\(lines.name):\(firstLine): a quoted field does not end")
                }
                return false
            }
            if firstLine == nil, line.isBlank { continue }
            firstLine = firstLine ?? lines.lineNumber
            if record.append(line: line) { return true }
        }
    }

    private mutating func streamID() throws(ClientError) -> String {
        // Without a stream column, either all rows belong to one stream, or each row is a sequence whose stream has the
        // row's number as its id.
        guard let column = columns.stream else { return layout.stream(ofSequence: rowNumber) ?? "\(rowNumber)" }
        if !stream.id.isEmpty, record.field(column, isEqualTo: stream.bytes) { return stream.id }
        let bytes = record.trimmedBytes(column)
        // Refuse invalid UTF-8 instead of repairing it, because a repair could make two ids equal.
        guard let id = String(validating: bytes, as: UTF8.self) else {
            throw ClientError(.data, "\(place): the stream id '\(record[column])' is not UTF-8")
        }
        try RowSource.check(id, place: place)
        stream = (record.fieldBytes(column), id)
        return id
    }
}

extension String {
    /// The text without blanks at either end.
    var withoutBlanks: String {
        var text = self[...]
        while let first = text.unicodeScalars.first, first == " " || first == "\t" {
            text.unicodeScalars.removeFirst()
        }
        while let last = text.unicodeScalars.last, last == " " || last == "\t" { text.unicodeScalars.removeLast() }
        return String(text)
    }

    /// The text without blanks at either end and without the byte order mark that some programs write before the first
    /// name.
    fileprivate var trimmed: String {
        guard unicodeScalars.first == "\u{FEFF}" else { return withoutBlanks }
        return String(String.UnicodeScalarView(unicodeScalars.dropFirst())).withoutBlanks
    }
}

extension [UInt8] {
    /// Whether a line consists only of blanks.
    var isBlank: Bool { allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
}
