package import Wire

/// The rates of a daemon, measured between two requests for its status.
package struct StatusRate: Equatable, Sendable {
    /// The time between the two requests, in seconds. It is long enough to measure a rate.
    package static let seconds = 0.5

    private let timesteps: Double
    private let decisions: Double

    /// Creates a rate; nil if the daemon restarted in between.
    package init?(from first: DaemonStatus, to second: DaemonStatus) {
        let seconds = second.uptimeSeconds - first.uptimeSeconds
        guard seconds > 0, second.timesteps >= first.timesteps, second.decisions >= first.decisions else { return nil }
        timesteps = Double(second.timesteps - first.timesteps) / seconds
        decisions = Double(second.decisions - first.decisions) / seconds
    }

    /// The rates as human-readable text.
    var text: String {
        "\(Quantity.count(Int(timesteps.rounded()))) timesteps/s, "
            + "\(Quantity.count(Int(decisions.rounded()))) decisions/s"
    }
}
