import ModelFiles
import Recurrent

/// The labelled sequences of a file, divided into training sequences and held-out sequences.
struct ComparedSequences: Sendable {
    /// The name of the file, for messages.
    let name: String
    /// The sizes of a model that fits the data. The length is nil unless all sequences have the same length.
    let sizes: PatternSizes
    /// Whether a timestep is a token.
    let takesTokens: Bool
    let training: [RecordedSequence]
    let heldOut: [RecordedSequence]
    /// The length of the longest sequence, in timesteps.
    let longest: Int
    /// The number of sequences left out because they have no label.
    let unlabelled: Int
    /// The bad rows that were skipped.
    let badRows: BadRows

    /// Reads the file.
    ///
    /// - Throws: ``ClientError`` if a row is bad, or if the sequences are not enough to train and evaluate a
    ///   classifier.
    init(_ plan: ComparisonPlan) throws(ClientError) {
        let file = try InputFile(path: plan.input)
        let vocabulary = plan.vocabulary ?? plan.layout.alphabet.map { $0.lastToken + 1 }
        var collector = SequenceCollector(
            features: vocabulary == nil ? plan.features ?? (plan.layout.isWide ? 1 : nil) : 1, vocabulary: vocabulary,
            longest: nil, loss: .binaryCrossEntropy, keepsLabels: true)
        badRows = try collector.read(file, layout: plan.layout, labels: plan.labels, isQuiet: plan.isQuiet)
        guard let first = collector.sequences.first else {
            throw ClientError(.data, "\(file.name): the file has no sequence")
        }
        let sequences = collector.sequences.filter { $0.label != nil }
        let labels = sequences.compactMap(\.label)
        try Self.check(labels, sequences: collector.sequences.count, name: file.name)
        let division = try HeldOutPart(labels: labels, part: plan.heldOut, seed: plan.seed, name: file.name)
        name = file.name
        takesTokens = vocabulary != nil
        unlabelled = collector.sequences.count - sequences.count
        training = division.training.map { sequences[$0] }
        heldOut = division.heldOut.map { sequences[$0] }
        longest = sequences.reduce(0) { max($0, $1.timesteps) }
        var sizes = plan.sizes
        sizes.features = first.values.count / first.timesteps
        sizes.vocabulary = vocabulary ?? sizes.vocabulary
        let length = longest
        sizes.length = sequences.allSatisfy { $0.timesteps == length } ? length : nil
        self.sizes = sizes
    }

    /// Checks that there are labels, more than one sequence and more than one class.
    private static func check(_ labels: [Float], sequences: Int, name: String) throws(ClientError) {
        guard let first = labels.first else { throw LabelledSequences.noLabels(name: name, perTimestep: false) }
        guard sequences > 1 else { throw LabelledSequences.oneSequence(name: name) }
        guard labels.contains(where: { $0 != first }) else { throw LabelledSequences.oneClass(first, name: name) }
    }

    /// The patterns that fit the data.
    var patterns: [ModelPattern] { ModelPattern.allCases.filter { $0.takesTokens == takesTokens } }

    /// Returns the sizes of a pattern's model. A stateful model has no fixed length, because it is called with a few
    /// timesteps at a time.
    func sizes(of pattern: ModelPattern) -> PatternSizes {
        var sizes = sizes
        if pattern == .stateful { sizes.length = nil }
        return sizes
    }
}
