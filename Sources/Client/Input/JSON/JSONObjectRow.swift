import FoundationEssentials
import Wire

/// A row in the form of a JSON object. The decoder's user info must contain the layout.
struct JSONObjectRow: Decodable {
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
        } else if layout.isWide, layout.numbersSequences {
            row.stream = try members.decodeIfPresent(String.self, forKey: streamName)?.withoutBlanks ?? ""
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
                ? try members.decode(Float?.self, forKey: Name(label.name))
                : try members.decodeIfPresent(Float.self, forKey: Name(label.name))
        }
        if let column = layout.weightColumn { row.weight = try members.decode(Float?.self, forKey: Name(column)) }
        if let columns = layout.valueColumns {
            row.values = try columns.map { try members.decode(Float.self, forKey: Name($0)) }
            return
        }
        let named = [streamName.stringValue, layout.sequenceColumn, layout.label?.name, layout.weightColumn]
            .compactMap(\.self)
        let known = Self.ownMembers.union(named)
        for key in members.allKeys
        where !known.contains(key.stringValue) && !RowLayout.isNoValue(key.stringValue) {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: members,
                debugDescription: "not a known member; give --values to name the members with the values")
        }
        let timesteps = try members.decode(JSONTimesteps.self, forKey: Name("values"))
        row.values = timesteps.values
        row.timesteps = timesteps.count
        if layout.sequenceColumn != "sequence" {
            row.sequence = try members.decodeIfPresent(UInt64.self, forKey: Name("sequence")) ?? 0
        }
        if try members.decodeIfPresent(Bool.self, forKey: Name("start")) ?? false { row.flags.insert(.start) }
        if try members.decodeIfPresent(Bool.self, forKey: Name("end")) ?? false { row.flags.insert(.end) }
    }

    /// A member name, which may be any string.
    struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

/// The values of one timestep, such as `[0.1]`, or of several timesteps, such as `[[0.1], [0.2]]`.
struct JSONTimesteps: Decodable {
    private static let differentLengths = "timesteps of different lengths"
    private static let noValues = "no values"
    /// The descriptions of the errors that this type throws itself.
    static let problems = [differentLengths, noValues]

    /// The values, shape (timesteps, values of a timestep).
    let values: [Float]
    /// The number of timesteps.
    let count: Int
    /// Whether the timesteps are arrays within an array.
    let isNested: Bool

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            values = try container.decode([Float].self)
            count = 1
            isNested = false
        } catch {
            guard let timesteps = try? container.decode([[Float]].self) else { throw error }
            guard Set(timesteps.map(\.count)).count == 1 else {
                throw DecodingError.dataCorruptedError(in: container, debugDescription: Self.differentLengths)
            }
            values = timesteps.flatMap(\.self)
            count = timesteps.count
            isNested = true
        }
        guard !values.isEmpty else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: Self.noValues)
        }
    }
}
