#if Cluster
import FoundationEssentials
import Wire

/// The members of an answer of JetStream that is not an error.
struct JetStreamAnswer {
    private let members: [String: JSONValue]
    /// The name of the answer for errors, such as "a stream's state".
    private let expected: String

    /// Reads an answer.
    ///
    /// - Throws: ``JetStreamError`` if the answer is an error, or is not JSON.
    init(_ payload: Span<UInt8>, _ expected: String) throws(JetStreamError) {
        // A stream's state may list 100,000 subjects.
        guard let members = (try? JSONValue.read(payload, depth: 16, values: 500_000))?.members else {
            throw .badAnswer(expected)
        }
        if let error = members["error"]?.members {
            throw JetStreamError(
                status: error["code"].flatMap(Int.init(json:)) ?? 0,
                code: error["err_code"].flatMap(Int.init(json:)) ?? 0,
                problem: error["description"].flatMap(String.init(json:)) ?? "refused without a reason")
        }
        self.members = members
        self.expected = expected
    }

    private init(_ members: [String: JSONValue], _ expected: String) {
        self.members = members
        self.expected = expected
    }

    func number(_ name: String) throws(JetStreamError) -> UInt64 {
        guard let value = optionalNumber(name) else { throw .badAnswer(expected) }
        return value
    }

    func optionalNumber(_ name: String) -> UInt64? {
        switch members[name] {
        case .integer(let value): UInt64(exactly: value)
        case .unsigned(let value): value
        default: nil
        }
    }

    /// Returns a limit; nil if there is no limit, which JetStream writes as −1 or leaves out.
    func limit(_ name: String) -> Int64? {
        if case .integer(let value)? = members[name], value > 0 { value } else { nil }
    }

    func string(_ name: String) throws(JetStreamError) -> String {
        guard let value = optionalString(name) else { throw .badAnswer(expected) }
        return value
    }

    func optionalString(_ name: String) -> String? { members[name].flatMap(String.init(json:)) }

    func strings(_ name: String) -> [String] {
        if case .array(let values)? = members[name] { values.compactMap(String.init(json:)) } else { [] }
    }

    func bool(_ name: String) -> Bool { members[name] == .bool(true) }

    func optionalObject(_ name: String) -> JetStreamAnswer? {
        members[name]?.members.map { JetStreamAnswer($0, expected) }
    }

    func object(_ name: String) throws(JetStreamError) -> JetStreamAnswer {
        guard let value = optionalObject(name) else { throw .badAnswer(expected) }
        return value
    }

    func objects(_ name: String) -> [JetStreamAnswer] {
        guard case .array(let values)? = members[name] else { return [] }
        return values.compactMap { $0.members.map { JetStreamAnswer($0, expected) } }
    }

    /// Returns the members of an object whose values are whole numbers.
    func numbers(_ name: String) -> [String: UInt64] {
        guard let object = optionalObject(name) else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: object.members.keys.compactMap { key in object.optionalNumber(key).map { (key, $0) } }
        )
    }

    /// Returns the bytes of a member in base64; empty if there is none.
    func bytes(_ name: String) throws(JetStreamError) -> [UInt8] {
        guard let text = optionalString(name) else { return [] }
        guard let data = Data(base64Encoded: text) else { throw .badAnswer(expected) }
        return Array(data)
    }
}

extension Int {
    fileprivate init?(json value: JSONValue) {
        guard case .integer(let number) = value else { return nil }
        self.init(exactly: number)
    }
}

extension String {
    fileprivate init?(json value: JSONValue) {
        guard case .string(let text) = value else { return nil }
        self = text
    }
}

extension JSONValue {
    /// Creates a number.
    init(_ number: UInt64) {
        self = Int64(exactly: number).map { .integer($0) } ?? .unsigned(number)
    }

    /// The value as JSON, with members sorted by name.
    var jetStreamText: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Only a number that is not finite cannot be written, and no request has one.
        return (try? encoder.encode(self)).map { Array($0) } ?? []
    }
}
#endif
