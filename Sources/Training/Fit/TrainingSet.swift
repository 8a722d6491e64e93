/// Labelled sequences.
package struct TrainingSet: Sendable {
    /// The width of one timestep of the input; 1 for a token.
    package let features: Int
    /// The width of one label.
    package let targets: Int
    /// Whether each timestep has a label. Otherwise, each sequence has one.
    package let hasLabelPerTimestep: Bool

    /// The inputs of all sequences, shape (timesteps, features).
    private(set) var inputs: [Float] = []
    /// The labels of all sequences, shape (labels, targets).
    private(set) var labels: [Float] = []
    /// The weight of each sequence.
    private(set) var weights: [Float] = []
    /// The sequences in each batch of a stateful model, in the order of the places. Nil if batches follow the order in
    /// the file.
    package var batches: [[Int]]?
    /// The index of each sequence's first timestep, followed by the total number of timesteps.
    private(set) var starts = [0]

    /// Creates a set without sequences. Each parameter sets the property of the same name.
    package init(features: Int, targets: Int = 1, hasLabelPerTimestep: Bool = false) {
        self.features = features
        self.targets = targets
        self.hasLabelPerTimestep = hasLabelPerTimestep
    }

    /// The number of sequences.
    package var count: Int { weights.count }

    /// Returns the number of timesteps of a sequence.
    package func timesteps(of sequence: Int) -> Int { starts[sequence + 1] - starts[sequence] }

    /// Appends a sequence.
    ///
    /// - Parameters:
    ///   - inputs: Shape (timesteps, features), at least one timestep.
    ///   - labels: Shape (targets), or (timesteps, targets) if each timestep has a label. A NaN means that there is no
    ///     label: the timestep changes the state, but adds no loss.
    ///   - weight: The factor of the sequence's loss.
    package mutating func append(inputs: [Float], labels: [Float], weight: Float = 1) {
        let steps = inputs.count / features
        precondition(steps > 0 && inputs.count == steps * features)
        precondition(labels.count == (hasLabelPerTimestep ? steps : 1) * targets)
        self.inputs += inputs
        self.labels += labels
        weights.append(weight)
        starts.append(starts[starts.count - 1] + steps)
    }

    /// Returns a set of the given sequences, in the given order.
    package func part(_ sequences: some Sequence<Int>) -> TrainingSet {
        var part = TrainingSet(features: features, targets: targets, hasLabelPerTimestep: hasLabelPerTimestep)
        for sequence in sequences {
            let steps = starts[sequence]..<starts[sequence + 1]
            let rows = hasLabelPerTimestep ? steps : sequence..<sequence + 1
            part.append(
                inputs: Array(inputs[steps.lowerBound * features..<steps.upperBound * features]),
                labels: Array(labels[rows.lowerBound * targets..<rows.upperBound * targets]),
                weight: weights[sequence])
        }
        return part
    }

    /// Returns the same sequences with transformed inputs.
    package func mapInputs(_ transform: (Float) -> Float) -> TrainingSet {
        var set = self
        set.inputs = inputs.map(transform)
        return set
    }

    /// Splits off the last sequences for validation, like Keras' `validation_split`. Of n sequences, the first
    /// ⌊n (1 − validation)⌋ remain for training.
    package func split(validation: Double) -> (training: TrainingSet, validation: TrainingSet) {
        let first = Int((Double(count) * (1 - validation)).rounded(.down))
        return (part(0..<first), part(first..<count))
    }

    /// Whether any sequence has a label.
    package var hasLabels: Bool { labels.contains { !$0.isNaN } }

    /// The label that all sequences share, if labels are single numbers. Nil if the labels differ or there are none.
    package var onlyLabel: Float? {
        guard targets == 1, let first = labels.first(where: { !$0.isNaN }) else { return nil }
        return labels.allSatisfy { $0.isNaN || $0 == first } ? first : nil
    }

    /// Returns the label of a timestep within a sequence; nil if there is none.
    func label(_ sequence: Int, _ timestep: Int) -> ArraySlice<Float>? {
        let row = (hasLabelPerTimestep ? starts[sequence] + timestep : sequence) * targets
        return labels[row].isNaN ? nil : labels[row..<row + targets]
    }
}

/// The sequences of a set that contribute to one update.
package struct Batch: Sendable {
    /// The set, held in one object that all copies of the batch share. Without the object, each copy of the batch would
    /// retain every array of the set.
    private final class Shared: Sendable {
        let set: TrainingSet

        init(_ set: TrainingSet) { self.set = set }
    }

    private let shared: Shared
    package var set: TrainingSet { shared.set }
    /// The sequences, one for each place in the batch. For a stateful model, a place keeps its state from batch to
    /// batch.
    package let sequences: [Int]
    /// The timesteps of each sequence; nil for all.
    package private(set) var timesteps: Range<Int>?

    /// Selects sequences of a set.
    package init(_ set: TrainingSet, _ sequences: some Sequence<Int>, timesteps: Range<Int>? = nil) {
        shared = Shared(set)
        self.sequences = Array(sequences)
        self.timesteps = timesteps
    }

    /// Returns a batch of the same sequences with only some of the timesteps.
    func chunk(_ timesteps: Range<Int>) -> Batch {
        var chunk = self
        chunk.timesteps = timesteps
        return chunk
    }

    /// Returns whether any sequence has a label that counts. Otherwise, the batch does not change the weights.
    ///
    /// - Parameter onlyLast: Whether only the label of the last timestep counts.
    /// - Returns: Whether there is a label that counts.
    func hasLabel(onlyLast: Bool) -> Bool {
        sequences.indices.contains { place in
            let steps = range(at: place)
            let counted = onlyLast ? steps.suffix(1) : steps
            return counted.contains { set.label(sequences[place], $0) != nil }
        }
    }

    /// Returns the timesteps of the sequence at a place; empty if the sequence ends earlier.
    func range(at place: Int) -> Range<Int> {
        let all = 0..<set.timesteps(of: sequences[place])
        return timesteps?.clamped(to: all) ?? all
    }
}
