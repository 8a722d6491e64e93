import Dispatch
import Recurrent
import Synchronization

/// A model that is being trained in one precision: weights, gradients, states and the optimizer.
///
/// A batch is divided into groups of ``Tile/lanes`` sequences, regardless of the number of threads. If the last group
/// has only one sequence, it is computed in a single lane. Each group has its own gradient, and the gradients are added
/// in the order of the groups. The result is therefore bit-identical for any number of threads.
///
/// `@unchecked Sendable`: the owner calls the learner from only one thread at a time. During a batch, each thread has
/// its own workspace. Each group has its own gradient and states, and runs on only one thread. The threads only read
/// all other values.
final class Learner<Arithmetic: TileArithmetic>: @unchecked Sendable {
    typealias Scalar = Arithmetic.Scalar

    /// The groups of one batch, which several threads share. If a thread gets no core, the other threads run its
    /// groups.
    private final class SharedGroups: Sendable {
        private let first = Atomic(0)
        private let found: Mutex<[BatchResult?]>

        init(_ count: Int) { found = Mutex(Array(repeating: nil, count: count)) }

        /// Returns a group that no thread has begun; nil if there is none.
        func next() -> Int? {
            let group = first.add(1, ordering: .relaxed).oldValue
            return found.withLock { group < $0.count } ? group : nil
        }

        func end(_ group: Int, _ result: BatchResult) { found.withLock { $0[group] = result } }

        /// The results in the order of the groups.
        var results: [BatchResult] { found.withLock { $0.compactMap(\.self) } }
    }

    private let network: Network<Arithmetic>
    /// The same network with one lane, for a group of one sequence.
    private let single: Network<Arithmetic>
    private let arithmetic: Arithmetic
    private let configuration: TrainingConfiguration
    let parameters: Buffer<Scalar>
    /// The gradient of the last batch.
    let gradient: Buffer<Scalar>
    /// The gradients of all groups but the first, whose gradient is in ``gradient``.
    private let groupGradients = Buffer<Scalar>(0)
    let optimizer: OptimizerStep<Arithmetic>
    private let workspaces: [Workspace<Arithmetic>]
    /// The states of a stateful model, shape (places, stateSize).
    private let states = Buffer<Scalar>(0)
    /// The number of places for which `states` holds a state.
    private var places = 0
    private var batches: UInt64 = 0

