import Yams
import ZeroMQ

/// A value within a YAML file, which knows its line: whatever is wrong with it is said with file and line.
struct YAMLValue {
    private let node: Node
    private let file: String
    /// A value without a place of its own stands where what contains it stands.
    private let line: Int

    init(_ node: Node, file: String, within line: Int = 1) {
        self.node = node
        self.file = file
        self.line = node.mark?.line ?? line
    }

    func error(_ problem: String) -> DaemonError {
        DaemonError(.configuration, "\(file):\(line): \(problem)")
    }

    var isMapping: Bool { node.mapping != nil }

    /// The members of a mapping, in the order of the file.
    ///
    /// - Parameters:
    ///   - keys: The keys that it may have; nil: any.
    ///   - body: Called for each.
    /// - Throws: ``DaemonError`` where it is no mapping, or a key is not known.
    func forEachMember(
        of keys: [String]?, _ body: (String, YAMLValue) throws(DaemonError) -> Void
    ) throws(DaemonError) {
        guard let mapping = node.mapping else { throw error("expected a mapping, as 'key: value'") }
        for (keyNode, valueNode) in mapping {
            let key = YAMLValue(keyNode, file: file, within: line)
            let name = try key.text
            if let keys, !keys.contains(name) {
                throw key.error("unknown key '\(name)'; known here: \(keys.joined(separator: ", "))")
            }
            try body(name, YAMLValue(valueNode, file: file, within: key.line))
        }
    }

    /// The elements of a sequence; what is none stands for itself alone.
    var elements: [YAMLValue] {
        guard let sequence = node.sequence else { return [self] }
        return sequence.map { YAMLValue($0, file: file, within: line) }
    }

    var text: String {
        get throws(DaemonError) {
            guard let scalar = node.scalar else { throw error("expected a single value, not a list or a mapping") }
            return scalar.string
        }
    }

    var number: Double {
        get throws(DaemonError) {
            let text = try text
            guard let number = Double(text), number.isFinite else { throw error("'\(text)' is not a number") }
            return number
        }
    }

    var wholeNumber: Int {
        get throws(DaemonError) {
            let text = try text
            guard let number = Int(text) else { throw error("'\(text)' is not a whole number") }
            return number
        }
    }

    var truth: Bool {
        get throws(DaemonError) {
            switch try text {
            case "true": true
            case "false": false
            case let text: throw error("'\(text)' is neither true nor false")
            }
        }
    }

    /// One of a few words.
    func choice<Choice: RawRepresentable & CaseIterable>() throws(DaemonError) -> Choice
    where Choice.RawValue == String {
        let text = try text
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw error("'\(text)' is not known to this version; it knows \(known)")
        }
        return choice
    }

    func parsed<Value>(_ parse: (String) throws(EndpointError) -> Value) throws(DaemonError) -> Value {
        let text = try text
        do throws(EndpointError) {
            return try parse(text)
        } catch {
            throw self.error(error.description)
        }
    }
}

extension Error {
    /// Yams' errors name a line; others are put on the first.
    var lineAndProblem: String {
        switch self as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            "\(mark.line): \([context?.text, problem].compactMap(\.self).joined(separator: " "))"
        case .reader(let problem, let offset?, _, let yaml):
            "\(1 + yaml.utf8.prefix(offset).count { $0 == UInt8(ascii: "\n") }): \(problem)"
        case .duplicatedKeysInMapping(let keys, let context):
            // Yams tells where the mapping begins, not where the second key stands.
            "\(context.mark.line): the mapping that begins here has twice: "
                + keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
        default: "1: \(self)"
        }
    }
}
