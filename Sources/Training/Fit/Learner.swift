import Dispatch
import Recurrent
import Synchronization

/// A model in training in one precision: weights, gradients, states and the optimizer.
///
/// A batch is divided into groups of ``Tile/lanes`` sequences, regardless of the number of threads. Each group has its
/// own gradient, and the gradients are added in the order of the groups. The result is therefore bit-identical for any
/// number of threads.
///
/// `@unchecked Sendable`: the owner calls the learner from only one thread at a time. During a batch, each thread has
/// its own workspace. Each group has its own result, gradient and states, and only one thread runs it. All other values
/// are only read.
final class Learner<Arithmetic: TileArithmetic>: @unchecked Sendable {
    typealias Scalar = Arithmetic.Scalar

    /// The results of one group, which one thread writes.
    private final class GroupResult: @unchecked Sendable {
        var loss = 0.0
        var tally: MetricTally
        /// The number of outputs with a label.
        var labelled = 0
        /// The predictions for each place in the group, shape (n, outputs), where n is the number of outputs for the
        /// sequence.
        var predictions: [[Float]] = []
        /// The latest prediction, shape (outputs).
        var prediction: ArraySlice<Float>

        init(outputs: Int, hasCurve: Bool) {
            tally = MetricTally(hasCurve: hasCurve)
            prediction = ArraySlice(repeating: 0, count: outputs)
        }
    }

    /// The groups of a batch that no thread has begun yet. If a thread gets no core, the other threads run its groups.
    private final class Claims: Sendable {
        private let first = Atomic(0)

        func next(of groups: Int) -> Int? {
            let group = first.add(1, ordering: .relaxed).oldValue
            return group < groups ? group : nil
        }
    }

    private let network: Network<Arithmetic>
    private let configuration: TrainingConfiguration
    let parameters: Buffer<Scalar>
    /// The gradient of the last batch.
    let gradient: Buffer<Scalar>
    private let groupGradients = Buffer<Scalar>(0)
    var optimizer: OptimizerStep<Arithmetic>
    /// The ranges of the parameters that are not frozen.
    private let trained: [Range<Int>]
    private let workspaces: [Network<Arithmetic>.Workspace]
    /// The states of a stateful model, shape (places, stateSize).
    private let states = Buffer<Scalar>(0)
    /// The number of places for which `states` holds a state.
    private var places = 0
    private var batches: UInt64 = 0

    init(
        _ model: Model, _ configuration: TrainingConfiguration, trained: [Range<Int>], values: [Float],
        _ arithmetic: Arithmetic
    ) throws(TrainingError) {
        let network = try Network(model, configuration, arithmetic)
        self.network = network
        self.configuration = configuration
        self.trained = trained
        parameters = Buffer(values.map { Scalar($0) })
        gradient = Buffer(values.count)
        optimizer = OptimizerStep(configuration.optimizer, parameters: values.count, arithmetic)
        workspaces = (0..<configuration.jobs).map { _ in Network<Arithmetic>.Workspace(network) }
    }

    // MARK: - States

    /// The state of each place in a batch; empty if all states are zero.
    var stateRows: [[Float]] {
        get {
            (0..<places).map { place in
                (0..<network.stateSize).map { Float(states.values[place * network.stateSize + $0]) }
            }
        }
        set {
            places = newValue.count
            states.reserve(places * network.stateSize)
            for (index, value) in newValue.joined().enumerated() { states.values[index] = Scalar(value) }
        }
    }

    /// Makes room for the states of a batch. The states of new places are zero.
    private func reserveStates(_ count: Int) {
        guard count > places else { return }
        let zeros = Array(repeating: Float(0), count: network.stateSize)
        let rows = (0..<places).map { place in
            (0..<network.stateSize).map { states.values[place * network.stateSize + $0] }
        }
        stateRows = Array(repeating: zeros, count: count)
        for (index, value) in rows.joined().enumerated() { states.values[index] = value }
    }

