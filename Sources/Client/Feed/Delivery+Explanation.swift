import Wire

// Explanations of missing timesteps.
extension Delivery {
    /// The maximum number of streams that an explanation names.
    private static let namedStreams = 5

    /// Returns one line about the missing timesteps, the affected streams and the possible reasons.
    static func explain(
        _ pending: [StreamKey: Account], timesteps: UInt64, before: DaemonStatus, after: DaemonStatus
    ) -> String {
        var text: String
        if pending.values.allSatisfy(\.isPaused) {
            let missing = pending.values.reduce(UInt64(0)) { $0 + $1.missing }
            let named = named(pending) { "\($0) is at \($1.reached) of \($1.target) and paused" }
            text =
                "\(Quantity.count(missing)) of \(Quantity.count(timesteps, of: "timestep")) wait in the daemon: "
                + "\(named); run 'sluice resume' to continue them"
        } else {
            text = missing(pending, timesteps: timesteps)
            if after.paused > 0 { text += "; the daemon has \(Quantity.count(after.paused, of: "paused stream"))" }
        }
        let dropped = after.dropped.compactMap { cause, count in
            let new = count - min(count, before.dropped[cause] ?? 0)
            return new > 0 ? "\(Quantity.count(new)) \(cause)" : nil
        }
        if !dropped.isEmpty { text += "; dropped meanwhile: \(dropped.sorted().joined(separator: ", "))" }
        return text
    }

    /// Describes the missing timesteps: their number, the affected streams, and the first missing sequence numbers.
    static func missing(_ pending: [StreamKey: Account], timesteps: UInt64) -> String {
        let missing = pending.values.reduce(UInt64(0)) { $0 + $1.missing }
        let named = named(pending) {
            "\($0) from sequence \($1.reached + 1) (at \($1.reached) of \($1.target)\($1.isPaused ? ", paused" : ""))"
        }
        return "\(Quantity.count(missing)) of \(Quantity.count(timesteps, of: "timestep")) were not consumed: \(named)"
    }

    /// Returns one line about timesteps that the daemon has lost and that this input cannot repeat.
    static func explain(lost: [StreamKey: ClosedRange<UInt64>]) -> String {
        let missing = lost.values.reduce(UInt64(0)) { $0 + ($1.upperBound - $1.lowerBound + 1) }
        let named = named(lost) { "\($0) from sequence \($1.lowerBound) to \($1.upperBound)" }
        return
            "the daemon lost \(Quantity.count(missing, of: "consumed timestep")) that this input cannot send again: "
            + "\(named); send them from another input, then the rest with --resume or with sequence numbers"
    }

    /// Returns one line about streams with gaps or duplicates that this input does not explain.
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
            + "check whether another producer feeds or removes these streams"
    }

    private static func named<Value>(_ streams: [StreamKey: Value], _ text: (String, Value) -> String) -> String {
        let more = streams.count - min(streams.count, namedStreams)
        return streams.sorted { $0.key < $1.key }.prefix(namedStreams).map { text($0.key.id, $0.value) }
            .joined(separator: ", ") + (more > 0 ? ", and \(Quantity.count(more, of: "more stream"))" : "")
    }
}

extension Delivery.Account {
    /// The number of timesteps that are still missing.
    fileprivate var missing: UInt64 { target - min(target, reached) }
}
