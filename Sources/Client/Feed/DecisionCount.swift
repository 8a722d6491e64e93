import Wire

/// The number of decisions on the timesteps of a feed.
enum DecisionCount: Equatable {
    /// The number is exact, because the daemon consumed only timesteps of this feed.
    case exact(UInt64)
    /// The number includes decisions on timesteps of other producers.
    case withOthers(UInt64)
    /// The number is unknown, because the daemon was lost during the feed and its successor counts from 0.
    case unknown
    /// There was no decision, for the given reasons.
    case none([String])

    /// Compares the daemon's counts before and after the feed.
    ///
    /// - Parameters:
    ///   - before: The status before the first timestep was sent.
    ///   - after: The status after the last timestep was consumed.
    ///   - consumed: The number of the feed's timesteps that the daemon consumed.
    ///   - models: The models of the feed's streams.
    ///   - hasLostDaemon: Whether the daemon was lost during the feed.
    init(
        before: DaemonStatus, after: DaemonStatus, consumed: UInt64, models: [DaemonStatus.Model], hasLostDaemon: Bool
    ) {
        let decisions = after.decisions &- before.decisions
        if hasLostDaemon {
            self = .unknown
        } else if decisions == 0 {
            let causes = [DropCause.tooLong, .tooShort].filter {
                after.dropped[$0.rawValue] ?? 0 > before.dropped[$0.rawValue] ?? 0
            }
            self = .none(Self.reasons(consumed: consumed, causes: causes, models: models))
        } else {
            self = after.timesteps &- before.timesteps == consumed ? .exact(decisions) : .withOthers(decisions)
        }
    }

    private static func reasons(consumed: UInt64, causes: [DropCause], models: [DaemonStatus.Model]) -> [String] {
        if consumed == 0 { return ["there was no new timestep"] }
        var reasons = causes.contains(.tooLong) ? ["a sequence is longer than the daemon's --max-length"] : []
        if causes.contains(.tooShort) { reasons.append("a sequence has fewer timesteps than the model needs") }
        for reason in models.map(\.reasonForNoDecision) where !reasons.contains(reason) { reasons.append(reason) }
        return reasons
    }
}

extension DecisionCount: CustomStringConvertible {
    var description: String {
        switch self {
        case .exact(let count): "\(Quantity.count(count)) decided"
        case .withOthers(let count): "\(Quantity.count(count)) decided, with those of other producers"
        case .unknown: "not known how many were decided, because the daemon was lost"
        case .none(let reasons): "0 decided: \(reasons.joined(separator: "; "))"
        }
    }
}
