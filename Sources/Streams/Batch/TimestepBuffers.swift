import Recurrent

/// The timesteps that the streams of one model keep, and the streams' last outputs. Each of the model's decisions needs
/// a whole sequence or window at once.
///
/// Each stream has a numbered row: a ring of at most `capacity` timesteps, and the last outputs. A ring grows as
/// timesteps are added and keeps its capacity when it is emptied, so it no longer allocates once the stream has had its
/// longest sequence. The buffers have one owner and are used on one thread.
final class TimestepBuffers {
    private struct Row {
        /// Shape (kept, features).
        var timesteps: [Float] = []
        /// The index of the oldest timestep; 0 unless the ring is full.
        var oldest = 0
        /// Shape (outputs).
        var outputs: [Float]
    }

    private let model: Model
    private let capacity: Int
    private let runner: SequenceRunner
    private var rows: [Row] = []
    private var freeRows: [Int] = []
    /// A ring's timesteps, oldest first. The capacity is kept between calls.
    private var ordered: [Float] = []
    /// The outputs that the last call of ``answerEvery(_:)`` computed, at all timesteps of the sequence, shape (kept,
    /// outputs). The capacity is kept between calls.
    private(set) var everyOutput: [Float] = []

    /// Creates empty buffers.
    ///
    /// - Parameters:
    ///   - model: The model that computes all outputs.
    ///   - capacity: The maximum number of timesteps that a stream keeps, at least 1.
    init(model: Model, capacity: Int) {
        self.model = model
        self.capacity = capacity
        runner = SequenceRunner(model: model)
    }

    /// Takes over the rows of other buffers. The rows keep their numbers. Both models must have equal numbers of
    /// features and outputs.
    func takeRows(of other: TimestepBuffers) {
        swap(&rows, &other.rows)
        swap(&freeRows, &other.freeRows)
    }

    /// Adds a row without timesteps and with zero outputs, and returns its number.
    func insert() -> Int {
        let row = Row(outputs: Array(repeating: 0, count: model.outputs))
        if let free = freeRows.popLast() {
            rows[free] = row
            return free
        }
        rows.append(row)
        return rows.count - 1
    }

    /// Removes a row and frees its memory. Its number may be reused.
    func remove(_ row: Int) {
        rows[row] = Row(outputs: [])
        freeRows.append(row)
    }

    /// Removes a row's timesteps but keeps its last outputs.
    func reset(_ row: Int) {
        rows[row].timesteps.removeAll(keepingCapacity: true)
        rows[row].oldest = 0
    }

    /// The number of timesteps in a row.
    func count(of row: Int) -> Int { rows[row].timesteps.count / model.features }

    /// Appends a timestep. A full ring overwrites its oldest timestep.
    ///
    /// - Parameters:
    ///   - row: The stream's row.
    ///   - inputs: The available timesteps, shape (n, features).
    ///   - index: The index of the timestep to append.
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

    /// Runs the model over a row's timesteps, starting from zero state, and replaces the row's outputs. The row must
    /// not be empty.
    func answer(_ row: Int) {
        // A ring that never wrapped is already in order. It may hold a long sequence, so do not copy it.
        if rows[row].oldest > 0 { putInOrder(row) }
        let timesteps = rows[row].oldest > 0 ? ordered : rows[row].timesteps
        let runner = runner
        let answer = runner.output(for: timesteps.span)
        for k in answer.indices { rows[row].outputs[k] = answer[k] }
    }

    /// Runs the model over a row's timesteps like ``answer(_:)``, and stores the outputs at all timesteps in
    /// ``everyOutput``. The row's timesteps must be a whole sequence.
    func answerEvery(_ row: Int) {
        precondition(rows[row].oldest == 0)
        let timesteps = rows[row].timesteps
        let runner = runner
        let answer = runner.everyOutput(for: timesteps.span)
        everyOutput.removeAll(keepingCapacity: true)
        for k in answer.indices { everyOutput.append(answer[k]) }
        rows[row].outputs = Array(everyOutput.suffix(model.outputs))
    }

    /// The last outputs, shape (outputs).
    func outputs(of row: Int) -> [Float] { rows[row].outputs }

    /// The number of outputs.
    var outputCount: Int { model.outputs }

    /// The whole row: the timesteps, oldest first, followed by the last outputs; shape (kept × features + outputs).
    func values(of row: Int) -> [Float] {
        putInOrder(row)
        return ordered + rows[row].outputs
    }

    /// Returns the number of timesteps in a row for which ``values(of:)`` returns the given number of values; nil if no
    /// row has that number of values.
    func timesteps(in values: Int) -> Int? {
        let kept = values - model.outputs
        return kept >= 0 && kept.isMultiple(of: model.features) ? kept / model.features : nil
    }

    /// Replaces a whole row with values that ``values(of:)`` returned.
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
