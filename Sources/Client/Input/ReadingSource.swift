import Wire

/// The timesteps of a file, row after row, each as soon as it is there. A row that is wrong ends the source with an
/// error that says file and line.
public struct ReadingSource {
    private enum Rows {
        case csv(CSVReadings)
        case json(JSONReadings)
        case none
    }

    private var rows: Rows

    /// Reads up to the first line that is not blank, and finds out the format where the layout leaves it open.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - layout: Which of a row's fields mean what.
    /// - Throws: ``ClientError`` where the file cannot be read or its header lacks a column.
    public init(_ file: InputFile, layout: ReadingLayout) throws(ClientError) {
        var lines = LineReader(file)
        var line: [UInt8] = []
        repeat {
            line.removeAll(keepingCapacity: true)
            guard try lines.next(into: &line) else {
                rows = .none
                return
            }
        } while line.isBlank
        if line.starts(with: Self.byteOrderMark) { line.removeFirst(Self.byteOrderMark.count) }
        let first = line.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
        switch layout.format ?? (first == UInt8(ascii: "{") ? .jsonl : .csv) {
        case .csv: rows = .csv(try CSVReadings(header: line, lines: lines, layout: layout, name: file.name))
        case .jsonl:
            guard layout.alphabet == nil else {
                throw ClientError(.usage, "--alphabet is for CSV: in JSON lines give the tokens' numbers, [[4],[3]]")
            }
            rows = .json(JSONReadings(first: line, lines: lines, layout: layout, name: file.name))
        }
    }

    /// Reads the next row.
    ///
    /// - Returns: What it says; nil at the end of the file.
    /// - Throws: ``ClientError`` with the status `data` where the row is wrong.
    public mutating func next() throws(ClientError) -> Reading? {
        switch rows {
        case .csv(var readings):
            // Moved out and back, so that the rows are not copied.
            rows = .none
            defer { rows = .csv(readings) }
            return try readings.next()
        case .json(var readings):
            rows = .none
            defer { rows = .json(readings) }
            return try readings.next()
        case .none: return nil
        }
    }

    /// Whether the next row would have to be waited for.
    public var wouldWait: Bool {
        switch rows {
        case .csv(let readings): readings.wouldWait
        case .json(let readings): readings.wouldWait
        case .none: false
        }
    }

    /// Bytes of the rows read so far.
    public var byteCount: Int {
        switch rows {
        case .csv(let readings): readings.byteCount
        case .json(let readings): readings.byteCount
        case .none: 0
        }
    }

    /// The row read last, as `data.csv:17`.
    public var place: String {
        switch rows {
        case .csv(let readings): readings.place
        case .json(let readings): readings.place
        case .none: ""
        }
    }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    static func check(_ stream: String, place: String) throws(ClientError) {
        guard StreamID.isValid(stream) else {
            throw ClientError(.data, "\(place): \(ReadingLayout.notAnID(stream))")
        }
    }
}