    init(
        _ model: Model, _ configuration: TrainingConfiguration, trained: [Range<Int>], values: [Float],
        arithmetic: (_ lanes: Int) -> Arithmetic
    ) throws(TrainingError) {
        self.arithmetic = arithmetic(Tile.lanes)
        let network = try Network(model, configuration, self.arithmetic)
        self.network = network
        single = try Network(model, configuration, arithmetic(1))
        self.configuration = configuration
        parameters = Buffer(values.map { Scalar($0) })
        gradient = Buffer(values.count)
        optimizer = OptimizerStep(
            configuration.optimizer, parameters: values.count, trained: trained, self.arithmetic)
        workspaces = (0..<configuration.jobs).map { _ in Workspace(network) }
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
    private func readState(_ place: Int, into state: Values<Scalar>, lane: Int, of lanes: Int, keepsState: Bool) {
        let row = states.values + (keepsState ? place : 0) * network.stateSize
        for k in 0..<network.stateSize { state[k * lanes + lane] = keepsState ? row[k] : 0 }
    }

    private func writeState(_ place: Int, from state: Values<Scalar>, lane: Int, of lanes: Int) {
        let row = states.values + place * network.stateSize
        for k in 0..<network.stateSize { row[k] = state[k * lanes + lane] }
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
        batches += 1
        if keepsState { reserveStates(batch.sequences.count) }
        if trains { clearGradients(groups) }
        let mode = Kernels.flushDenormals()
        defer { Kernels.restoreDenormals(mode) }
        var result: BatchResult
        if min(workspaces.count, groups) == 1 {
            result = run(
                0, of: batch, trains: trains, keepsState: keepsState, wantsPredictions: wantsPredictions,
                workspace: workspaces[0])
            for group in 1..<groups {
                result.add(
                    part: run(
                        group, of: batch, trains: trains, keepsState: keepsState, wantsPredictions: wantsPredictions,
                        workspace: workspaces[0]))
            }
        } else {
            result = runConcurrently(
                groups, of: batch, trains: trains, keepsState: keepsState, wantsPredictions: wantsPredictions)
        }
        result.finish(sequences: batch.sequences.count)
        if trains && result.labelled > 0 { update(groups, labelled: result.labelled, &result) }
        return result
    }

    private func runConcurrently(
        _ groups: Int, of batch: Batch, trains: Bool, keepsState: Bool, wantsPredictions: Bool
    ) -> BatchResult {
        let shared = SharedGroups(groups)
        DispatchQueue.concurrentPerform(iterations: min(workspaces.count, groups)) { [self] job in
            let mode = Kernels.flushDenormals()
            defer { Kernels.restoreDenormals(mode) }
            while let group = shared.next() {
                shared.end(
                    group,
                    run(
                        group, of: batch, trains: trains, keepsState: keepsState, wantsPredictions: wantsPredictions,
                        workspace: workspaces[job]))
            }
        }
        var result = BatchResult(hasCurve: configuration.measuresCurve)
        for part in shared.results { result.add(part: part) }
        return result
    }

    private func clearGradients(_ groups: Int) {
        groupGradients.reserve((groups - 1) * gradient.count)
        for group in 0..<groups { gradient(of: group).fill(0, count: gradient.count) }
    }

    private func gradient(of group: Int) -> Values<Scalar> {
        group == 0 ? gradient.values : groupGradients.values + (group - 1) * gradient.count
    }

    /// Adds up the groups' gradients, and changes the weights if the loss and the gradient are finite.
    private func update(_ groups: Int, labelled: Int, _ result: inout BatchResult) {
        let (count, sum) = (gradient.count, gradient.values)
        for group in 1..<groups { sum.add(gradient(of: group), count: count) }
        let isFinite = arithmetic.scale(sum, by: 1 / Scalar(labelled), count: count)
        guard isFinite, result.isFinite else {
            result.isFinite = false
            return
        }
        optimizer.update(parameters.values, gradient: sum)
    }

    /// Runs one group of a batch.
    private func run(
        _ group: Int, of batch: Batch, trains: Bool, keepsState: Bool, wantsPredictions: Bool,
        workspace: Workspace<Arithmetic>
    ) -> BatchResult {
        let places = group * Tile.lanes..<min((group + 1) * Tile.lanes, batch.sequences.count)
        let network = places.count == 1 ? single : self.network
        let lanes = network.lanes
        let steps = places.reduce(0) { max($0, batch.range(at: $1).count) }
        let hasEnds = places.contains { batch.range(at: $0).count < steps }
        workspace.reserve(network, steps: steps)
        for lane in 0..<lanes {
            // A lane without a sequence repeats the group's first sequence, but adds no loss.
            let place = places.lowerBound + (lane < places.count ? lane : 0)
            readInputs(of: batch, place, steps: steps, into: workspace, lane: lane, of: lanes, hasEnds: hasEnds)
            readState(place, into: workspace.state, lane: lane, of: lanes, keepsState: keepsState)
        }
        let seed = configuration.seed &+ batches &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(group) &* 0xBF58_476D_1CE4_E5B9
        let outputs = network.forward(
            steps: steps, hasEnds: hasEnds, parameters: parameters.values, workspace: workspace,
            context: PassContext(isTraining: trains, seed: seed))
        if keepsState {
            for (lane, place) in places.enumerated() {
                writeState(place, from: workspace.state, lane: lane, of: lanes)
            }
        }
        var result = BatchResult(hasCurve: configuration.measuresCurve)
        let dy = network.outputGradient(workspace)
        if places.count < lanes { dy.fill(0, count: outputs.steps * network.head.outputs * lanes) }
        for (lane, place) in places.enumerated() {
            addLoss(
                of: batch, place, outputs, dy: dy, lane: lane, head: network.head, prediction: workspace.prediction,
                trains: trains, wantsPredictions: wantsPredictions,
                into: &result)
        }
        if trains {
            network.backward(parameters: parameters.values, gradient: gradient(of: group), workspace: workspace)
        }
        return result
    }

    /// Copies a sequence into a lane. A sequence that ends before the others repeats its last timestep.
    private func readInputs(
        of batch: Batch, _ place: Int, steps: Int, into workspace: Workspace<Arithmetic>, lane: Int,
        of lanes: Int, hasEnds: Bool
    ) {
        let range = batch.range(at: place)
        // A sequence that ended in an earlier chunk repeats its last timestep too.
        let first = batch.set.starts[batch.sequences[place]] + range.lowerBound - (range.isEmpty ? 1 : 0)
        let features = network.features
        let x = workspace.inputs
        for t in 0..<steps {
            let from = (first + max(0, min(t, range.count - 1))) * features
            for k in 0..<features { x[(t * features + k) * lanes + lane] = Scalar(batch.set.inputs[from + k]) }
        }
        guard hasEnds else { return }
        for t in 0..<steps { workspace.ended[t * lanes + lane] = t < range.count ? 0 : 1 }
    }

    /// Adds the losses of one lane, and computes the gradients of its outputs.
    private func addLoss(
        of batch: Batch, _ place: Int, _ outputs: Signal<Scalar>, dy: Values<Scalar>, lane: Int,
        head: LossHead<Scalar>, prediction: Values<Float>, trains: Bool, wantsPredictions: Bool,
        into result: inout BatchResult
    ) {
        var predictions: [Float] = []
        let isEvery = configuration.outputs == .everyTimestep
        let range = batch.range(at: place)
        let sequence = batch.sequences[place]
        for t in 0..<outputs.steps {
            let at = t * head.outputs * head.lanes + lane
            let isStepped = isEvery ? t < range.count : !range.isEmpty
            let isMasked = isEvery && (outputs.masked?[t * head.lanes + lane] ?? 0) != 0
            var label: ArraySlice<Float>?
            var weight: Float = 0
            if isStepped, !isMasked {
                label = batch.set.label(sequence, isEvery ? range.lowerBound + t : range.upperBound - 1)
                weight = batch.set.weights[sequence]
                if trains, let label { weight *= configuration.classWeights.weight(of: label) }
            }
            let loss = head(
                outputs.values + at, targets: label, weight: Scalar(weight), dy: dy + at,
                predictions: prediction)
            if let label {
                result.labelled += 1
                result.loss += Double(loss) * Double(weight)
                result.tally.add(prediction, outputs: head.outputs, label: label)
            }
            if wantsPredictions && isStepped { predictions += prediction.array(count: head.outputs) }
        }
        if wantsPredictions { result.predictions.append(predictions) }
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
