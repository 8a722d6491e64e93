import Recurrent
import Training

/// The split of labelled sequences into training sequences and held-out sequences.
///
/// The same fraction of each class is held out, rounded to whole sequences. A seeded shuffle chooses these sequences.
struct HeldOutPart: Equatable {
    /// The indices of the training sequences, in ascending order.
    let training: [Int]
    /// The indices of the held-out sequences, in ascending order.
    let heldOut: [Int]

    /// Splits sequences.
    ///
    /// - Parameters:
    ///   - labels: The class of each sequence.
    ///   - part: The fraction of each class to hold out, between 0 and 1.
    ///   - seed: The seed of the shuffle.
    ///   - name: The name of the file, for messages.
    /// - Throws: ``ClientError`` with the status `data` if a class would be missing from one side of the split.
    init(labels: [Float], part: Double, seed: UInt64, name: String) throws(ClientError) {
        var random = SplitMix64(seed: seed)
        var judges: Set<Int> = []
        for label in Set(labels).sorted() {
            var sequences = labels.indices.filter { labels[$0] == label }
            let count = Int((Double(sequences.count) * part).rounded())
            guard count > 0, count < sequences.count else {
                let rest = count == 0 ? "to judge the models" : "to train them"
                throw ClientError(
                    .data,
                    "\(name): class \(Quantity.decimal(label)) has \(Quantity.count(sequences.count, of: "sequence")), of "
                        + "which --held-out \(Quantity.decimal(part)) leaves none \(rest); give another part or more data"
                )
            }
            sequences.shuffle(by: &random)
            judges.formUnion(sequences.prefix(count))
        }
        training = labels.indices.filter { !judges.contains($0) }
        heldOut = labels.indices.filter(judges.contains)
    }
}
