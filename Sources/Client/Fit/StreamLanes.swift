/// The order in which a stateful model is trained on the sequences of several streams.
///
/// A lane is a position in the batch that keeps its state from one batch to the next. All sequences of a stream run in
/// the same lane, in order, so that the state of the lane is the state of the stream:
///
///     lane 0:  | a1 | a2 | a3 | c1 |
///     lane 1:  | b1 | b2 |
///                ^ one batch
struct StreamLanes {
    /// The indices of the sequences in each batch, in lane order.
    let batches: [[Int]]
    /// The first stream of each lane.
    let streams: [String]

    /// Assigns each stream to the lane that has the fewest sequences so far.
    ///
    /// - Parameters:
    ///   - streams: The stream of each sequence.
    ///   - count: The maximum number of lanes, at least 1. There are never more lanes than streams.
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
        // Put longer lanes first, because a batch must have no empty lanes between others.
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
