import FoundationEssentials
import Recurrent
import Wire

/// A PyTorch state dict with its description, converted to the exchange form
/// (<https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html> and the pages on GRU, RNN, Linear and
/// Embedding).
///
/// PyTorch multiplies a matrix (outputs, inputs) by a column. Keras multiplies a row by a matrix (inputs, outputs). All
/// matrices are therefore transposed.
struct TorchModel {
    /// The name of the format.
    static let format = "PyTorch (.safetensors)"

    private var tensors: TorchTensors
    private var layers: [JSONValue] = []
    private var weights: [NamedTensor] = []

    /// Converts a state dict to the exchange form.
    ///
    /// - Parameters:
    ///   - file: The state dict.
    ///   - path: The path of the state dict; the description is beside it.
    /// - Returns: The same model in Keras' vocabulary.
    /// - Throws: ``Defect`` if there is no description, or if it does not match the state dict.
    static func read(_ file: Safetensors, path: String) throws(Defect) -> ExchangeForm {
        let description = try TorchDescription.beside(path)
        var model = TorchModel(tensors: TorchTensors(file))
        var format = format
        let lastRecurrent = description.layers.lastIndex { $0.kind.gates != nil }
        for (index, layer) in description.layers.enumerated() {
            // A layer that feeds a later recurrent layer, directly or indirectly, returns whole sequences.
            let feedsRecurrent = lastRecurrent.map { index < $0 } ?? false
            guard !feedsRecurrent || layer.output == nil else {
                throw Defect(
                    .unsupported,
                    "output of the layer '\(layer.module)' is not supported, because a recurrent layer follows; supported: "
                        + "output of the last recurrent layer")
            }
            let output = index == lastRecurrent ? try model.output(of: layer) : nil
            if let output { format += ", output \(output.rawValue)" }
            let returnsSequences = feedsRecurrent || output == .lastTimestep
            try model.append(layer, returnsSequences: returnsSequences, isStateful: description.isStateful)
        }
        try model.tensors.requireAllUsed()
        model.layers.insert(try model.input(description), at: 0)
        let architecture: JSONValue = .object([
            "class_name": .string("Sequential"), "config": .object(["layers": .array(model.layers)]),
        ])
        guard let json = try? JSONEncoder().encode(architecture) else {
            preconditionFailure("names and whole numbers have a JSON text")
        }
        return try ExchangeForm(
            architecture: Array(json), kerasVersion: nil, sourceFormat: format, tensors: model.weights)
    }

    /// Returns which output of the last recurrent module is passed to the next layer; nil if there is no choice.
    ///
    /// - Throws: ``Defect`` if the module is bidirectional and the description does not make the choice.
    private func output(of layer: TorchDescription.Layer) throws(Defect) -> TorchDescription.Output? {
        let prefix = layer.module.isEmpty ? "" : layer.module + "."
        guard tensors.has("\(prefix)weight_ih_l0_reverse") else { return nil }
        guard let output = layer.output else {
            throw Defect(
                .unsupported,
                "'\(layer.module)' is bidirectional, and its description does not say which output the next layer takes; add "
                    + "'output: h_n' for torch.cat((h_n[-2], h_n[-1]), 1), or 'output: last_timestep' for out[:, -1]")
        }
        return output
    }

    /// Returns the InputLayer. Its shape comes from the description or, if the description has none, from the first
    /// layer's weights.
    private func input(_ description: TorchDescription) throws(Defect) -> JSONValue {
        let takesTokens = description.layers.first?.kind == .embedding
        let shape = description.inputShape ?? (takesTokens ? [nil] : [nil, features])
        let batch: JSONValue = description.isStateful ? .integer(1) : .null
        return .layer(
            "InputLayer",
            [
                "name": .string("input"), "dtype": .string(takesTokens ? "int32" : "float32"),
                "batch_shape": .array([batch] + shape.map { $0.map { .integer(Int64($0)) } ?? .null }),
            ])
    }

    /// The width of the first layer's input.
    private var features: Int? { weights.first?.tensor.shape.first }

    /// The slope of PyTorch's `leaky_relu`, which differs from the slope of Keras' function.
    private static let leakySlope = 0.01

