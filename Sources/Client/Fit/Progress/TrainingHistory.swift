package import Training

/// The metrics of a training run, epoch by epoch, with the names that Keras' `History` uses.
package struct TrainingHistory: Sendable {
    /// One column of the history.
    private struct Column: Sendable {
        let name: String
        let value: @Sendable (EpochResult) -> Double?
    }

    /// A metric that is computed for both the training set and the validation set.
    private struct Metric: Sendable {
        let name: String
        let value: @Sendable (BatchResult) -> Double?
    }

    /// The file format of a history.
    package enum Format: String, Sendable {
        /// Comma-separated values, one line for each epoch.
        case csv
        /// A JSON object with one array for each column.
        case json

        /// Determines the format from a file name's extension; nil if the extension is unknown.
        package init?(path: String) {
            guard let end = path.split(separator: ".").last else { return nil }
            self.init(rawValue: end.lowercased())
        }
    }

    private var columns: [Column]
    /// The epochs so far.
    package private(set) var epochs: [EpochResult] = []

    /// Creates a history without epochs.
    ///
    /// - Parameters:
    ///   - isClassifier: Whether labels are classes, which can be right or wrong.
    ///   - isBinary: Whether the only output is the probability of class 1.
    ///   - isValidated: Whether the model is validated after each epoch.
    package init(isClassifier: Bool, isBinary: Bool, isValidated: Bool) {
        var metrics = [Metric(name: "loss") { $0.loss }]
        if isClassifier { metrics.append(Metric(name: "accuracy") { $0.accuracy }) }
        if isBinary {
            metrics += [
                Metric(name: "auc") { $0.tally.areaUnderCurve }, Metric(name: "precision") { $0.tally.precision },
                Metric(name: "recall") { $0.tally.recall },
            ]
        }
        columns = metrics.map { metric in Column(name: metric.name) { metric.value($0.training) } }
        if isValidated {
            columns += metrics.map { metric in
                Column(name: "val_\(metric.name)") { $0.validation.flatMap(metric.value) }
            }
        }
        columns.append(Column(name: "learning_rate") { $0.learningRate })
    }

    /// Appends an epoch.
    package mutating func append(_ epoch: EpochResult) { epochs.append(epoch) }

    /// Returns the metrics of an epoch. A value is nil if it is missing.
    func values(of epoch: EpochResult) -> [(name: String, value: Double?)] {
        columns.map { ($0.name, $0.value(epoch)) }
    }

    /// The first line of the history as CSV.
    package var header: String { (["epoch"] + columns.map(\.name)).joined(separator: ",") }

    /// Returns the CSV line of an epoch. The field of a missing value is empty.
    package func line(of epoch: EpochResult) -> String {
        (["\(epoch.epoch)"] + columns.map { column in column.value(epoch).map { "\($0)" } ?? "" })
            .joined(separator: ",")
    }

    /// Returns the history as the text of a file.
    package func text(_ format: Format) throws(ClientError) -> String {
        switch format {
        case .csv: ([header] + epochs.map { line(of: $0) }).map { $0 + "\n" }.joined()
        case .json: try json + "\n"
        }
    }

    private var json: String {
        get throws(ClientError) {
            var series: [String: [Double?]] = ["epoch": epochs.map { Double($0.epoch) }]
            for column in columns {
                // JSON has no NaN.
                series[column.name] = epochs.map { epoch in column.value(epoch).flatMap { $0.isFinite ? $0 : nil } }
            }
            return try JSONText.line(of: series)
        }
    }
}
