import Wire

/// The form of a heartbeat in the KV store:
///
///     {"version":1,"incarnation":"9f…","beat":7,"presence":"member","partitions":{"serving":[0,3]},…}
///
/// The incarnation is hexadecimal, because many JSON programs round whole numbers above 2⁵³.
extension Heartbeat {
    /// The version of the form. A reader ignores members that it does not know, so only a change that older nodes must
    /// not ignore makes a new version.
    static let version: Int64 = 1
    /// The longest heartbeat that is read, in bytes.
    static let maximumLength = 512 << 10
    /// The maximum number of values in a heartbeat that is read.
    static let maximumValues = 16_384

    /// The heartbeat as JSON.
    package var json: [UInt8] {
        var members: [String: JSONValue] = [
            "version": .integer(Self.version),
            "incarnation": .string(String(incarnation, radix: 16)),
            "beat": .unsigned(beat),
            "presence": .string(presence.rawValue),
            "restarts": .integer(Int64(restarts)),
            "founders": .array(founders.map(JSONValue.string)),
            "partitions": .object(Self.numbers(by: partitions.mapValues(\.rawValue))),
            "refusals": .object(Self.numbers(by: refusals)),
            "standbys": .array(standbys.map { .integer(Int64($0)) }),
            "through": .object(Self.members(through)),
            "lag": .object(Self.members(lags)),
            "program": .string(program),
        ]
        members["control"] = addresses.control.map(JSONValue.string)
        members["http"] = addresses.http.map(JSONValue.string)
        var bytes: [UInt8] = []
        bytes.appendJSON(.object(members))
        return bytes
    }

    /// Reads a heartbeat.
    ///
    /// - Parameters:
    ///   - json: The value in the KV store, which may be anything.
    ///   - node: The node whose heartbeat it should be.
    ///   - partitions: The number of partitions of the cluster.
    /// - Throws: ``HeartbeatError``.
    package init(json: [UInt8], node: String, partitions: Int) throws(HeartbeatError) {
        let reader = try HeartbeatReader(json, node: node, partitions: partitions)
        incarnation = try reader.hexadecimal("incarnation")
        beat = try reader.number("beat")
        presence = try reader.word("presence")
        restarts = Int(clamping: try reader.number("restarts"))
        founders = try reader.names("founders")
        self.partitions = try reader.byPartition("partitions", PartitionState.init(rawValue:))
        refusals = try reader.byPartition("refusals") { $0.shortened }
        standbys = try reader.partitionNumbers("standbys")
        through = try reader.numbersByPartition("through")
        lags = try reader.numbersByPartition("lag")
        addresses = Addresses(control: try reader.text("control"), http: try reader.text("http"))
        program = try reader.text("program") ?? ""
    }

    private static func members(_ numbers: [Int: UInt64]) -> [String: JSONValue] {
        Dictionary(uniqueKeysWithValues: numbers.map { ("\($0)", .unsigned($1)) })
    }

    /// Groups partitions by their values, because most partitions have the same one.
    private static func numbers(by values: [Int: String]) -> [String: JSONValue] {
        Dictionary(grouping: values.keys) { values[$0] ?? "" }
            .mapValues { .array($0.sorted().map { .integer(Int64($0)) }) }
    }
}

/// Reads the members of a heartbeat, each of which may have any type.
private struct HeartbeatReader {
    private let node: String
    private let partitions: Int
    private let members: [String: JSONValue]

    init(_ json: [UInt8], node: String, partitions: Int) throws(HeartbeatError) {
        self.node = node
        self.partitions = partitions
        guard json.count <= Heartbeat.maximumLength else {
            throw HeartbeatError(node: node, problem: "its heartbeat has more than \(Heartbeat.maximumLength) bytes")
        }
        guard let value = try? JSONValue.read(json.span, depth: 3, values: Heartbeat.maximumValues),
            let members = value.members
        else { throw HeartbeatError(node: node, problem: "its heartbeat is not a JSON object") }
        self.members = members
        let version: UInt64 = try number("version")
        guard version == UInt64(Heartbeat.version) else {
            throw HeartbeatError(
                node: node,
                problem: "its heartbeat has version \(version), and this node reads version \(Heartbeat.version); "
                    + "run the same version of sluiced on all nodes")
        }
    }

    func number(_ name: String) throws(HeartbeatError) -> UInt64 { try number(members[name], name) }

    private func number(_ value: JSONValue?, _ name: String) throws(HeartbeatError) -> UInt64 {
        switch value {
        case .integer(let value) where value >= 0: return UInt64(value)
        case .unsigned(let value): return value
        default: throw invalid(name)
        }
    }

    func hexadecimal(_ name: String) throws(HeartbeatError) -> UInt64 {
        guard let text = try text(name), let value = UInt64(text, radix: 16) else { throw invalid(name) }
        return value
    }

    func word<Word: RawRepresentable<String>>(_ name: String) throws(HeartbeatError) -> Word {
        guard let text = try text(name), let word = Word(rawValue: text) else { throw invalid(name) }
        return word
    }

    /// Reads a string that may be missing.
    func text(_ name: String) throws(HeartbeatError) -> String? {
        switch members[name] {
        case nil, .null: return nil
        case .string(let text): return text.shortened
        default: throw invalid(name)
        }
    }

    func names(_ name: String) throws(HeartbeatError) -> [String] {
        var names: [String] = []
        for element in try elements(members[name] ?? .array([]), name) {
            guard case .string(let text) = element, NodeName.isValid(text) else { throw invalid(name) }
            names.append(text)
        }
        return names
    }

    func partitionNumbers(_ name: String) throws(HeartbeatError) -> [Int] {
        try partitionNumbers(members[name] ?? .array([]), name)
    }

    /// Reads an object whose members are partitions, each with a number.
    func numbersByPartition(_ name: String) throws(HeartbeatError) -> [Int: UInt64] {
        guard let numbers = (members[name] ?? .object([:])).members else { throw invalid(name) }
        var values: [Int: UInt64] = [:]
        for (text, value) in numbers {
            guard let partition = Int(text), (0..<partitions).contains(partition) else { throw invalid(name) }
            values[partition] = try number(value, name)
        }
        return values
    }

    /// Reads an object whose members are arrays of partitions. No partition may occur twice.
    func byPartition<Value>(
        _ name: String, _ value: (String) -> Value?
    ) throws(HeartbeatError) -> [Int: Value] {
        guard let groups = (members[name] ?? .object([:])).members else { throw invalid(name) }
        var values: [Int: Value] = [:]
        for (text, numbers) in groups {
            guard let value = value(text) else { throw invalid(name) }
            for number in try partitionNumbers(numbers, name) {
                guard values.updateValue(value, forKey: number) == nil else { throw invalid(name) }
            }
        }
        return values
    }

    private func partitionNumbers(_ value: JSONValue, _ name: String) throws(HeartbeatError) -> [Int] {
        var numbers: [Int] = []
        for element in try elements(value, name) {
            guard case .integer(let number) = element, number >= 0, number < partitions else { throw invalid(name) }
            numbers.append(Int(number))
        }
        return numbers
    }

    private func elements(_ value: JSONValue, _ name: String) throws(HeartbeatError) -> [JSONValue] {
        guard case .array(let elements) = value else { throw invalid(name) }
        return elements
    }

    private func invalid(_ name: String) -> HeartbeatError {
        HeartbeatError(node: node, problem: "\"\(name)\" in its heartbeat is missing or invalid")
    }
}
