import Recurrent

/// The timesteps that the streams of one model keep, and the model's answers to them: for decisions that need all of a
/// sequence or of a window at once.
///
/// Each stream has a row, found by number: a ring of at most `capacity` timesteps, and the last outputs. A ring grows as
/// timesteps come and keeps its memory when it is emptied, so that nothing is allocated once a stream has had its longest
/// sequence. One owner, one thread: whoever holds the buffers.
final class TimestepBuffers {
    private struct Row {
        /// Shape (kept, features).
        var timesteps: [Float] = []
        /// Which of the kept timesteps came first; 0 unless the ring is full.
        var oldest = 0
        /// Shape (outputs).
        var outputs: [Float]
    }

    private let model: Model
    private let capacity: Int
    private let runner: SequenceRunner
    private var rows: [Row] = []
    private var freeRows: [Int] = []
    /// A ring's timesteps from the oldest on. Keeps its memory from answer to answer.
    private var ordered: [Float] = []

    /// Empty buffers.
    ///
    /// - Parameters:
    ///   - model: The weights that every answer is given with.
    ///   - capacity: Timesteps that a stream keeps at most, at least 1.
    init(model: Model, capacity: Int) {
        self.model = model
        self.capacity = capacity
        runner = SequenceRunner(model: model)
    }

    /// Takes over the rows of other buffers, under the same numbers: those of a model with as many features and outputs.
    func takeRows(of other: TimestepBuffers) {
        swap(&rows, &other.rows)
        swap(&freeRows, &other.freeRows)
    }

    /// Gives out a row without timesteps, its outputs zero.
    func insert() -> Int {
        let row = Row(outputs: Array(repeating: 0, count: model.outputs))
        if let free = freeRows.popLast() {
            rows[free] = row
            return free
        }
        rows.append(row)
        return rows.count - 1
    }

    /// Takes a row back with its memory. Its number may be given out again.
    func remove(_ row: Int) {
        rows[row] = Row(outputs: [])
        freeRows.append(row)
    }

    /// Forgets a row's timesteps. The last outputs stay.
    func reset(_ row: Int) {
        rows[row].timesteps.removeAll(keepingCapacity: true)
        rows[row].oldest = 0
    }

    /// How many timesteps a row keeps.
    func count(of row: Int) -> Int { rows[row].timesteps.count / model.features }

    /// Keeps one timestep more, in the oldest one's place where the ring is full.
    ///
    /// - Parameters:
    ///   - row: The stream's row.
    ///   - inputs: Timesteps side by side, shape (n, features).
    ///   - index: Which of the n timesteps to keep.
    func append(_ row: Int, inputs: Span<Float>, index: Int) {
        let features = model.features
        let start = index * features
        guard count(of: row) == capacity else {
            for k in 0..<features { rows[row].timesteps.append(inputs[start + k]) }
            return
        }
        let oldest = rows[row].oldest
        for k in 0..<features { rows[row].timesteps[oldest * features + k] = inputs[start + k] }
        rows[row].oldest = (oldest + 1) % capacity
    }

    /// Runs the model from the zero state over what a row keeps, at least one timestep: its outputs are replaced.
    func answer(_ row: Int) {
        // A sequence stands in order already, and may be long.
        if rows[row].oldest > 0 { putInOrder(row) }
        let timesteps = rows[row].oldest > 0 ? ordered : rows[row].timesteps
        let runner = runner
        let answer = runner.answer(to: timesteps.span)
        for k in answer.indices { rows[row].outputs[k] = answer[k] }
    }

    /// The last answer, shape (outputs).
    func outputs(of row: Int) -> [Float] { rows[row].outputs }

    /// Floats in one answer.
    var outputCount: Int { model.outputs }

    /// The whole row: the timesteps from the oldest on, then the last outputs, shape (kept × features + outputs).
    func values(of row: Int) -> [Float] {
        putInOrder(row)
        return ordered + rows[row].outputs
    }

    /// How many timesteps so many values hold, if they are such as ``values(of:)`` gives; nil where they cannot be.
    func timesteps(in values: Int) -> Int? {
        let kept = values - model.outputs
        return kept >= 0 && kept.isMultiple(of: model.features) ? kept / model.features : nil
    }

    /// Puts a whole row back as ``values(of:)`` gave it.
    func replace(_ row: Int, with values: [Float]) {
        reset(row)
        rows[row].timesteps.append(contentsOf: values.dropLast(model.outputs))
        rows[row].outputs = Array(values.suffix(model.outputs))
    }

    private func putInOrder(_ row: Int) {
        let first = rows[row].oldest * model.features
        ordered.removeAll(keepingCapacity: true)
        ordered.append(contentsOf: rows[row].timesteps[first...])
        ordered.append(contentsOf: rows[row].timesteps[..<first])
    }
}
