import Recurrent

/// A model's layers in training, with the positions of their weights and states.
///
/// All weights are in one array of parameters, layer after layer, tensor after tensor. Their gradients have the same
/// layout.
final class Network<Arithmetic: TileArithmetic> {
    typealias Scalar = Arithmetic.Scalar

    /// A layer with the positions of its weights and of its state.
    struct Node {
        let pass: AnyPass<Arithmetic>
        /// The width of one timestep of the output.
        let units: Int
        /// The index of the layer's first parameter.
        let weights: Int
        /// The index of the first value of the layer's state.
        let state: Int
    }

    let nodes: [Node]
    /// The buffers of values that training does not change.
    private let constants: [Buffer<Scalar>]
    let head: LossHead<Scalar>
    let features: Int
    let stateSize: Int
    /// The number of sequences in a group, one in each lane.
    let lanes: Int
    /// The index of the layer after the last layer that mixes timesteps. From that layer on, only the last timestep is
    /// needed. The index equals the number of layers if the final layer mixes timesteps. Nil if every output counts,
    /// not only the last.
    private let tail: Int?
    /// The index of the first layer with trainable weights. The layers before it need no gradient.
    private let firstTrained: Int

    init(
        _ model: Model, _ configuration: TrainingConfiguration, _ arithmetic: Arithmetic
    ) throws(TrainingError) {
        let last = model.layers.last
        let activation = (last as? Dense)?.activation ?? (last as? ActivationLayer)?.activation ?? .linear
        let head = LossHead<Scalar>(
            configuration.loss, activation: activation, outputs: model.outputs, lanes: arithmetic.lanes)
        var nodes: [Node] = []
        var (parameters, state) = (0, 0)
        var firstParameters: Int?
        var constants: [Buffer<Scalar>] = []
        func append(_ pass: AnyPass<Arithmetic>, parameters count: Int) {
            if count > 0 && firstParameters == nil { firstParameters = nodes.count }
            nodes.append(Node(pass: pass, units: pass.units, weights: parameters, state: state))
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
                    .dropout(
                        DropoutPass(
                            units: layer.features, lanes: arithmetic.lanes, rate: dropout.rate, number: nodes.count)),
                    parameters: 0)
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
        lanes = arithmetic.lanes
        let mixing = nodes.lastIndex { $0.pass.mixesTimesteps }
        tail = configuration.outputs == .last ? mixing.map { $0 + 1 } ?? 0 : nil
        firstTrained = firstParameters ?? nodes.count
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
        steps: Int, hasEnds: Bool, parameters: Values<Scalar>, workspace: Workspace<Arithmetic>, context: PassContext
    ) -> Signal<Scalar> {
        let ended = hasEnds ? workspace.ended : nil
        var signal = Signal(values: workspace.inputs, steps: steps, masked: nil, ended: ended, skipped: ended)
        for index in nodes.indices {
            if index == tail {
                signal = signal.last(width: index == 0 ? features : nodes[index - 1].units, lanes: lanes)
            }
            workspace.parts[index].input = signal
            signal = nodes[index].pass.forward(
                signal, memory: workspace.parts[index].memory, weights: parameters + nodes[index].weights,
                state: workspace.state + nodes[index].state * lanes, context: context)
            workspace.parts[index].outputSteps = signal.steps
        }
        return tail == nodes.count ? signal.last(width: head.outputs, lanes: lanes) : signal
    }

    /// Returns the part of the workspace for the gradient of the outputs that count, in the shape of those outputs.
    /// Sets the gradient of all other outputs to zero.
    func outputGradient(_ workspace: Workspace<Arithmetic>) -> Values<Scalar> {
        gradient(ofOutput: nodes.count - 1, workspace, lastOnly: tail == nodes.count)
    }

    private func gradient(
        ofOutput index: Int, _ workspace: Workspace<Arithmetic>, lastOnly: Bool
    ) -> Values<Scalar> {
        let gradient = workspace.parts[index].gradient
        guard lastOnly else { return gradient }
        let before = (workspace.parts[index].outputSteps - 1) * nodes[index].units * lanes
        gradient.fill(0, count: before)
        return gradient + before
    }

    /// Adds up the gradients of all weights. Call ``forward(steps:hasEnds:parameters:workspace:context:)`` first, and
    /// then write the gradient of the outputs to ``outputGradient(_:)``.
    func backward(parameters: Values<Scalar>, gradient: Values<Scalar>, workspace: Workspace<Arithmetic>) {
        for index in nodes.indices.reversed() {
            let part = workspace.parts[index]
            let dx =
                index > firstTrained ? self.gradient(ofOutput: index - 1, workspace, lastOnly: index == tail) : nil
            nodes[index].pass.backward(
                part.gradient, input: part.input, memory: part.memory, weights: parameters + nodes[index].weights,
                gradient: gradient + nodes[index].weights, dx: dx)
            if dx == nil { return }
        }
    }
}
