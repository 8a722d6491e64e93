import Recurrent

/// A model's layers in training, with the places of their weights and states.
///
/// All weights are in one array of parameters, layer after layer, tensor after tensor. Their gradients have the same
/// layout.
struct Network<Arithmetic: TileArithmetic> {
    typealias Scalar = Arithmetic.Scalar

    /// A layer with the places of its weights and of its state.
    struct Node {
        let pass: AnyPass<Arithmetic>
        /// The index of the layer's first parameter.
        let weights: Int
        /// The index of the first value of the layer's state.
        let state: Int
    }

    let nodes: [Node]
    /// The memory of the layers' constants.
    private let constants: [Buffer<Scalar>]
    let head: LossHead<Scalar>
    let features: Int
    let stateSize: Int
    /// If only the last output counts, the index of the first layer that reads only the last timestep: the layer after
    /// the last one that mixes timesteps. If the final layer mixes timesteps, this index equals the number of layers.
    /// Nil if every output counts.
    private let tail: Int?
    /// The index of the first layer with trainable weights. The layers before it need no gradient.
    private let firstTrained: Int

    init(
        _ model: Model, _ configuration: TrainingConfiguration, _ arithmetic: Arithmetic
    ) throws(TrainingError) {
        let last = model.layers.last
        let activation = (last as? Dense)?.activation ?? (last as? ActivationLayer)?.activation ?? .linear
        let head = LossHead<Scalar>(configuration.loss, activation: activation, outputs: model.outputs)
        var nodes: [Node] = []
        var (parameters, state) = (0, 0)
        var firstParameters: Int?
        var constants: [Buffer<Scalar>] = []
        func append(_ pass: AnyPass<Arithmetic>, parameters count: Int) {
            if count > 0 && firstParameters == nil { firstParameters = nodes.count }
            nodes.append(Node(pass: pass, weights: parameters, state: state))
            parameters += count
            state += pass.stateSize
        }
        func parameterCount(_ layer: any Layer) -> Int {
            layer.isTrainable ? layer.weights.reduce(0) { $0 + $1.values.count } : 0
        }
        var index = 0
        while index < model.layers.count {
            let layer = model.layers[index]
            for dropout in configuration.dropouts where dropout.before == index {
                append(
                    .dropout(DropoutPass(units: layer.features, rate: dropout.rate, number: nodes.count)), parameters: 0
                )
            }
            if let embedding = layer as? Embedding, index + 1 < model.layers.count,
                !configuration.dropouts.contains(where: { $0.before == index + 1 }),
                let pass = TokenPass(embedding, model.layers[index + 1], arithmetic)
            {
                append(.token(pass), parameters: parameterCount(layer) + parameterCount(model.layers[index + 1]))
                index += 2
                continue
            }
            let isFused = head.isFused && index == model.layers.count - 1
            append(
                try AnyPass(layer, isFused: isFused, arithmetic, constants: &constants),
                parameters: parameterCount(layer))
            index += 1
        }
        self.nodes = nodes
        self.constants = constants
        self.head = head
        features = model.features
        stateSize = state
        let mixing = nodes.lastIndex { $0.pass.mixesTimesteps }
        tail = configuration.outputs == .last ? mixing.map { $0 + 1 } ?? 0 : nil
        firstTrained = firstParameters ?? nodes.count
    }

    /// The memory of one thread: the memory of each layer, the gradients between layers, and the inputs.
    final class Workspace {
        fileprivate(set) var inputs = Buffer<Scalar>(0)
        fileprivate(set) var ended = Buffer<Scalar>(0)
        let state: Buffer<Scalar>
        fileprivate let memories: [Buffer<Scalar>]
        fileprivate let gradients: [Buffer<Scalar>]
        /// The inputs of the layers in the last forward pass.
        fileprivate var inputsOfLayers: [Signal<Scalar>] = []
        /// The number of timesteps of each layer's output.
        fileprivate var outputSteps: [Int] = []

        init(_ network: Network) {
            state = Buffer(network.stateSize * Tile.lanes)
            memories = network.nodes.map { _ in Buffer(0) }
            gradients = network.nodes.map { _ in Buffer(0) }
        }

        /// Makes room for sequences of `steps` timesteps.
        func reserve(_ network: Network, steps: Int) {
            inputs.reserve(steps * network.features * Tile.lanes)
            ended.reserve(steps * Tile.lanes)
            for (index, node) in network.nodes.enumerated() {
                memories[index].reserve(node.pass.memorySize(steps: steps))
                gradients[index].reserve(steps * node.pass.units * Tile.lanes)
            }
        }
    }

    /// Computes the outputs of a group of sequences.
    ///
    /// - Parameters:
    ///   - steps: The number of timesteps.
    ///   - hasEnds: Whether some sequences end before others.
    ///   - parameters: All weights.
    ///   - workspace: Holds the inputs and the previous state; receives the new state.
    ///   - context: The settings of the pass.
    /// - Returns: The outputs of the last layer.
    func forward(
        steps: Int, hasEnds: Bool, parameters: Values<Scalar>, workspace: Workspace, context: PassContext
    ) -> Signal<Scalar> {
        let ended = hasEnds ? workspace.ended.values : nil
        var signal = Signal(values: workspace.inputs.values, steps: steps, masked: nil, ended: ended, skipped: ended)
        workspace.inputsOfLayers.removeAll(keepingCapacity: true)
        workspace.outputSteps.removeAll(keepingCapacity: true)
        for (index, node) in nodes.enumerated() {
            if index == tail { signal = signal.last(width: index == 0 ? features : nodes[index - 1].pass.units) }
            workspace.inputsOfLayers.append(signal)
            signal = node.pass.forward(
                signal, memory: workspace.memories[index].values, weights: parameters + node.weights,
                state: workspace.state.values + node.state * Tile.lanes, context: context)
            workspace.outputSteps.append(signal.steps)
        }
        return tail == nodes.count ? signal.last(width: head.outputs) : signal
    }

    /// Returns the place for the gradient of the outputs that count, which has the same shape as these outputs. Sets
    /// the gradient of all other outputs to zero.
    func outputGradient(_ workspace: Workspace) -> Values<Scalar> {
        gradient(ofOutput: nodes.count - 1, workspace, lastOnly: tail == nodes.count)
    }

    private func gradient(ofOutput index: Int, _ workspace: Workspace, lastOnly: Bool) -> Values<Scalar> {
        let gradient = workspace.gradients[index].values
        guard lastOnly else { return gradient }
        let before = (workspace.outputSteps[index] - 1) * nodes[index].pass.units * Tile.lanes
        gradient.fill(0, count: before)
        return gradient + before
    }

    /// Adds up the gradients of all weights. Call ``forward(steps:hasEnds:parameters:workspace:context:)`` first, and
    /// then write the gradient of the outputs to ``outputGradient(_:)``.
    func backward(parameters: Values<Scalar>, gradient: Values<Scalar>, workspace: Workspace) {
        for index in nodes.indices.reversed() {
            let node = nodes[index]
            let dx =
                index > firstTrained ? self.gradient(ofOutput: index - 1, workspace, lastOnly: index == tail) : nil
            node.pass.backward(
                workspace.gradients[index].values, input: workspace.inputsOfLayers[index],
                memory: workspace.memories[index].values, weights: parameters + node.weights,
                gradient: gradient + node.weights, dx: dx)
            if dx == nil { return }
        }
    }
}
