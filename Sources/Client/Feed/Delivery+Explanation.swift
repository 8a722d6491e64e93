import Wire

/// Timesteps that did not arrive, in one line.
extension Delivery {
    /// The most streams that a line names.
    private static let namedStreams = 5

    /// The number of missing timesteps, their streams and the likely reason, in one line.
    static func explain(
        _ pending: [StreamKey: Account], timesteps: UInt64, before: DaemonStatus, after: DaemonStatus
    ) -> String {
        var text: String
        if pending.values.allSatisfy(\.isPaused) {
            let missing = pending.values.reduce(UInt64(0)) { $0 + $1.missing }
            let named = named(pending) { "\($0) is at \($1.reached) of \($1.target) and paused" }
            text =
                "\(Quantity.count(missing)) of \(Quantity.count(timesteps, of: "timestep")) wait in the daemon: "
                + "\(named); sluice resume lets them go on"
        } else {
            text = missing(pending, timesteps: timesteps)
            if after.paused > 0 { text += "; \(Quantity.count(after.paused, of: "stream")) of the daemon's paused" }
        }
        let dropped = after.dropped.compactMap { cause, count in
            let new = count - min(count, before.dropped[cause] ?? 0)
            return new > 0 ? "\(Quantity.count(new)) \(cause)" : nil
        }
        if !dropped.isEmpty { text += "; dropped meanwhile: \(dropped.sorted().joined(separator: ", "))" }
        return text
    }

    /// How many are missing, and from which sequence of which streams.
    static func missing(_ pending: [StreamKey: Account], timesteps: UInt64) -> String {
        let missing = pending.values.reduce(UInt64(0)) { $0 + $1.missing }
        let named = named(pending) {
            "\($0) from sequence \($1.reached + 1) (at \($1.reached) of \($1.target)\($1.isPaused ? ", paused" : ""))"
        }
        return "\(Quantity.count(missing)) of \(Quantity.count(timesteps, of: "timestep")) were not consumed: \(named)"
    }

    /// Timesteps that the daemon has lost and this input cannot give it again.
    static func explain(lost: [StreamKey: ClosedRange<UInt64>]) -> String {
        let missing = lost.values.reduce(UInt64(0)) { $0 + ($1.upperBound - $1.lowerBound + 1) }
        let named = named(lost) { "\($0) from sequence \($1.lowerBound) to \($1.upperBound)" }
        return
            "\(Quantity.count(missing, of: "timestep")) that the daemon had consumed are missing and cannot be sent again: "
            + "\(named); send them, then the rest with --resume or numbers of their own"
    }

    /// Streams that reached their targets otherwise than by this input.
    static func explain(odd: [StreamKey: Account], timesteps: UInt64) -> String {
        let named = named(odd) { id, account in
            let surprises = account.surprises
            let parts = [
                surprises.duplicates > 0 ? "\(Quantity.count(surprises.duplicates)) skipped as duplicates" : nil,
                surprises.gaps > 0 ? Quantity.count(surprises.gaps, of: "unexpected gap") : nil,
            ]
            return "\(id) has \(parts.compactMap(\.self).joined(separator: " and ")) up to sequence \(account.target)"
        }
        return "not all of \(Quantity.count(timesteps, of: "timestep")) were consumed as they were sent: \(named); "
            + "does another producer feed or remove these streams?"
    }

    private static func named<Value>(_ streams: [StreamKey: Value], _ text: (String, Value) -> String) -> String {
        let more = streams.count - min(streams.count, namedStreams)
        return streams.sorted { $0.key < $1.key }.prefix(namedStreams).map { text($0.key.id, $0.value) }
            .joined(separator: ", ") + (more > 0 ? ", and \(Quantity.count(more, of: "more stream"))" : "")
    }
}

extension Delivery.Account {
    /// Timesteps that are to come.
    fileprivate var missing: UInt64 { target - min(target, reached) }
}
