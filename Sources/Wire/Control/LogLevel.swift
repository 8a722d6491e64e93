/// The lowest severity that the daemon logs. The cases run from the most output to the least.
public enum LogLevel: String, CaseIterable, Codable, Sendable {
    /// Details for developers of the daemon.
    case trace
    /// Details that help diagnose a fault.
    case debug
    /// The daemon's actions. This is the default.
    case info
    /// Normal but notable events.
    case notice
    /// Events that need an operator's attention.
    case warning
    /// Failures.
    case error
    /// Failures that end the daemon.
    case critical
}
