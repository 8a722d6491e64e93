/// The order in which a stateful model is trained on the sequences of several streams.
///
/// A lane is a place of the batch that keeps its state from one batch to the next. All sequences of a stream are in one
/// lane, in order, so that the state of the lane is the state of the stream:
///
///     lane 0:  | a1 | a2 | a3 | c1 |
///     lane 1:  | b1 | b2 |
///                ^ one batch
struct StreamLanes {
    /// The sequences of each batch, in order. The first sequence of a batch is in the first lane.
    let batches: [[Int]]
    /// The stream whose sequences come first in each lane.
    let streams: [String]

    /// Gives each stream to the lane with the fewest sequences.
    ///
    /// - Parameters:
    ///   - streams: The stream of each sequence.
    ///   - count: The number of lanes, at least 1. There are never more than streams.
    init(of streams: [String], count: Int) {
        var sequences: [String: [Int]] = [:]
        var names: [String] = []
        for (sequence, stream) in streams.enumerated() {
            if sequences[stream] == nil { names.append(stream) }
            sequences[stream, default: []].append(sequence)
        }
        var lanes = names.prefix(count).map { _ in (streams: [String](), sequences: [Int]()) }
        for name in names {
            let lane = lanes.indices.min { lanes[$0].sequences.count < lanes[$1].sequences.count } ?? 0
            lanes[lane].streams.append(name)
            lanes[lane].sequences += sequences[name] ?? []
        }
        // A lane that ends before others must not be in front of them, because the places of a batch have no holes.
        let order = lanes.indices.sorted {
            (lanes[$1].sequences.count, $0) < (lanes[$0].sequences.count, $1)
        }
        lanes = order.map { lanes[$0] }
        self.streams = lanes.compactMap(\.streams.first)
        batches = (0..<(lanes.first?.sequences.count ?? 0)).map { index in
            lanes.prefix { $0.sequences.count > index }.map { $0.sequences[index] }
        }
    }
}
