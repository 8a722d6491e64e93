import Yams

/// The fault in invalid YAML. libyaml names only the unexpected character, so this type looks for common mistakes in
/// that character's line.
struct YAMLFault {
    /// The line number, counted from 1.
    let line: Int
    /// The problem and its remedy.
    let problem: String

    /// Finds the fault.
    ///
    /// - Parameters:
    ///   - error: The parser's error.
    ///   - text: The whole text.
    init(_ error: any Error, in text: String) {
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let words = [context?.text, problem].compactMap(\.self).joined(separator: " ")
            let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
            let found = lines.indices.contains(mark.line - 1) ? String(lines[mark.line - 1]) : ""
            line = mark.line
            self.problem = Self.unquotedValue(in: found) ?? Self.remedy(for: words, line: found)
        case .reader(let problem, let offset?, _, let yaml):
            line = 1 + yaml.utf8.prefix(offset).count { $0 == UInt8(ascii: "\n") }
            self.problem = "the line has a character that YAML does not allow (\(problem)); remove it"
        case .duplicatedKeysInMapping(let keys, let context):
            // Yams reports the line at which the mapping begins, not the line of the second key.
            line = context.mark.line
            problem =
                "the mapping that begins here has twice: " + keys.sorted().map { "'\($0)'" }.joined(separator: ", ")
                + "; keep one of them"
        default:
            line = 1
            problem = "this is not YAML (\(error)); see sluice.yaml in the documentation for an example"
        }
    }

    /// Finds an unquoted value, such as an endpoint, that begins with a character that is special in YAML.
    private static func unquotedValue(in line: String) -> String? {
        let pattern = /(?:([A-Za-z_]+):\s+|[\[{,]\s*|-\s+)([@`%>*&!|][^\s,\]}]+)/
        guard let match = line.firstMatch(of: pattern) else { return nil }
        let (key, value) = (match.1.map(String.init), String(match.2))
        let subject = key.map { "the value of '\($0)'" } ?? "a value"
        return
            "\(subject) begins with \(value.prefix(1)); write it in quotes: \(key.map { "\($0): " } ?? "")\"\(value)\""
    }

    private static func remedy(for words: String, line: String) -> String {
        if line.prefix(while: \.isWhitespace).contains("\t") { return "the line begins with a tab; indent with spaces" }
        if words.contains("expected ',' or") {
            return "a comma is missing, or a bracket is not closed; close it, and write a value with ': ' in quotes"
        }
        if words.contains("quoted scalar") { return "a quote is not closed; close it on its line" }
        if words.contains("mapping values are not allowed") {
            return "the indentation is wrong, or a value has ': '; write such a value in quotes"
        }
        return "this is not YAML (\(words)); check the indentation, and write values with special signs in quotes"
    }
}
