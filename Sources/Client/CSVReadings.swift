/// Reads timesteps out of comma-separated values whose first record names the columns. A record is one timestep.
struct CSVReadings {
    private var lines: LineReader
    private let layout: ReadingLayout
    private let name: String
    private let columnCount: Int
    private let streamIndex: Int?
    private let sequenceIndex: Int?
    private let valueIndices: [Int]
    private let valueNames: [String]
    private var record = CSVRecord()
    private var line: [UInt8] = []
    private var starts = SequenceStarts()
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
        guard layout.stream != nil || layout.streamColumn != nil else {
            throw ClientError(.usage, "a CSV file needs --stream ID or --stream-column NAME")
        }
        guard record.append(line: header) else {
            throw ClientError(.data, "\(name):\(lines.lineNumber): a quoted name does not end")
        }
        let names = (0..<record.count).map { [record] in record[$0].trimmed }
        let place = "\(name):\(lines.lineNumber)"
        func index(of column: String) throws(ClientError) -> Int {
            guard let index = names.firstIndex(of: column) else {
                throw ClientError(
                    .data, "\(place): there is no column '\(column)'; there are \(names.joined(separator: ", "))")
            }
            guard names.lastIndex(of: column) == index else {
                throw ClientError(.data, "\(place): two columns are named '\(column)'")
            }
            return index
        }
        columnCount = names.count
        var reserved: [Int] = []
        streamIndex = if let column = layout.streamColumn { try index(of: column) } else { nil }
        sequenceIndex = if let column = layout.sequenceColumn { try index(of: column) } else { nil }
        reserved += [streamIndex, sequenceIndex].compactMap(\.self)
        if let columns = layout.valueColumns {
            var indices: [Int] = []
            for column in columns { indices.append(try index(of: column)) }
            valueIndices = indices
        } else {
            valueIndices = names.indices.filter { !reserved.contains($0) }
        }
        guard !valueIndices.isEmpty else { throw ClientError(.data, "\(place): no column is left for the values") }
        valueNames = valueIndices.map { names[$0] }
    }

    var byteCount: Int { lines.byteCount }
    var wouldWait: Bool { lines.wouldWait }
    var place: String { "\(name):\(lines.lineNumber)" }

    /// Reads the next record; nil at the end.
    mutating func next() throws(ClientError) -> Reading? {
        guard try readRecord() else { return nil }
        guard record.count == columnCount else {
            throw ClientError(
                .data, "\(place): \(Quantity.count(record.count, of: "field")) where the header has \(columnCount)")
        }
        let id = try streamID()
        var values: [Float] = []
        values.reserveCapacity(valueIndices.count)
        for (position, index) in valueIndices.enumerated() {
            guard let value = record.number(index) else {
                throw ClientError(
                    .data, "\(place): '\(record[index])' in column '\(valueNames[position])' is not a finite number")
            }
            values.append(value)
        }
        var reading = Reading(stream: id, values: values)
        if let sequenceIndex, starts.isStart(stream: id, value: record.fieldBytes(sequenceIndex)) {
            reading.flags.insert(.start)
        }
        return reading
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
        guard let streamIndex else { return layout.stream ?? "" }
        if !stream.id.isEmpty, record.field(streamIndex, isEqualTo: stream.bytes) { return stream.id }
        let id = record[streamIndex]
        try ReadingSource.check(id, place: place)
        stream = (record.fieldBytes(streamIndex), id)
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
