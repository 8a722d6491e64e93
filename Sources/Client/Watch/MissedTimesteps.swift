import Wire

/// The timesteps that were missed during an interruption. In each stream, they lie between the last sequence number
/// before the interruption and the first one after it.
struct MissedTimesteps {
    /// The maximum number of streams that a report names.
    private static let namedStreams = 5

    /// The finding about one stream after an interruption: missed timesteps, or a step back.
    private enum Passage {
        case missed(ClosedRange<UInt64>, hasGap: Bool)
        /// The stream continued from an earlier timestep or started over.
        case wentBack(from: UInt64, to: UInt64)
    }

    /// Returns whether every timestep of a stream leads to a decision. If so, each missed timestep is a missed
    /// decision.
    private let decidesAll: (String) -> Bool
    private var last: [StreamKey: UInt64] = [:]
    private var interrupted: Set<StreamKey> = []
    private var found: [StreamKey: Passage] = [:]

    init(decidesAll: @escaping (String) -> Bool) { self.decidesAll = decidesAll }

    /// Records an interruption. Decisions may be missing before the next decision on each stream.
    mutating func interrupt() { interrupted = Set(last.keys) }

    /// Adds a stream's next decisions.
    mutating func add(_ decisions: [Decision], stream: String) {
        guard let first = decisions.first, let end = decisions.last else { return }
        let key = StreamKey(stream)
        if !interrupted.isEmpty, interrupted.remove(key) != nil, let last = last[key] {
            // A replayed decision was itself missed, because it was published before the subscription. Any other
            // decision is the stream's first one after the interruption.
            let passed = first.flags.contains(.replayed) ? first.sequence : first.sequence - min(first.sequence, 1)
            if passed > last {
                found[key] = .missed(last + 1...passed, hasGap: first.flags.contains(.gap))
            } else if first.sequence <= last, !first.flags.contains(.replayed) {
                found[key] = .wentBack(from: last, to: first.sequence)
            }
        }
        last[key] = end.sequence
    }

    /// Whether there is nothing to report.
    var isEmpty: Bool { found.isEmpty }

    /// Returns lines about everything found since the last report.
    mutating func report() -> [String] {
        defer { found.removeAll() }
        var missed: [StreamKey: ClosedRange<UInt64>] = [:]
        // The streams in which the daemon itself missed timesteps, so that some timesteps were never decided on.
        var gaps: Set<StreamKey> = []
        var lines: [String] = []
        for (key, passage) in found.sorted(by: { $0.key < $1.key }) {
            switch passage {
            case .missed(let range, let hasGap):
                missed[key] = range
                if hasGap { gaps.insert(key) }
            case .wentBack(let last, let first):
                if lines.count < Self.namedStreams {
                    lines.append("\(key.id) went back from sequence \(last) to \(first)")
                }
            }
        }
        for isAll in [true, false] {
            let some = missed.filter { (decidesAll($0.key.id) && !gaps.contains($0.key)) == isAll }
            guard !some.isEmpty else { continue }
            let count = some.values.reduce(UInt64(0)) { $0 + UInt64($1.count) }
            let named = some.sorted { $0.key < $1.key }.prefix(Self.namedStreams).map {
                "\($0.key.id) \($0.value.lowerBound) to \($0.value.upperBound)"
            }
            let more =
                some.count > named.count ? ", and \(Quantity.count(some.count - named.count, of: "more stream"))" : ""
            let text =
                isAll
                ? "\(Quantity.count(count, of: "decision")) were missed"
                : "\(Quantity.count(count, of: "timestep")) passed meanwhile"
            lines.append("\(text): \(named.joined(separator: ", "))\(more)")
        }
        return lines
    }
}
