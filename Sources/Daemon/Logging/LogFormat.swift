/// The format of the log.
public enum LogFormat: String, CaseIterable, Sendable {
    /// One line of text per entry.
    case text
    /// One JSON object per line.
    case json
}
