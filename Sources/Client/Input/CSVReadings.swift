/// Reads timesteps out of comma-separated values whose first record names the columns. A record is one timestep, or, in
/// letters, one sequence.
struct CSVReadings {
    private var lines: LineReader
    private let layout: ReadingLayout
    private let name: String
    private let columns: CSVColumns
    private var record = CSVRecord()
    private var line: [UInt8] = []
    private var starts = SequenceStarts()
    /// How many records were read, the header apart.
    private var rowNumber = 0
    /// The stream of the row before, which mostly is the next one's too.
    private var stream: (bytes: [UInt8], id: String) = ([], "")

    /// Takes the header.
    ///
    /// - Parameters:
    ///   - header: The first line that is not blank.
    ///   - lines: What follows.
    ///   - layout: What the columns mean.
    ///   - name: What the file is called in messages.
    /// - Throws: ``ClientError`` where the header lacks a column.
    init(header: [UInt8], lines: LineReader, layout: ReadingLayout, name: String) throws(ClientError) {
        self.lines = lines
        self.layout = layout
        self.name = name
        guard record.append(line: header) else {
            throw ClientError(.data, "\(name):\(lines.lineNumber): a quoted name does not end")
        }
        let names = (0..<record.count).map { [record] in record[$0].trimmed }
        columns = try CSVColumns(names: names, layout: layout, place: "\(name):\(lines.lineNumber)")
    }

    var byteCount: Int { lines.byteCount }
    var wouldWait: Bool { lines.wouldWait }
    var place: String { "\(name):\(lines.lineNumber)" }

    /// Reads the next record; nil at the end.
    mutating func next() throws(ClientError) -> Reading? {
        guard try readRecord() else { return nil }
        guard record.count == columns.count else {
            throw ClientError(
                .data, "\(place): \(Quantity.count(record.count, of: "field")) where the header has \(columns.count)")
        }
        rowNumber += 1
        var reading = try timesteps(of: try streamID())
        if let sequence = columns.sequence,
            starts.isStart(stream: reading.stream, value: record.fieldBytes(sequence))
        {
            reading.flags.insert(.start)
        }
        if let label = columns.label, !record.fieldBytes(label).isBlank { reading.label = try number(label) }
        return reading
    }

    /// A row's one timestep, or the whole sequence that it has in letters.
    private func timesteps(of id: String) throws(ClientError) -> Reading {
        if let alphabet = layout.alphabet {
            let tokens = try alphabet.tokens(of: record[columns.values[0]], place: place)
            return Reading(stream: id, values: tokens, timesteps: tokens.count, flags: [.start, .end])
        }
        var values: [Float] = []
        values.reserveCapacity(columns.values.count)
        for column in columns.values { values.append(try number(column)) }
        return Reading(stream: id, values: values)
    }

    private func number(_ column: Int) throws(ClientError) -> Float {
        guard let value = record.number(column) else {
            throw ClientError(
                .data, "\(place): '\(record[column])' in column '\(columns[column])' is not a finite number")
        }
        return value
    }

    /// Reads lines until a record is complete, blank ones left out.
    private mutating func readRecord() throws(ClientError) -> Bool {
        record.removeAll()
        var firstLine: Int?
        while true {
            line.removeAll(keepingCapacity: true)
            guard try lines.next(into: &line) else {
                if let firstLine { throw ClientError(.data, "\(name):\(firstLine): a quoted field does not end") }
                return false
            }
            if firstLine == nil, line.isBlank { continue }
            firstLine = firstLine ?? lines.lineNumber
            if record.append(line: line) { return true }
        }
    }

    private mutating func streamID() throws(ClientError) -> String {
        // Without a column only sequences in letters come here, each in a row of its own.
        guard let column = columns.stream else { return layout.stream ?? "\(rowNumber)" }
        if !stream.id.isEmpty, record.field(column, isEqualTo: stream.bytes) { return stream.id }
        let bytes = record.fieldBytes(column)
        // Repaired, two ids might become one.
        guard let id = String(validating: bytes, as: UTF8.self) else {
            throw ClientError(.data, "\(place): the stream id '\(record[column])' is not UTF-8")
        }
        try ReadingSource.check(id, place: place)
        stream = (bytes, id)
        return id
    }
}

extension String {
    /// Without blanks at either end, and without the mark that some programs put before a file's first name.
    fileprivate var trimmed: String {
        var text = self[...]
        while let first = text.unicodeScalars.first, first == "\u{FEFF}" || first == " " || first == "\t" {
            text.unicodeScalars.removeFirst()
        }
        while let last = text.unicodeScalars.last, last == " " || last == "\t" { text.unicodeScalars.removeLast() }
        return String(text)
    }
}

extension [UInt8] {
    /// Whether a line has nothing in it.
    var isBlank: Bool { allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D } }
}
