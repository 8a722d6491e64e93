import Recurrent
import Streams

/// The answers to produce for a sequence.
enum PredictedAnswers: Sendable {
    /// One answer, to the whole sequence.
    case last
    /// One answer to each timestep. A model that is not causal must answer every timestep of a whole sequence.
    case every
    /// One answer to each window of timesteps. Every window starts from the zero state.
    case windows(length: Int, stride: Int)
}

/// Answers sequences in order and writes the answers as text. An answerer has one owner and one thread.
struct SequenceAnswerer {
    /// The results of one batch of sequences.
    struct Batch: Sendable {
        /// The answers as lines.
        var text: [UInt8] = []
        /// The evaluation of the answers that have a label.
        var evaluation = Evaluation()
        /// The number of timesteps answered.
        var timesteps = 0
    }

    /// The options for all sequences.
    struct Options: Sendable {
        /// The answers to write.
        var answers: PredictedAnswers
        /// The format of the answers; nil to write no answers.
        var text: PredictionText?
        /// The threshold of a single output.
        var threshold: ServingPolicy.Threshold
        /// The loss for the labels; nil to ignore labels.
        var loss: Loss?
        /// Whether to compare each answer with the label of its timestep. If not, only the last answer is compared.
        var evaluatesEvery = false
    }

    private enum Engine {
        case last(SequenceRunner)
        case windows(SequenceRunner, length: Int, stride: Int)
        case every(StatePool, row: Int)
        case everyAtEnd(SequenceRunner)
    }

    private let engine: Engine
    private let options: Options

    /// Creates an answerer with its own buffers.
    init(model: Model, options: Options) {
        self.options = options
        switch options.answers {
        case .last: engine = .last(SequenceRunner(model: model))
        case .windows(let length, let stride):
            engine = .windows(SequenceRunner(model: model), length: length, stride: stride)
        case .every where !model.isCausal: engine = .everyAtEnd(SequenceRunner(model: model))
        case .every:
            let pool = StatePool(model: model)
            engine = .every(pool, row: pool.insert())
        }
    }

    /// Answers sequences. Every sequence starts from the zero state.
    ///
    /// - Throws: ``ClientError`` if an answer cannot be written.
    func batch(of sequences: ArraySlice<RecordedSequence>) throws(ClientError) -> Batch {
        var batch = Batch()
        for sequence in sequences {
            batch.timesteps += sequence.timesteps
            var label = 0
            switch engine {
            case .last(let runner):
                try add(
                    runner.output(for: sequence.values.span), step: sequence.timesteps, of: sequence, label: &label,
                    to: &batch)
            case .windows(let runner, let length, let stride):
                let features = sequence.values.count / sequence.timesteps
                for end in Swift.stride(from: length, through: sequence.timesteps, by: stride) {
                    let window = sequence.values.span.extracting((end - length) * features..<end * features)
                    try add(runner.output(for: window), step: end, of: sequence, label: &label, to: &batch)
                }
            case .every(let pool, let row):
                pool.reset(row)
                for index in 0..<sequence.timesteps {
                    pool.step(row, inputs: sequence.values.span, index: index)
                    try add(pool.outputs(of: row), step: index + 1, of: sequence, label: &label, to: &batch)
                }
            case .everyAtEnd(let runner):
                let outputs = runner.everyOutput(for: sequence.values.span)
                let width = outputs.count / sequence.timesteps
                for index in 0..<sequence.timesteps {
                    try add(
                        outputs.extracting(index * width..<(index + 1) * width), step: index + 1, of: sequence,
                        label: &label, to: &batch)
                }
            }
        }
        return batch
    }

    private func add(
        _ outputs: Span<Float>, step: Int, of sequence: RecordedSequence, label: inout Int, to batch: inout Batch
    ) throws(ClientError) {
        label = PredictionText.label(for: outputs, threshold: options.threshold, before: label)
        try options.text?.append(outputs, label: label, step: step, of: sequence, to: &batch.text)
        if let loss = options.loss, let expected = expectation(of: sequence, step: step) {
            batch.evaluation.add(outputs, label: expected, decided: label, loss: loss)
        }
    }

    /// Returns the label with which to compare an answer; nil if there is no such label.
    private func expectation(of sequence: RecordedSequence, step: Int) -> Float? {
        guard options.evaluatesEvery else { return step == sequence.timesteps ? sequence.label : nil }
        let label = sequence.labels[step - 1]
        return label.isNaN ? nil : label
    }
}