    /// Returns an activation in Keras' notation.
    private static func activation(_ name: String) -> JSONValue {
        name == "leaky_relu" ? .layer("LeakyReLU", ["negative_slope": .number(leakySlope)]) : .string(name)
    }

    private mutating func append(
        _ layer: TorchDescription.Layer, returnsSequences: Bool, isStateful: Bool
    ) throws(Defect) {
        let name = layer.module.isEmpty ? layer.kind.rawValue : layer.module
        let prefix = layer.module.isEmpty ? "" : layer.module + "."
        switch layer.kind {
        case .embedding:
            let embeddings = try tensors.take("\(prefix)weight", rank: 2)
            weights.append(NamedTensor(name: "\(name)/embeddings", tensor: embeddings))
            layers.append(
                .layer(
                    "Embedding",
                    [
                        "name": .string(name), "input_dim": .integer(Int64(embeddings.shape[0])),
                        "output_dim": .integer(Int64(embeddings.shape[1])),
                    ]))
        case .linear:
            let kernel = try tensors.take("\(prefix)weight", rank: 2).transposed
            let bias = try tensors.takeIfPresent("\(prefix)bias", shape: [kernel.shape[1]])
            weights.append(NamedTensor(name: "\(name)/kernel", tensor: kernel))
            if let bias { weights.append(NamedTensor(name: "\(name)/bias", tensor: bias)) }
            layers.append(
                .layer(
                    "Dense",
                    [
                        "name": .string(name), "units": .integer(Int64(kernel.shape[1])),
                        "use_bias": .bool(bias != nil), "activation": layer.activation.map(Self.activation) ?? .null,
                    ]))
        case .layernorm, .batchnorm1d: try appendNormalization(layer, name: name, prefix: prefix)
        case .lstm, .gru, .rnn:
            let depth = tensors.depth(of: prefix)
            for level in 0..<depth {
                let cell = TorchCell(
                    kind: layer.kind, name: depth == 1 ? name : "\(name)_l\(level)", prefix: prefix, level: level,
                    activation: layer.activation, isStateful: isStateful,
                    returnsSequences: returnsSequences || level + 1 < depth)
                layers.append(try cell.read(from: &tensors, into: &weights))
            }
        }
    }
}

extension TorchModel {
    /// Appends an `nn.LayerNorm` or `nn.BatchNorm1d` over the features of a timestep.
    private mutating func appendNormalization(
        _ layer: TorchDescription.Layer, name: String, prefix: String
    ) throws(Defect) {
        var names: [(torch: String, keras: String)] = []
        if layer.isAffine { names.append(("weight", "gamma")) }
        // An nn.LayerNorm may have a weight but no bias.
        let centers = layer.isAffine && (layer.kind == .batchnorm1d || tensors.has("\(prefix)bias"))
        if centers { names.append(("bias", "beta")) }
        if layer.kind == .batchnorm1d {
            guard tensors.has("\(prefix)running_mean") else {
                throw Defect(
                    .unsupported,
                    "the layer '\(layer.module)' has no running_mean; supported: nn.BatchNorm1d with track_running_stats"
                )
            }
            names += [("running_mean", "moving_mean"), ("running_var", "moving_variance")]
            // The number of batches only matters in training.
            tensors.leaveOut("\(prefix)num_batches_tracked")
        }
        for (torch, keras) in names {
            weights.append(
                NamedTensor(name: "\(name)/\(keras)", tensor: try tensors.take("\(prefix)\(torch)", rank: 1)))
        }
        layers.append(
            .layer(
                layer.kind.className,
                [
                    "name": .string(name), "epsilon": .number(layer.epsilon), "scale": .bool(layer.isAffine),
                    "center": .bool(centers),
                ]))
        if let activation = layer.activation {
            layers.append(
                .layer(
                    "Activation",
                    ["name": .string("\(name)_activation"), "activation": Self.activation(activation)]))
        }
    }
}

/// One level of a recurrent PyTorch module: a Keras layer, or two in a Bidirectional.
private struct TorchCell {
    let kind: TorchDescription.Kind
    /// The layer's name in Keras.
    let name: String
    /// The prefix of the module's tensor names.
    let prefix: String
    let level: Int
    let activation: String?
    let isStateful: Bool
    let returnsSequences: Bool

