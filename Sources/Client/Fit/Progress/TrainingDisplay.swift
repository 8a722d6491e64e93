import Training

/// Shows the progress of training on standard output: on a terminal as a table of epochs and a loss curve, otherwise
/// as CSV lines.
struct TrainingDisplay {
    private static let usualColumns = 80

    private var output = StandardStream.output
    private let isTable: Bool
    private var isQuiet: Bool
    private let epochs: Int
    private let table: EpochTable
    private var shown = ContinuousClock.now
    private var epochStart = ContinuousClock.now

    /// Creates a display and shows the column titles.
    ///
    /// - Parameters:
    ///   - history: The history, still without epochs.
    ///   - epochs: The last epoch, counted from 1.
    ///   - table: The table for a terminal.
    ///   - isQuiet: Whether to show nothing.
    init(_ history: TrainingHistory, epochs: Int, table: EpochTable, isQuiet: Bool) {
        self.epochs = epochs
        self.table = table
        self.isQuiet = isQuiet
        isTable = output.isTerminal
        writeLine(isTable ? table.header : history.header)
    }

    /// Writes a line. If the reader has gone away, the training continues without a display.
    private mutating func writeLine(_ line: String) {
        guard !isQuiet else { return }
        do {
            try output.writeLine(line)
        } catch {
            isQuiet = true
        }
    }

    /// Replaces the line of the running epoch.
    private mutating func replaceLine(_ line: String) {
        guard isTable, !isQuiet else { return }
        try? output.write("\r\(line)\u{1B}[K")
    }

    /// Shows the progress after a batch, at most ten times a second.
    mutating func show(_ progress: FitProgress) {
        let now = ContinuousClock.now
        guard isTable, !isQuiet, now - shown >= ProgressMeter.interval else { return }
        shown = now
        let row = EpochTable.Row(
            epoch: progress.epoch, epochs: epochs, done: progress.sequences, all: progress.allSequences,
            rate: Double(progress.sequences) / ((now - epochStart) / .seconds(1)), training: progress.result,
            validation: nil)
        replaceLine(table.line(row))
    }

    /// Shows a finished epoch.
    mutating func show(_ epoch: EpochResult, in history: TrainingHistory) {
        let now = ContinuousClock.now
        defer { epochStart = ContinuousClock.now }
        guard isTable else { return writeLine(history.line(of: epoch)) }
        let row = EpochTable.Row(
            epoch: epoch.epoch, epochs: epochs, done: 1, all: 1,
            rate: Double(epoch.training.sequences) / ((now - epochStart) / .seconds(1)), training: epoch.training,
            validation: epoch.validation)
        replaceLine("")
        writeLine(table.line(row))
    }

    /// Removes the line of an unfinished epoch and draws the loss curve.
    mutating func finish(_ epochs: [EpochResult]) {
        guard isTable else { return }
        replaceLine("")
        let isValidated = epochs.first?.validation != nil
        let curve = LossCurve(
            epochs.map { $0.validation?.loss ?? $0.training.loss }, name: isValidated ? "val_loss" : "loss",
            first: epochs.first?.epoch ?? 1, columns: output.windowSize?.columns ?? Self.usualColumns)
        for line in curve.lines { writeLine(line) }
    }
}
