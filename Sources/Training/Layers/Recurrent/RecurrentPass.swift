import Recurrent

/// The equations of one timestep of a recurrent layer, forward and backward.
///
/// A state consists of ``parts`` vectors of ``units`` values each, the hidden state first.
protocol RecurrentCell<Scalar>: Sendable {
    associatedtype Scalar: ReferenceScalar

    var features: Int { get }
    var units: Int { get }
    /// The number of lanes in a tile.
    var lanes: Int { get }
    /// The number of vectors in a state: 1 for h, 2 for h and c.
    var parts: Int { get }
    /// The number of values per lane that each timestep keeps for the backward pass.
    var kept: Int { get }

    /// Computes one timestep.
    ///
    /// - Parameters:
    ///   - x: Shape (features, lanes).
    ///   - before: The state before the timestep, shape (parts · units, lanes).
    ///   - after: Receives the state after the timestep.
    ///   - kept: Receives values for the backward pass, shape (kept, lanes).
    ///   - weights: The layer's weights.
    func step(
        _ x: Values<Scalar>, before: Values<Scalar>, after: Values<Scalar>, kept: Values<Scalar>,
        weights: Values<Scalar>)

    /// Computes the gradients of one timestep.
    ///
    /// - Parameters:
    ///   - state: The gradient of the state after the timestep; replaced with the gradient of the state before it.
    ///   - before: The state before the timestep.
    ///   - after: The state after the timestep.
    ///   - kept: The values that ``step(_:before:after:kept:weights:)`` kept; replaced with the gradients of the sums.
    ///   - dx: Receives the gradient of the input.
    ///   - isFirst: Whether this is the first timestep, for which the gradient of the previous state is not needed.
    ///   - weights: The layer's weights.
    func stepBack(
        _ state: Values<Scalar>, before: Values<Scalar>, after: Values<Scalar>, kept: Values<Scalar>,
        dx: Values<Scalar>?, isFirst: Bool, weights: Values<Scalar>)

    /// Adds the gradient of the weights over a whole sequence.
    ///
    /// - Parameters:
    ///   - gradient: The gradient of the weights.
    ///   - x: The inputs.
    ///   - xStep: The distance from one input to the next, in values.
    ///   - before: The states before each timestep, parts · units · lanes values apart.
    ///   - kept: The gradients of the sums, kept · lanes values apart.
    ///   - steps: The number of timesteps.
    func addGradient(
        _ gradient: Values<Scalar>, x: Values<Scalar>, xStep: Int, before: Values<Scalar>, kept: Values<Scalar>,
        steps: Int)
}

/// The order in which a recurrent layer reads a sequence.
enum ReadingOrder {
    /// From the first timestep to the last.
    case forward
    /// From the last timestep to the first; the outputs are in the order of the inputs.
    case backwardInPlace
    /// From the last timestep to the first; the outputs are in reading order, as with Keras' `go_backwards`.
    case backward
}

/// A recurrent layer over a sequence. Its gradients are computed by backpropagation through time (P. Werbos,
/// Backpropagation Through Time, 1990, <https://doi.org/10.1109/5.58337>).
///
/// `memory` holds, in this order:
/// - the outputs, shape (steps, units, lanes)
/// - steps + 2 states, shape (parts · units, lanes) each; the initial state is the first of them or, if the layer reads
///   backward in place, the last
/// - the kept values, shape (steps, kept, lanes)
/// - the gradient of a state
/// - the part of that gradient that bypasses a skipped timestep
struct RecurrentPass<Cell: RecurrentCell>: TrainingPass {
    typealias Scalar = Cell.Scalar

    let cell: Cell
    let order: ReadingOrder
    /// Whether the output of a masked timestep is zero.
    let givesZeros: Bool

    private var lanes: Int { cell.lanes }
    var units: Int { cell.units }
    var stateSize: Int { cell.parts * cell.units }

    func memorySize(steps: Int) -> Int {
        (steps * (units + cell.kept) + (steps + 4) * stateSize) * lanes
    }

    private struct Memory {
        let outputs, states, kept, gradient, held: Values<Scalar>
    }

    private func parts(of memory: Values<Scalar>, steps: Int) -> Memory {
        let states = memory + steps * units * lanes
        let kept = states + (steps + 2) * stateSize * lanes
        let gradient = kept + steps * cell.kept * lanes
        return Memory(
            outputs: memory, states: states, kept: kept, gradient: gradient, held: gradient + stateSize * lanes)
    }