    /// Takes the cell's tensors out of the state dict, and returns the layer's configuration.
    func read(from tensors: inout TorchTensors, into weights: inout [NamedTensor]) throws(Defect) -> JSONValue {
        let backward = "\(prefix)weight_ih_l\(level)_reverse"
        guard tensors.has(backward) else {
            let config = try readDirection(from: &tensors, into: &weights, suffix: "l\(level)", name: name)
            return .layer(kind.className, config)
        }
        let forward = try readDirection(
            from: &tensors, into: &weights, suffix: "l\(level)", name: "\(name)/forward")
        _ = try readDirection(
            from: &tensors, into: &weights, suffix: "l\(level)_reverse", name: "\(name)/backward")
        var inner = forward
        inner["name"] = .string(kind.rawValue)
        return .layer(
            "Bidirectional",
            [
                "name": .string(name), "merge_mode": .string("concat"), "layer": .layer(kind.className, inner),
            ])
    }

    private func readDirection(
        from tensors: inout TorchTensors, into weights: inout [NamedTensor], suffix: String, name: String
    ) throws(Defect) -> [String: JSONValue] {
        let gates = kind.gates ?? []
        let recurrent = try tensors.take("\(prefix)weight_hh_\(suffix)", rank: 2)
        let units = recurrent.shape[1]
        let width = gates.count * units
        try tensors.require(recurrent, "\(prefix)weight_hh_\(suffix)", shape: [width, units])
        let input = try tensors.take("\(prefix)weight_ih_\(suffix)", rank: 2)
        try tensors.require(input, "\(prefix)weight_ih_\(suffix)", shape: [width, input.shape[1]])
        weights.append(NamedTensor(name: "\(name)/kernel", tensor: input.withBlocks(gates).transposed))
        weights.append(NamedTensor(name: "\(name)/recurrent_kernel", tensor: recurrent.withBlocks(gates).transposed))
        let inputBias = try tensors.takeIfPresent("\(prefix)bias_ih_\(suffix)", shape: [width])
        if let inputBias {
            let recurrentBias = try tensors.take("\(prefix)bias_hh_\(suffix)", shape: [width])
            let (one, other) = (inputBias.withBlocks(gates), recurrentBias.withBlocks(gates))
            // Only a GRU must keep the two biases apart, because the reset gate acts on the recurrent bias but not on
            // the input bias.
            let bias = kind == .gru ? one.stacked(on: other) : one.sum(with: other)
            weights.append(NamedTensor(name: "\(name)/bias", tensor: bias))
        }
        var config: [String: JSONValue] = [
            "name": .string(name), "units": .integer(Int64(units)), "use_bias": .bool(inputBias != nil),
            "stateful": .bool(isStateful), "return_sequences": .bool(returnsSequences),
        ]
        if kind == .gru { config["reset_after"] = .bool(true) }
        if kind == .rnn { config["activation"] = .string(activation ?? "tanh") }
        return config
    }
}

extension TorchDescription.Kind {
    /// For each gate in Keras' order, its position in PyTorch's order; nil for a layer that is not recurrent.
    ///
    /// Both libraries order an LSTM's gates as input, forget, cell, output. PyTorch orders a GRU's gates as reset,
    /// update, new. Keras orders them as update, reset, new.
    var gates: [Int]? {
        switch self {
        case .lstm: [0, 1, 2, 3]
        case .gru: [1, 0, 2]
        case .rnn: [0]
        case .linear, .embedding, .layernorm, .batchnorm1d: nil
        }
    }

    /// The Keras class that performs the same computation.
    var className: String {
        switch self {
        case .lstm: "LSTM"
        case .gru: "GRU"
        case .rnn: "SimpleRNN"
        case .linear: "Dense"
        case .embedding: "Embedding"
        case .layernorm: "LayerNormalization"
        case .batchnorm1d: "BatchNormalization"
        }
    }
}

extension JSONValue {
    /// Returns a layer's entry in a Keras configuration.
    fileprivate static func layer(_ className: String, _ config: [String: JSONValue]) -> JSONValue {
        .object(["class_name": .string(className), "config": .object(config)])
    }
}