    /// Copies the state of a place into a lane, or fills the lane with zeros.
    private func readState(_ place: Int, _ lane: Int, into state: Values<Scalar>, keepsState: Bool) {
        let row = states.values + (keepsState ? place : 0) * network.stateSize
        for k in 0..<network.stateSize { state[k * Tile.lanes + lane] = keepsState ? row[k] : 0 }
    }

    private func writeState(_ place: Int, _ lane: Int, from state: Values<Scalar>) {
        let row = states.values + place * network.stateSize
        for k in 0..<network.stateSize { row[k] = state[k * Tile.lanes + lane] }
    }

    // MARK: - Batches

    /// Runs a batch through the model.
    ///
    /// - Parameters:
    ///   - batch: At least one sequence.
    ///   - trains: Whether the weights change.
    ///   - keepsState: Whether each place continues from its stored state and then stores its new state. Otherwise, all
    ///     sequences start from the zero state.
    ///   - wantsPredictions: Whether the result contains the predictions.
    /// - Returns: The loss and the metrics before the update.
    func run(_ batch: Batch, trains: Bool, keepsState: Bool, wantsPredictions: Bool) -> BatchResult {
        let groups = (batch.sequences.count + Tile.lanes - 1) / Tile.lanes
        let results = (0..<groups).map { _ in
            GroupResult(outputs: network.head.outputs, hasCurve: configuration.measuresCurve)
        }
        batches += 1
        if keepsState { reserveStates(batch.sequences.count) }
        if trains {
            groupGradients.reserve(groups * gradient.count)
            groupGradients.values.fill(0, count: groups * gradient.count)
        }
        let jobs = min(workspaces.count, groups)
        let claims = Claims()
        let work: @Sendable (Int) -> Void = { [self] job in
            Kernels.flushingDenormals {
                while let group = claims.next(of: groups) {
                    run(
                        group, of: batch, trains: trains, keepsState: keepsState, wantsPredictions: wantsPredictions,
                        into: results[group], workspace: workspaces[job])
                }
            }
        }
        if jobs == 1 { work(0) } else { DispatchQueue.concurrentPerform(iterations: jobs, execute: work) }
        var result = BatchResult(hasCurve: configuration.measuresCurve)
        for group in results { result.add(group.loss, group.labelled, group.tally, group.predictions) }
        result.finish(sequences: batch.sequences.count)
        if trains && result.labelled > 0 {
            Kernels.flushingDenormals { update(groups, labelled: result.labelled, &result) }
        }
        return result
    }

    /// Adds up the groups' gradients, and changes the weights if the loss and the gradient are finite.
    private func update(_ groups: Int, labelled: Int, _ result: inout BatchResult) {
        let (count, sum) = (gradient.count, gradient.values)
        sum.copy(groupGradients.values, count: count)
        for group in 1..<groups { sum.add(groupGradients.values + group * count, count: count) }
        let share = 1 / Scalar(labelled)
        var zeros: Scalar = 0
        for k in 0..<count {
            sum[k] *= share
            zeros += sum[k] * 0
        }
        guard zeros == 0, result.isFinite else {
            result.isFinite = false
            return
        }
        optimizer.update(parameters.values, gradient: sum, weights: trained)
    }

    /// Runs one group of a batch.
    private func run(
        _ group: Int, of batch: Batch, trains: Bool, keepsState: Bool, wantsPredictions: Bool,
        into result: GroupResult, workspace: Network<Arithmetic>.Workspace
    ) {
        let places = group * Tile.lanes..<min((group + 1) * Tile.lanes, batch.sequences.count)
        let lengths = places.map { batch.range(at: $0).count }
        let steps = lengths.max() ?? 0
        let hasEnds = lengths.contains { $0 < steps }
        workspace.reserve(network, steps: steps)
        for lane in 0..<Tile.lanes {
            // A lane without a sequence repeats the group's first sequence, but adds no loss.
            let place = lane < places.count ? places.lowerBound + lane : places.lowerBound
            readInputs(of: batch, place, lane, steps: steps, into: workspace, hasEnds: hasEnds)
            readState(place, lane, into: workspace.state.values, keepsState: keepsState)
        }
        let seed = configuration.seed &+ batches &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(group) &* 0xBF58_476D_1CE4_E5B9
        let outputs = network.forward(
            steps: steps, hasEnds: hasEnds, parameters: parameters.values, workspace: workspace,
            context: PassContext(isTraining: trains, seed: seed))
        if keepsState {
            for (lane, place) in places.enumerated() { writeState(place, lane, from: workspace.state.values) }
        }
        let dy = network.outputGradient(workspace)
        for lane in 0..<Tile.lanes {
            let place = lane < places.count ? places.lowerBound + lane : nil
            addLoss(
                of: batch, place, lane, outputs, dy: dy, length: lane < lengths.count ? lengths[lane] : 0,
                classWeights: trains ? configuration.classWeights : [:], wantsPredictions: wantsPredictions,
                into: result)
        }
        guard trains else { return }
        network.backward(
            parameters: parameters.values, gradient: groupGradients.values + group * gradient.count,
            workspace: workspace)
    }

