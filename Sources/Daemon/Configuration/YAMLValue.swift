import Yams
import ZeroMQ

/// A value in a YAML file, with its line. Each error names the file and the line.
struct YAMLValue {
    private let node: Node
    private let file: String
    /// The line of the value. If the parser gives no line, the line of the container.
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

    /// Calls a function for each member of a mapping whose keys are fixed, in the order of the file.
    ///
    /// - Parameters:
    ///   - keys: The permitted keys.
    ///   - body: The function. Its arguments are the key and the value.
    /// - Throws: ``DaemonError`` if the value is not a mapping or has an unknown key.
    func forEachMember<Key: RawRepresentable<String> & CaseIterable & Equatable>(
        of keys: Key.AllCases = Key.allCases, _ body: (Key, YAMLValue) throws(DaemonError) -> Void
    ) throws(DaemonError) {
        try forEachNamedMember { key, value throws(DaemonError) in
            let name = try key.text
            guard let known = Key(rawValue: name), keys.contains(known) else {
                let names = keys.map(\.rawValue).joined(separator: ", ")
                throw key.error("unknown key '\(name)'; the keys here are \(names)")
            }
            try body(known, value)
        }
    }

    /// Calls a function for each member of a mapping whose keys are names that the user chooses.
    ///
    /// - Parameter body: The function. Its arguments are the name and the value.
    /// - Throws: ``DaemonError`` if the value is not a mapping.
    func forEachNamedMember(_ body: (YAMLValue, YAMLValue) throws(DaemonError) -> Void) throws(DaemonError) {
        guard let mapping = node.mapping else { throw error("expected a mapping such as 'key: value'") }
        for (keyNode, valueNode) in mapping {
            let key = YAMLValue(keyNode, file: file, within: line)
            try body(key, YAMLValue(valueNode, file: file, within: key.line))
        }
    }

    /// The elements of a sequence. A single value counts as a sequence of one.
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

    /// Reads one of the words that `Choice` permits.
    func choice<Choice: RawRepresentable & CaseIterable>() throws(DaemonError) -> Choice
    where Choice.RawValue == String {
        let text = try text
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw error("'\(text)' is not a known value; give one of \(known)")
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
    /// The line and the problem. Errors of Yams name a line; all other errors get line 1.
    var lineAndProblem: String {
        switch self as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            "\(mark.line): \([context?.text, problem].compactMap(\.self).joined(separator: " "))"
        case .reader(let problem, let offset?, _, let yaml):
            "\(1 + yaml.utf8.prefix(offset).count { $0 == UInt8(ascii: "\n") }): \(problem)"
        case .duplicatedKeysInMapping(let keys, let context):
            // Yams reports the line where the mapping begins, not the line of the second key.
            "\(context.mark.line): the mapping that begins here has twice: "
                + keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
        default: "1: \(self)"
        }
    }
}
