import Recurrent

/// The buffers with which one thread runs groups of sequences through a ``Network``.
final class Workspace<Arithmetic: TileArithmetic> {
    typealias Scalar = Arithmetic.Scalar

    /// One layer's part of the workspace.
    struct Part: BitwiseCopyable {
        let memory: Values<Scalar>
        /// The gradient of the layer's outputs.
        let gradient: Values<Scalar>
        /// The input of the layer in the last forward pass.
        var input: Signal<Scalar>
        /// The number of timesteps of the layer's output in the last forward pass.
        var outputSteps = 0
    }

    private let memory = Buffer<Scalar>(0)
    private let partBuffer: Buffer<Part>
    private let predictionBuffer: Buffer<Float>
    /// The numbers of lanes and timesteps for which the workspace is currently divided.
    private var (lanes, steps) = (0, 0)
    /// Shape (steps, features, lanes).
    private(set) var inputs: Values<Scalar>
    /// The ends of sequences; see ``Signal/ended``.
    private(set) var ended: Values<Scalar>
    /// Shape (stateSize, lanes).
    private(set) var state: Values<Scalar>

    init(_ network: Network<Arithmetic>) {
        let empty = memory.values
        (inputs, ended, state) = (empty, empty, empty)
        partBuffer = Buffer(
            network.nodes.count, Part(memory: empty, gradient: empty, input: Signal(values: empty, steps: 0)))
        predictionBuffer = Buffer(network.head.outputs)
    }

    /// The parts of all layers.
    var parts: Values<Part> { partBuffer.values }

    /// One output of the model, shape (outputs).
    var prediction: Values<Float> { predictionBuffer.values }

    /// Makes room for a group of sequences of at most `steps` timesteps.
    func reserve(_ network: Network<Arithmetic>, steps: Int) {
        guard steps > self.steps || network.lanes != lanes else { return }
        (self.steps, lanes) = (steps, network.lanes)
        let sizes =
            [steps * network.features * lanes, steps * lanes, network.stateSize * lanes]
            + network.nodes.flatMap { [$0.pass.memorySize(steps: steps), steps * $0.units * lanes] }
        // Each part starts on a cache line.
        let padded = sizes.map { ($0 + Tile.lanes - 1) / Tile.lanes * Tile.lanes }
        memory.reserve(padded.reduce(0, +))
        var place = memory.values
        let places = padded.map { size in
            defer { place = place + size }
            return place
        }
        (inputs, ended, state) = (places[0], places[1], places[2])
        for index in network.nodes.indices {
            parts[index] = Part(
                memory: places[3 + 2 * index], gradient: places[4 + 2 * index],
                input: Signal(values: inputs, steps: steps))
        }
    }
}