    /// Copies a sequence into a lane. A sequence that ends before the others repeats its last timestep.
    private func readInputs(
        of batch: Batch, _ place: Int, _ lane: Int, steps: Int, into workspace: Network<Arithmetic>.Workspace,
        hasEnds: Bool
    ) {
        let range = batch.range(at: place)
        // A sequence that ended in an earlier chunk repeats its last timestep too.
        let first = batch.set.starts[batch.sequences[place]] + range.lowerBound - (range.isEmpty ? 1 : 0)
        let features = network.features
        let x = workspace.inputs.values
        for t in 0..<steps {
            let from = (first + max(0, min(t, range.count - 1))) * features
            for k in 0..<features { x[(t * features + k) * Tile.lanes + lane] = Scalar(batch.set.inputs[from + k]) }
        }
        guard hasEnds else { return }
        for t in 0..<steps { workspace.ended.values[t * Tile.lanes + lane] = t < range.count ? 0 : 1 }
    }

    /// Adds the losses of one lane, and computes the gradients of its outputs.
    private func addLoss(
        of batch: Batch, _ place: Int?, _ lane: Int, _ outputs: Signal<Scalar>, dy: Values<Scalar>, length: Int,
        classWeights: [Int: Float], wantsPredictions: Bool, into result: GroupResult
    ) {
        let width = network.head.outputs
        guard let place else { return dy.clear(lane: lane, count: outputs.steps * width) }
        var predictions: [Float] = []
        let isEvery = configuration.outputs == .everyTimestep
        let start = batch.range(at: place).lowerBound
        for t in 0..<outputs.steps {
            let at = t * width * Tile.lanes + lane
            let isStepped = isEvery ? t < length : length > 0
            let isMasked = isEvery && (outputs.masked?[t * Tile.lanes + lane] ?? 0) != 0
            var label: ArraySlice<Float>?
            var weight: Float = 0
            if isStepped, !isMasked {
                let sequence = batch.sequences[place]
                label = batch.set.label(sequence, start + (isEvery ? t : length - 1))
                weight = label.map { batch.set.weights[sequence] * classWeights.weight(of: $0) } ?? 0
            }
            let loss = network.head(
                outputs.values + at, targets: label, weight: Scalar(weight), dy: dy + at,
                predictions: &result.prediction)
            if let label {
                result.labelled += 1
                result.loss += Double(loss) * Double(weight)
                result.tally.add(result.prediction, label: label)
            }
            if wantsPredictions && isStepped { predictions += result.prediction }
        }
        if wantsPredictions { result.predictions.append(predictions) }
    }
}

extension Values {
    /// Sets one lane of `count` rows to zero.
    fileprivate func clear(lane: Int, count: Int) {
        for row in 0..<count { self[row * Tile.lanes + lane] = 0 }
    }
}

extension [Int: Float] {
    /// Returns the factor of a label's loss. If a label has several targets, its class is the index of the largest
    /// target.
    fileprivate func weight(of label: ArraySlice<Float>) -> Float {
        guard !isEmpty else { return 1 }
        let number =
            label.count == 1
            ? Int(label[label.startIndex].rounded())
            : (label.indices.max { label[$0] < label[$1] } ?? label.startIndex) - label.startIndex
        return self[number] ?? 1
    }
}