    /// Returns the indices that belong to the k-th timestep in reading order: the indices of its input, of its output,
    /// of the state after it, and of the state before it.
    private func places(_ k: Int, of steps: Int) -> (input: Int, output: Int, after: Int, before: Int) {
        let back = steps - 1 - k
        return switch order {
        case .forward: (k, k, k + 1, k)
        case .backward: (back, k, k + 1, k)
        case .backwardInPlace: (back, back, back + 1, back + 2)
        }
    }

    func forward(
        _ input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>, state: Values<Scalar>,
        context: PassContext
    ) -> Signal<Scalar> {
        let steps = input.steps
        let memory = parts(of: memory, steps: steps)
        let size = stateSize * lanes
        (memory.states + places(0, of: steps).before * size).copy(state, count: size)
        for k in 0..<steps {
            let at = places(k, of: steps)
            let before = memory.states + at.before * size
            let after = memory.states + at.after * size
            cell.step(
                input.values + at.input * cell.features * lanes, before: before, after: after,
                kept: memory.kept + at.output * cell.kept * lanes, weights: weights)
            if let skipped = input.skipped {
                after.replace(before, where: skipped + at.input * lanes, rows: stateSize, lanes: lanes)
            }
            let output = memory.outputs + at.output * units * lanes
            output.copy(after, count: units * lanes)
            if givesZeros, let masked = input.masked {
                output.clear(where: masked + at.input * lanes, rows: units, lanes: lanes)
            }
        }
        state.copy(memory.states + places(steps - 1, of: steps).after * size, count: size)
        return input.with(memory.outputs)
    }

    func backward(
        _ dy: Values<Scalar>, input: Signal<Scalar>, memory: Values<Scalar>, weights: Values<Scalar>,
        gradient: Values<Scalar>, dx: Values<Scalar>?
    ) {
        let steps = input.steps
        let memory = parts(of: memory, steps: steps)
        let size = stateSize * lanes
        let state = memory.gradient
        state.fill(0, count: size)
        for k in (0..<steps).reversed() {
            let at = places(k, of: steps)
            let output = dy + at.output * units * lanes
            if givesZeros, let masked = input.masked {
                output.clear(where: masked + at.input * lanes, rows: units, lanes: lanes)
            }
            state.add(output, count: units * lanes)
            if let skipped = input.skipped {
                memory.held.copy(state, count: size)
                memory.held.clear(unless: skipped + at.input * lanes, rows: stateSize, lanes: lanes)
                state.clear(where: skipped + at.input * lanes, rows: stateSize, lanes: lanes)
            }
            cell.stepBack(
                state, before: memory.states + at.before * size, after: memory.states + at.after * size,
                kept: memory.kept + at.output * cell.kept * lanes,
                dx: dx.map { $0 + at.input * cell.features * lanes }, isFirst: k == 0, weights: weights)
            if input.skipped != nil { state.add(memory.held, count: size) }
        }
        let isReversed = order == .backward
        let width = cell.features * lanes
        cell.addGradient(
            gradient, x: isReversed ? input.values + (steps - 1) * width : input.values,
            xStep: isReversed ? -width : width,
            before: order == .backwardInPlace ? memory.states + 2 * size : memory.states, kept: memory.kept,
            steps: steps)
    }
}

extension Values where Element: ReferenceScalar {
    /// Replaces the values of the marked lanes.
    ///
    /// - Parameters:
    ///   - other: Shape (rows, lanes).
    ///   - marks: 1 for each lane to replace, otherwise 0, shape (lanes).
    ///   - rows: The number of rows.
    ///   - lanes: The number of lanes.
    fileprivate func replace(_ other: Values, where marks: Values, rows: Int, lanes: Int) {
        for row in 0..<rows {
            for lane in 0..<lanes where marks[lane] != 0 { self[row * lanes + lane] = other[row * lanes + lane] }
        }
    }

    /// Sets all rows to zero in the lanes that are marked with 1.
    func clear(where marks: Values, rows: Int, lanes: Int) {
        for row in 0..<rows {
            for lane in 0..<lanes where marks[lane] != 0 { self[row * lanes + lane] = 0 }
        }
    }

    /// Sets all rows to zero in the lanes that are marked with 0.
    fileprivate func clear(unless marks: Values, rows: Int, lanes: Int) {
        for row in 0..<rows {
            for lane in 0..<lanes where marks[lane] == 0 { self[row * lanes + lane] = 0 }
        }
    }
}
