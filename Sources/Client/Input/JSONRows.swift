import FoundationEssentials
import Wire

/// Reads timesteps from JSON lines: `{"stream":"s1","values":[0.1],"sequence":7,"start":true,"end":false}`. `values`
/// may be several timesteps. With value columns, the objects have a member for each value instead.
struct JSONRows: RowReader {
    private var lines: LineReader
    private let layout: RowLayout
    private let name: String
    /// The first line, which was read to detect the format.
    private var line: [UInt8]
    private var hasLine = true
    private var starts = SequenceStarts()
    private let decoder = JSONDecoder()

    init(first: [UInt8], lines: LineReader, layout: RowLayout, name: String) {
        line = first
        self.lines = lines
        self.layout = layout
        self.name = name
        if let key = JSONRow.layout { decoder.userInfo[key] = layout }
    }

    var byteCount: Int { lines.byteCount }
    var isDamaged: Bool { lines.isDamaged }
    var wouldWait: Bool { !hasLine && lines.wouldWait }
    var place: String { "\(name):\(lines.lineNumber)" }

    /// Reads the next line that is not blank; nil at the end.
    mutating func next() throws(ClientError) -> InputRow? {
        while !hasLine || line.isBlank {
            line.removeAll(keepingCapacity: true)
            guard try lines.next(into: &line) else { return nil }
            hasLine = true
        }
        hasLine = false
        var (row, sequence) = try parsedRow()
        if let sequence, starts.record(stream: row.stream, value: sequence) { row.flags.insert(.start) }
        return row
    }

    private func parsedRow() throws(ClientError) -> (InputRow, sequence: [UInt8]?) {
        do {
            let json = try decoder.decode(JSONRow.self, from: Data(line))
            try RowSource.check(json.row.stream, place: place)
            return (json.row, json.sequence)
        } catch let error as ClientError {
            throw error
        } catch let DecodingError.keyNotFound(key, _) {
            throw ClientError(.data, "\(place): the member '\(key.stringValue)' is missing")
        } catch let DecodingError.typeMismatch(_, context), let DecodingError.valueNotFound(_, context) {
            throw ClientError(.data, "\(place): \(JSONRow.explain(context))")
        } catch let DecodingError.dataCorrupted(context) {
            // If float32 cannot hold a number, the error has no path either.
            let problem = context.codingPath.isEmpty ? "a number too large for float32" : JSONRow.explain(context)
            let isJSON = (try? JSONDecoder().decode([String: JSONValue].self, from: Data(line))) != nil
            throw ClientError(.data, "\(place): \(isJSON ? problem : "not a JSON object")")
        } catch {
            throw ClientError(.data, "\(place): not a JSON object")
        }
    }
}

/// One line, read with the layout in the decoder's user info.
private struct JSONRow: Decodable {
    static let layout = CodingUserInfoKey(rawValue: "layout")
    private static let ownMembers: Set = ["stream", "values", "sequence", "start", "end"]

    var row = InputRow(stream: "", values: [])
    /// The sequence column's value as text, if there is such a column.
    var sequence: [UInt8]?

    init(from decoder: any Decoder) throws {
        guard let key = Self.layout, let layout = decoder.userInfo[key] as? RowLayout else { return }
        let members = try decoder.container(keyedBy: Name.self)
        let streamName = Name(layout.streamColumn ?? RowLayout.usualStreamColumn)
        if let stream = layout.stream {
            row.stream = stream
        } else {
            row.stream = try members.decode(String.self, forKey: streamName).withoutBlanks
        }
        if let column = layout.sequenceColumn {
            let value = try members.decode(JSONValue.self, forKey: Name(column))
            sequence = Array(try JSONText.line(of: [value]).utf8)
            row.sequenceName = if case .string(let name) = value { name } else { try JSONText.line(of: value) }
        }
        if let label = layout.label {
            row.label =
                label.isRequired
                ? try members.decode(Float.self, forKey: Name(label.name))
                : try members.decodeIfPresent(Float.self, forKey: Name(label.name))
        }
        if let columns = layout.valueColumns {
            row.values = try columns.map { try members.decode(Float.self, forKey: Name($0)) }
            return
        }
        let named = [streamName.stringValue, layout.sequenceColumn, layout.label?.name].compactMap(\.self)
        let known = Self.ownMembers.union(named)
        for key in members.allKeys
        where !known.contains(key.stringValue) && !RowLayout.isNoValue(key.stringValue) {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: members,
                debugDescription: "not a known member; give --values to name the members with the values")
        }
        try readValues(members)
        if layout.sequenceColumn != "sequence" {
            row.sequence = try members.decodeIfPresent(UInt64.self, forKey: Name("sequence")) ?? 0
        }
        if try members.decodeIfPresent(Bool.self, forKey: Name("start")) ?? false { row.flags.insert(.start) }
        if try members.decodeIfPresent(Bool.self, forKey: Name("end")) ?? false { row.flags.insert(.end) }
    }

    /// Reads one timestep, `[0.1]`, or several, `[[0.1], [0.2]]`.
    private mutating func readValues(_ members: KeyedDecodingContainer<Name>) throws {
        let key = Name("values")
        do {
            row.values = try members.decode([Float].self, forKey: key)
        } catch {
            guard let timesteps = try? members.decode([[Float]].self, forKey: key) else { throw error }
            guard Set(timesteps.map(\.count)).count == 1 else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: members, debugDescription: "timesteps of different lengths")
            }
            row.timesteps = timesteps.count
            row.values = timesteps.flatMap(\.self)
        }
        guard !row.values.isEmpty else {
            throw DecodingError.dataCorruptedError(forKey: key, in: members, debugDescription: "no values")
        }
    }

    static func explain(_ context: DecodingError.Context) -> String {
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined()
        return path.isEmpty ? context.debugDescription : "'\(path)': \(context.debugDescription)"
    }

    /// Any member's name.
    struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
