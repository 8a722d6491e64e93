import Dispatch
import Recurrent
import Synchronization

/// Sequences, cut into batches that threads take one after another. How they are cut depends on the sequences and the
/// model alone, so that neither answers nor sums of losses depend on the number of threads.
struct WorkSharing {
    /// Multiplications that are work enough for one batch: some milliseconds.
    static let usualBatch = 1 << 23
    /// Batches of one round for each thread: enough for a thread that is done early to take over others' work.
    private static let batchesPerJob = 4

    private let sequences: [RecordedSequence]
    private let model: Model
    private let options: SequenceAnswerer.Options
    private let jobs: Int
    /// The batches not yet answered.
    private var rest: ArraySlice<Range<Int>>

    /// Cuts the sequences into batches.
    ///
    /// - Parameters:
    ///   - sequences: What is to be answered.
    ///   - model: What answers them.
    ///   - options: What is made of each.
    ///   - jobs: How many threads there are, at least 1.
    ///   - batch: Multiplications of one batch, or of one sequence where that has more.
    init(
        _ sequences: [RecordedSequence], model: Model, options: SequenceAnswerer.Options, jobs: Int,
        batch: Int = usualBatch
    ) {
        self.sequences = sequences
        self.model = model
        self.options = options
        self.jobs = jobs
        // A timestep has about one multiplication for each weight; of an embedding it takes a row and has none.
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

    /// Has the next batches answered, on all threads at once.
    ///
    /// - Returns: What has come of each, in order; empty after the last.
    /// - Throws: ``ClientError``, the first in the order of the batches.
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
