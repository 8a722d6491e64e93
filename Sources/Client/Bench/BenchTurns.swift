/// A round in which the targets take turns. The speed of a shared machine changes from second to second, so the turns
/// are short enough that the changes favour no target.
struct BenchTurns {
    /// The approximate length of the load in one turn, in seconds.
    private static let turnSeconds = 0.25

    private let turns: Int
    private let seconds: Double

    init(_ plan: BenchPlan) {
        turns = max(1, Int((plan.seconds / Self.turnSeconds).rounded()))
        seconds = plan.seconds / Double(turns)
    }

    /// Measures first the throughput and then the latency of all targets.
    ///
    /// - Parameter targets: The targets.
    /// - Returns: One round for each target.
    /// - Throws: ``ClientError`` if a target cannot be reached; `CancellationError`; `ZeroMQError`.
    func round(_ targets: [LoadGenerator]) throws -> [BenchRound] {
        let throughputs = try throughput(of: targets)
        let latencies = try latency(of: targets)
        return zip(throughputs, latencies).map { throughput, latency in
            BenchRound(
                messagesPerSecond: throughput.rate, p50: latency.microseconds(50), p99: latency.microseconds(99),
                p999: latency.microseconds(99.9), lost: throughput.lost + latency.lost)
        }
    }

    private func throughput(of targets: [LoadGenerator]) throws -> [(rate: Double, lost: Int)] {
        let runs = targets.map(ThroughputRun.init)
        let outcome = Result {
            for run in runs { try run.warmUp() }
            for turn in 0..<turns {
                for run in Self.order(runs, turn) { try run.measure(for: seconds) }
            }
        }
        let isMeasured = if case .success = outcome { true } else { false }
        // End every run before throwing any run's error.
        let ends = runs.map { run in Result { try run.end(waits: isMeasured) } }
        let losses = try ends.map { try $0.get() }
        try outcome.get()
        return zip(runs, losses).map { run, lost in (run.messagesPerSecond, lost) }
    }

    private func latency(of targets: [LoadGenerator]) throws -> [LatencyRun] {
        let runs = try targets.map { try LatencyRun($0) }
        for run in runs { try run.connect() }
        var turn = 0
        while runs.contains(where: { !$0.isOver }) {
            for run in Self.order(runs, turn) where !run.isOver { try run.measure() }
            turn += 1
        }
        return runs
    }

    /// Returns the runs in an order that alternates from turn to turn, so that each of two targets goes first equally
    /// often.
    private static func order<Run>(_ runs: [Run], _ turn: Int) -> [Run] {
        turn.isMultiple(of: 2) ? runs : runs.reversed()
    }
}
