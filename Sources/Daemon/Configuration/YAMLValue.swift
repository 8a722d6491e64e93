import Foundation
import Wire
import Yams
import ZeroMQ

/// A value in a YAML file, with its line. Every error names the file and the line.
struct YAMLValue {
    private let node: Node
    private let file: String
    /// The line of the value, or of its container if the parser reports no line.
    private let line: Int
    /// The key that the value belongs to; nil if there is none.
    private let key: String?

    init(_ node: Node, file: String, within line: Int = 1, key: String? = nil) {
        self.node = node
        self.file = file
        self.line = node.mark?.line ?? line
        self.key = key
    }

    func error(_ problem: String) -> DaemonError {
        DaemonError(.configuration, "\(file):\(line): \(problem)")
    }

    /// Returns an error about the value itself. The error also names the key.
    private func valueError(_ problem: String) -> DaemonError { error((key.map { "'\($0)': " } ?? "") + problem) }

    var isMapping: Bool { node.mapping != nil }

    /// Calls a closure for each member of a mapping that has fixed keys, in the order of the file.
    ///
    /// - Parameters:
    ///   - keys: The permitted keys.
    ///   - body: The closure. It receives a key and its value.
    /// - Throws: ``DaemonError`` if the value is not a mapping or has an unknown key.
    func forEachMember<Key: RawRepresentable<String> & CaseIterable & Equatable>(
        of keys: Key.AllCases = Key.allCases, _ body: (Key, YAMLValue) throws(DaemonError) -> Void
    ) throws(DaemonError) {
        try forEachNamedMember { key, value throws(DaemonError) in
            let name = try key.text
            guard let known = Key(rawValue: name), keys.contains(known) else {
                throw key.error(
                    "unknown key '\(name)'; \(Self.advice(for: name, among: keys.map(\.rawValue), "the keys here are"))"
                )
            }
            try body(known, value)
        }
    }

    /// Calls a closure for each member of a mapping whose keys are names that the user chooses.
    ///
    /// - Parameter body: The closure. It receives a name and its value.
    /// - Throws: ``DaemonError`` if the value is not a mapping.
    func forEachNamedMember(_ body: (YAMLValue, YAMLValue) throws(DaemonError) -> Void) throws(DaemonError) {
        guard let mapping = node.mapping else { throw valueError("expected a mapping such as 'key: value'") }
        for (keyNode, valueNode) in mapping {
            let key = YAMLValue(keyNode, file: file, within: line)
            try body(key, YAMLValue(valueNode, file: file, within: key.line, key: keyNode.scalar?.string))
        }
    }

    /// The elements of a sequence. A single value counts as a sequence with one element.
    var elements: [YAMLValue] {
        guard let sequence = node.sequence else { return [self] }
        return sequence.map { YAMLValue($0, file: file, within: line, key: key) }
    }

    var text: String {
        get throws(DaemonError) {
            guard let scalar = node.scalar else { throw valueError("expected a single value, not a list or a mapping") }
            return scalar.string
        }
    }

    /// Reads a path. A relative path is relative to the file's folder.
    func path(_ resolved: (String) -> String) throws(DaemonError) -> String {
        let text = try text
        guard !["", "~", "null"].contains(text) else {
            throw valueError("a path is missing, because YAML takes '\(text)' for nothing; write the path")
        }
        guard !text.hasPrefix("~/") else {
            let home = ProcessInfo.processInfo.environment["HOME"] ?? "/home/NAME"
            throw valueError(
                "'\(text)' begins with ~, which only a shell replaces; write \(home)\(text.dropFirst()), or a path relative "
                    + "to the folder of this file")
        }
        return resolved(text)
    }

    /// Returns all known words, preceded by a suggestion if one of them is similar.
    private static func advice(for word: String, among known: [String], _ introduction: String) -> String {
        (Suggestion.nearest(to: word, among: known).map { "did you mean '\($0)'? " } ?? "")
            + "\(introduction) \(known.joined(separator: ", "))"
    }

    var number: Double {
        get throws(DaemonError) {
            let text = try text
            guard let number = Double(text), number.isFinite else {
                throw valueError("'\(text)' is not a number; write one without a unit, such as 5")
            }
            return number
        }
    }

    var wholeNumber: Int {
        get throws(DaemonError) {
            let text = try text
            guard let number = Int(text) else {
                throw valueError("'\(text)' is not a whole number; write one without a unit, such as 5")
            }
            return number
        }
    }

    /// Reads a whole number within a range.
    func number(in range: ClosedRange<Int>, _ key: some KeySet) throws(DaemonError) -> Int {
        let number = try wholeNumber
        guard range.contains(number) else {
            throw error("'\(key.rawValue)' must be from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    var truth: Bool {
        get throws(DaemonError) {
            switch try text {
            case "true": true
            case "false": false
            case let text: throw valueError("'\(text)' is neither true nor false; write one of them")
            }
        }
    }

    /// Reads one of the raw values of `Choice`.
    func choice<Choice: RawRepresentable & CaseIterable>() throws(DaemonError) -> Choice
    where Choice.RawValue == String {
        let text = try text
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map(\.rawValue)
            throw valueError("'\(text)' is not a known value; \(Self.advice(for: text, among: known, "give one of"))")
        }
        return choice
    }

    func parsed<Value>(_ parse: (String) throws(EndpointError) -> Value) throws(DaemonError) -> Value {
        let text = try text
        do throws(EndpointError) {
            return try parse(text)
        } catch {
            throw valueError(error.description)
        }
    }
}
