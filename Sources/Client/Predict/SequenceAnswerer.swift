import Recurrent

/// Which of a sequence's answers are asked for.
public enum PredictedAnswers: Sendable {
    /// The answer to the whole sequence.
    case last
    /// The answer after each timestep. Only from a model that is causal.
    case every
}

/// Answers sequences one after another and writes the answers down. One owner, one thread.
struct SequenceAnswerer {
    /// What has come of one batch of sequences.
    struct Batch: Sendable {
        /// The answers as lines.
        var text: [UInt8] = []
        /// The last answers beside their labels.
        var evaluation = Evaluation()
        /// How many timesteps were answered.
        var timesteps = 0
    }

    /// What is made of each sequence.
    struct Options: Sendable {
        /// Which answers are written.
        var answers: PredictedAnswers
        /// How they are written; nil: not at all.
        var text: PredictionText?
        /// What the labels are compared by; nil: they are set aside.
        var loss: Loss?
    }

    private enum Engine {
        case last(SequenceRunner)
        case every(StatePool, row: Int)
    }

    private let engine: Engine
    private let options: Options

    /// An answerer with memory of its own.
    init(model: Model, options: Options) {
        self.options = options
        switch options.answers {
        case .last: engine = .last(SequenceRunner(model: model))
        case .every:
            let pool = StatePool(model: model)
            engine = .every(pool, row: pool.insert())
        }
    }

    /// Answers some sequences, each from the zero state.
    ///
    /// - Throws: ``ClientError`` where an answer cannot be written.
    func batch(of sequences: ArraySlice<RecordedSequence>) throws(ClientError) -> Batch {
        var batch = Batch()
        for sequence in sequences {
            batch.timesteps += sequence.timesteps
            switch engine {
            case .last(let runner):
                try add(runner.output(for: sequence.values.span), step: sequence.timesteps, of: sequence, to: &batch)
            case .every(let pool, let row):
                pool.reset(row)
                for index in 0..<sequence.timesteps {
                    pool.step(row, inputs: sequence.values.span, index: index)
                    try add(pool.outputs(of: row), step: index + 1, of: sequence, to: &batch)
                }
            }
        }
        return batch
    }

    private func add(
        _ probabilities: Span<Float>, step: Int, of sequence: RecordedSequence, to batch: inout Batch
    ) throws(ClientError) {
        try options.text?.append(probabilities, stream: sequence.stream, step: step, to: &batch.text)
        if step == sequence.timesteps, let loss = options.loss, let label = sequence.label {
            batch.evaluation.add(probabilities, label: label, loss: loss)
        }
    }
}
