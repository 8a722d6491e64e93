/// How the log is written.
public enum LogFormat: String, CaseIterable, Sendable {
    /// A line for people.
    case text
    /// One JSON object a line.
    case json
}
