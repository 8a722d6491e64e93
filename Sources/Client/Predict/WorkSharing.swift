import Dispatch
import Recurrent
import Synchronization

/// Divides sequences into batches. Each thread processes one batch at a time. The batches depend only on the sequences
/// and the model, so answers and loss sums are the same for any number of threads.
struct WorkSharing {
    /// The number of multiplications in one batch, which take a few milliseconds.
    static let usualBatch = 1 << 23
    /// The number of batches per thread in one round. With more than one, a thread that finishes early can take work
    /// from others.
    private static let batchesPerJob = 4

    private let sequences: [RecordedSequence]
    private let model: Model
    private let options: SequenceAnswerer.Options
    private let jobs: Int
    /// The unanswered batches.
    private var rest: ArraySlice<Range<Int>>

    /// Divides the sequences into batches.
    ///
    /// - Parameters:
    ///   - sequences: The sequences.
    ///   - model: The model.
    ///   - options: The options for all sequences.
    ///   - jobs: The number of threads, at least 1.
    ///   - batch: The number of multiplications in one batch. A single sequence may need more.
    init(
        _ sequences: [RecordedSequence], model: Model, options: SequenceAnswerer.Options, jobs: Int,
        batch: Int = usualBatch
    ) {
        self.sequences = sequences
        self.model = model
        self.options = options
        self.jobs = jobs
        // A timestep needs about one multiplication per weight, except in an embedding, which only reads a row.
        let multiplications = model.layers.reduce(0) { $0 + ($1 is Embedding ? 0 : $1.parameters) }
        let enough = max(1, batch / max(1, multiplications))
        var batches: [Range<Int>] = []
        var (start, timesteps) = (0, 0)
        for (index, sequence) in sequences.enumerated() {
            timesteps += sequence.timesteps
            guard timesteps >= enough || index == sequences.count - 1 else { continue }
            batches.append(start..<index + 1)
            (start, timesteps) = (index + 1, 0)
        }
        rest = batches[...]
    }

    /// Answers the next batches on all threads at once.
    ///
    /// - Returns: The results of each batch, in order; empty after the last batch.
    /// - Throws: The first ``ClientError`` in the order of the batches.
    mutating func nextRound() throws(ClientError) -> [SequenceAnswerer.Batch] {
        let round = Array(rest.prefix(Self.batchesPerJob * jobs))
        rest = rest.dropFirst(round.count)
        let next = Atomic(0)
        let results = Mutex([Result<SequenceAnswerer.Batch, ClientError>?](repeating: nil, count: round.count))
        DispatchQueue.concurrentPerform(iterations: min(jobs, round.count)) { [sequences, model, options] _ in
            let answerer = SequenceAnswerer(model: model, options: options)
            while true {
                let index = next.add(1, ordering: .relaxed).oldValue
                guard index < round.count else { return }
                let result = Result { () throws(ClientError) in try answerer.batch(of: sequences[round[index]]) }
                results.withLock { $0[index] = result }
            }
        }
        var batches: [SequenceAnswerer.Batch] = []
        for case let result? in results.withLock({ $0 }) { batches.append(try result.get()) }
        return batches
    }
}
