import Training

/// A table of epochs for a terminal, with one line per epoch. The line of the running epoch is overwritten.
struct EpochTable {
    /// One running or finished epoch.
    struct Row {
        let epoch: Int
        let epochs: Int
        let done: Int
        let all: Int
        /// Sequences per second. A chunk of a sequence counts as one sequence.
        let rate: Double
        let training: BatchResult
        let validation: BatchResult?
    }

    private static let barLength = 12

    private let isClassifier: Bool
    private let isValidated: Bool

    init(isClassifier: Bool, isValidated: Bool) {
        self.isClassifier = isClassifier
        self.isValidated = isValidated
    }

    /// The titles of the columns.
    var header: String {
        let titles =
            ["SAMPLES/S", "LOSS"] + (isClassifier ? ["ACCURACY"] : []) + (isValidated ? ["VAL LOSS"] : [])
            + (isClassifier && isValidated ? ["VAL ACCURACY"] : [])
        return "    EPOCH" + String(repeating: " ", count: Self.barLength + 2) + titles.map(Self.cell).joined()
    }

    /// Returns the line of an epoch.
    func line(_ row: Row) -> String {
        let filled = row.all > 0 ? min(Self.barLength, row.done * Self.barLength / row.all) : 0
        let bar =
            String(repeating: "█", count: filled) + String(repeating: "░", count: Self.barLength - filled)
        var cells = [
            Quantity.count(Int(row.rate.isFinite ? row.rate : 0)), Quantity.fixed(row.training.loss, digits: 4),
        ]
        if isClassifier { cells.append(Quantity.fixed(row.training.accuracy, digits: 4)) }
        if let validation = row.validation {
            cells.append(Quantity.fixed(validation.loss, digits: 4))
            if isClassifier { cells.append(Quantity.fixed(validation.accuracy, digits: 4)) }
        }
        return Self.padded("\(row.epoch)/\(row.epochs)", to: 9) + "  " + bar + cells.map(Self.cell).joined()
    }

    private static func cell(_ text: String) -> String { padded(text, to: max(11, text.count + 1)) }

    private static func padded(_ text: String, to width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
