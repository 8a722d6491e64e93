/// The least that the daemon logs, from all to next to nothing.
public enum LogLevel: String, CaseIterable, Codable, Sendable {
    /// For looking into the daemon itself.
    case trace
    /// What helps to find a fault.
    case debug
    /// What the daemon does: the default.
    case info
    /// What is as it should be, but worth a look.
    case notice
    /// What an operator should see to.
    case warning
    /// What has failed.
    case error
    /// What ends the daemon.
    case critical
}
