/// The complete record of one stream, as JSON. `export` returns a record, `import` takes one, and `read_snapshot`
/// returns pages of records.
public struct StreamExport: Codable, Equatable, Sendable {
    /// The stream's id.
    public var stream: String
    /// The name of the stream's model; `import` does not need it.
    public var model: String
    /// The SHA-256 of the weights. The suffix `:sequence` or `:window:LENGTH` marks state that consists of timesteps.
    public var fingerprint: String
    /// The sequence number of the last timestep consumed, counted over the stream's life.
    public var sequence: UInt64
    /// The number of timesteps since the last reset.
    public var step: UInt64
    /// The time of the last timestep in nanoseconds since the Unix epoch.
    public var time: Int64
    /// The label of the last decision; null before the first.
    public var label: UInt8?
    /// Whether the stream has a gap that no published decision has reported yet.
    public var gapPending: Bool
    /// The values of the state, followed by the last outputs: little-endian float32, in base64.
    public var state: String

    /// Creates an export. Each parameter sets the property of the same name.
    public init(
        stream: String, model: String, fingerprint: String, sequence: UInt64, step: UInt64, time: Int64, label: UInt8?,
        gapPending: Bool, state: String
    ) {
        self.stream = stream
        self.model = model
        self.fingerprint = fingerprint
        self.sequence = sequence
        self.step = step
        self.time = time
        self.label = label
        self.gapPending = gapPending
        self.state = state
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case stream, model, fingerprint, sequence, step, time, label
        case gapPending = "gap_pending"
        case state
    }

    /// The names of the JSON members.
    static let members = CodingKeys.allCases.map(\.rawValue)

    /// Writes the export. `label` is always present; it is null before the first decision.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(stream, forKey: .stream)
        try container.encode(model, forKey: .model)
        try container.encode(fingerprint, forKey: .fingerprint)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(step, forKey: .step)
        try container.encode(time, forKey: .time)
        try container.encode(label, forKey: .label)
        try container.encode(gapPending, forKey: .gapPending)
        try container.encode(state, forKey: .state)
    }
}

extension StreamExport {
    /// Creates an export from the members of a JSON object.
    init(_ members: [String: JSONValue]) throws(ControlError) {
        if let name = members.keys.filter({ !Self.members.contains($0) }).min() {
            throw ControlError(
                .invalidParams,
                "a stream has no member '\(name.shortened)'; it has "
                    + Self.members.joined(separator: ", "))
        }
        stream = try Self.string("stream", members)
        try Self.check(stream, "stream")
        model = members["model"] == nil ? "" : try Self.string("model", members)
        fingerprint = try Self.string("fingerprint", members)
        sequence = try Self.unsigned("sequence", members, upTo: .max)
        step = try Self.unsigned("step", members, upTo: .max)
        time = members["time"] == nil ? 0 : Int64(try Self.unsigned("time", members, upTo: UInt64(Int64.max)))
        switch members["label"] {
        case nil, .null: label = nil
        default: label = UInt8(try Self.unsigned("label", members, upTo: UInt64(UInt8.max)))
        }
        switch members["gap_pending"] {
        case nil: gapPending = false
        case .bool(let value): gapPending = value
        default: throw ControlError(.invalidParams, "'gap_pending' must be true or false")
        }
        state = try Self.string("state", members)
    }

    /// The JSON members by name.
    var json: [String: JSONValue] {
        [
            "stream": .string(stream), "model": .string(model), "fingerprint": .string(fingerprint),
            "sequence": JSONValue(sequence), "step": JSONValue(step), "time": .integer(time),
            "label": label.map { .integer(Int64($0)) } ?? .null, "gap_pending": .bool(gapPending),
            "state": .string(state),
        ]
    }

    static func check(_ id: String, _ name: String) throws(ControlError) {
        guard StreamID.isValid(id) else {
            throw ControlError(
                .invalidParams,
                "'\(name)' must be a stream id: 1 to \(StreamID.maximumLength) bytes without control characters and "
                    + "without a leading \(StreamID.reservedPrefix)")
        }
    }

    private static func string(_ name: String, _ members: [String: JSONValue]) throws(ControlError) -> String {
        guard case .string(let value) = members[name] else {
            throw ControlError(.invalidParams, "a stream needs '\(name)', a string")
        }
        return value
    }

    private static func unsigned(
        _ name: String, _ members: [String: JSONValue], upTo limit: UInt64
    ) throws(ControlError) -> UInt64 {
        let value: UInt64? =
            switch members[name] {
            case .integer(let value): UInt64(exactly: value)
            case .unsigned(let value): value
            default: nil
            }
        guard let value, value <= limit else {
            throw ControlError(.invalidParams, "a stream needs '\(name)', a whole number from 0 to \(limit)")
        }
        return value
    }
}

extension JSONValue {
    /// Creates a JSON number in the form that ``JSONValue/read(_:depth:values:)`` returns: an `integer` if the value
    /// fits, otherwise an `unsigned`.
    init(_ value: UInt64) {
        self = Int64(exactly: value).map(JSONValue.integer) ?? .unsigned(value)
    }
}
