import Recurrent

/// The loss and the accuracy of a model on labelled sequences. The daemon's engine computes them, and every sequence
/// starts from the zero state.
struct Judgment: Equatable, Sendable {
    /// The mean loss of the final answers.
    let loss: Double
    /// The fraction of the final answers that are right.
    let accuracy: Double
    /// The accuracy after each number of timesteps, from 1 to the length of the longest sequence; nil if the model
    /// answers only whole sequences. After its end, a shorter sequence keeps its final answer.
    let curve: [Double]?

    /// Runs a model on sequences and compares its answers with the labels.
    ///
    /// - Parameters:
    ///   - model: A model with one output, a probability.
    ///   - sequences: At least one sequence. Every sequence has a label.
    init(of model: Model, on sequences: [RecordedSequence]) {
        let loss = Loss.binaryCrossEntropy
        let longest = sequences.reduce(0) { max($0, $1.timesteps) }
        var rights = [Int](repeating: 0, count: model.isCausal ? longest : 0)
        var (sum, right) = (0.0, 0)
        let runner = SequenceRunner(model: model)
        let pool = StatePool(model: model)
        let row = pool.insert()
        for sequence in sequences {
            let label = sequence.label ?? .nan
            guard model.isCausal else {
                let output = runner.output(for: sequence.values.span)
                sum += loss(output, label: label)
                if loss.isRight(output, label: Int(label)) { right += 1 }
                continue
            }
            pool.reset(row)
            var isRight = false
            for step in 0..<longest {
                if step < sequence.timesteps {
                    pool.step(row, inputs: sequence.values.span, index: step)
                    isRight = loss.isRight(pool.outputs(of: row), label: Int(label))
                }
                if isRight { rights[step] += 1 }
            }
            sum += loss(pool.outputs(of: row), label: label)
            if isRight { right += 1 }
        }
        let count = Double(sequences.count)
        self.loss = sum / count
        accuracy = Double(right) / count
        curve = model.isCausal ? rights.map { Double($0) / count } : nil
    }
}
