/// The result of a batch, or the running mean over several batches.
package struct BatchResult: Sendable {
    /// The mean loss over the labels, before the update. If sequences or classes are weighted, this is the weighted sum
    /// divided by the number of labels.
    package internal(set) var loss = 0.0
    /// The counts of the metrics.
    package internal(set) var tally: MetricTally
    /// The number of sequences.
    package internal(set) var sequences = 0
    /// The number of labels. If it is zero, the model's weights did not change.
    package internal(set) var labelled = 0
    /// Whether the loss and the gradient are finite. If not, the model's weights did not change.
    package internal(set) var isFinite = true
    /// The predictions for each place in the batch, shape (n, outputs), where n is the number of outputs for the
    /// sequence. Empty if they were not requested.
    package internal(set) var predictions: [[Float]] = []

    /// Creates an empty running mean.
    ///
    /// - Parameter hasCurve: Whether to collect counts for the area under the ROC curve.
    package init(hasCurve: Bool = false) { tally = MetricTally(hasCurve: hasCurve) }

    /// The fraction of correct predictions.
    package var accuracy: Double { tally.accuracy }

    /// Adds the result of a part of the batch. Until ``finish(sequences:)`` is called, ``loss`` is a sum.
    mutating func add(part: BatchResult) {
        loss += part.loss
        labelled += part.labelled
        tally.add(part.tally)
        predictions += part.predictions
    }

    mutating func finish(sequences: Int) {
        self.sequences = sequences
        if labelled > 0 { loss /= Double(labelled) }
        isFinite = loss.isFinite
    }

    /// Adds a batch to the running mean. Each batch is weighted by its number of sequences, as in Keras.
    package mutating func add(_ batch: BatchResult) {
        guard batch.labelled > 0 else { return }
        let total = sequences + batch.sequences
        loss += (batch.loss - loss) * Double(batch.sequences) / Double(total)
        sequences = total
        labelled += batch.labelled
        tally.add(batch.tally)
        isFinite = isFinite && batch.isFinite
    }
}
