/// The result of a comparison.
package struct ComparisonReport: Encodable, Equatable, Sendable {
    /// If the loss decreases by more than this fraction over the last quarter of the epochs, a training run counts as
    /// unfinished.
    private static let unfinished = 0.05

    /// The numbers of training sequences and of held-out sequences.
    package let trainingSequences, heldOutSequences: Int
    package let epochs, seeds: Int
    /// The length of the longest sequence, in timesteps.
    package let longest: Int
    /// The results of the patterns, in the order of `--patterns`, or by number if the option is not given.
    package let patterns: [PatternResult]
    /// The name of the recommended pattern.
    package let take: String
    /// One sentence that gives the reason for the recommendation.
    package let reason: String

    private enum CodingKeys: String, CodingKey {
        case epochs, seeds, patterns, take, reason
        case trainingSequences = "training_sequences"
        case heldOutSequences = "held_out_sequences"
        case longest = "longest_sequence"
    }

    /// Creates a report on at least one pattern.
    init(_ results: [PatternResult], on sequences: ComparedSequences, epochs: Int, seeds: Int) {
        let recommendation = Recommendation(results, longest: sequences.longest)
        trainingSequences = sequences.training.count
        heldOutSequences = sequences.heldOut.count
        self.epochs = epochs
        self.seeds = seeds
        longest = sequences.longest
        patterns = results
        take = recommendation.pattern
        reason = recommendation.sentence
    }

    /// The human-readable report.
    package var lines: [String] { table.lines + [""] + [conditions] + (unfinishedNote.map { [$0] } ?? []) + [reason] }

    /// The table of ``lines`` for the live page.
    var liveTable: LiveProgress.Table { LiveProgress.Table(columns: table.titles, rows: table.rows) }

    private var table: TextTable {
        var table = TextTable([
            .init("PATTERN"), .init("LOSS", .right), .init("ACCURACY", .right), .init("PARAMETERS", .right),
            .init("TRAINING", .right), .init("TIMESTEP", .right), .init("STATE", .right), .init("DECIDES EARLY"),
            .init("AFTER", .right),
        ])
        for result in patterns {
            let spread = seeds > 1 ? " ± \(Quantity.fixed(result.accuracy.deviation, digits: 4))" : ""
            table.append([
                result.pattern, Quantity.fixed(result.loss.mean, digits: 4),
                Quantity.fixed(result.accuracy.mean, digits: 4) + spread, Quantity.count(result.parameters),
                Quantity.duration(result.trainingSeconds), "\(Quantity.fixed(result.nanoseconds, digits: 0)) ns",
                Quantity.bytes(result.stateBytes), result.decisions.rawValue,
                "\(result.settled ?? longest) of \(longest)",
            ])
        }
        return table
    }

    private var conditions: String {
        "\(Quantity.count(trainingSequences, of: "sequence")) trained each pattern for "
            + "\(Quantity.count(epochs, of: "epoch")), and \(heldOutSequences) others judged it"
            + (seeds > 1 ? ": mean ± standard deviation over \(seeds) seeds" : "")
    }

    /// A note about the patterns whose loss is still falling. More epochs may change the ranking.
    private var unfinishedNote: String? {
        let falling = patterns.filter { result in
            let losses = result.trainingLosses
            guard losses.count >= 4, let last = losses.last else { return false }
            let before = losses[losses.count - 1 - losses.count / 4]
            return (before - last) / before > Self.unfinished
        }
        guard !falling.isEmpty else { return nil }
        return "the training loss of \(falling.map(\.pattern).joined(separator: ", ")) still falls: --epochs "
            + "\(2 * epochs) may change the order"
    }
}
