/// The content of a model file, as `sluice inspect` shows it.
package struct ModelSummary: Equatable, Encodable, Sendable {
    /// One row of Keras' `summary()`.
    package struct Layer: Equatable, Encodable, Sendable {
        /// The layer's name in Keras.
        package let name: String
        /// The layer's class in Keras.
        package let kind: String
        /// The shape of the layer's output, as Keras prints it.
        package let outputShape: String
        /// The number of weights.
        package let parameters: Int
        /// The number of trainable weights.
        package let trainableParameters: Int
        /// The activation functions of the layer. For a recurrent layer, the cell's function comes first, followed by
        /// the gates' function.
        package let activations: [String]

        private enum CodingKeys: String, CodingKey {
            case name, kind, activations
            case outputShape = "output_shape"
            case parameters
            case trainableParameters = "trainable_parameters"
        }

        /// Creates a row. Each parameter sets the property of the same name.
        package init(
            name: String, kind: String, outputShape: String, parameters: Int, trainableParameters: Int,
            activations: [String]
        ) {
            self.name = name
            self.kind = kind
            self.outputShape = outputShape
            self.parameters = parameters
            self.trainableParameters = trainableParameters
            self.activations = activations
        }
    }

    /// The file's path.
    package let file: String
    /// The model's name in Keras.
    package let name: String
    /// The file's format.
    package let format: String
    /// The version of Keras that wrote the file, if the file states it.
    package let kerasVersion: String?
    /// The daemon's default mode for the model: `stateful` or `sequence`.
    package let mode: String
    /// The number of timesteps in each sequence; nil if the model's input shape does not fix it.
    package let sequenceLength: Int?
    /// The number of floats in one timestep; 1 for a token.
    package let features: Int
    /// The size of the vocabulary, if a timestep is a token.
    package let tokens: Int?
    /// The number of outputs in one decision.
    package let outputs: Int
    /// The number of weights in the model.
    package let parameters: Int
    /// The number of trainable weights in the model.
    package let trainableParameters: Int
    /// The loss with which the model was compiled, by its name in Keras, if the file states it.
    package let loss: String?
    /// The meaning of the outputs: `probability`, `logit` or `number`.
    package let outputMeaning: String
    /// Whether the model needs a whole sequence or window for each answer. If it does, the daemon buffers each stream's
    /// timesteps.
    package let needsWholeSequences: Bool
    /// The number of floats of state that each stream keeps between timesteps; 0 if timesteps are buffered instead.
    package let stateSize: Int
    /// The SHA-256 of architecture and weights, as 64 hexadecimal digits.
    package let fingerprint: String
    /// The layers in order.
    package let layers: [Layer]

    private enum CodingKeys: String, CodingKey {
        case file, name, format
        case kerasVersion = "keras_version"
        case mode
        case sequenceLength = "sequence_length"
        case features, tokens, outputs, parameters, loss
        case trainableParameters = "trainable_parameters"
        case outputMeaning = "output_meaning"
        case needsWholeSequences = "needs_whole_sequences"
        case stateSize = "state_size"
        case fingerprint, layers
    }

    /// Creates a summary. Each parameter sets the property of the same name. `isStateful` determines the mode.
    package init(
        file: String, name: String, format: String, kerasVersion: String?, isStateful: Bool, features: Int,
        tokens: Int?, outputs: Int, parameters: Int, needsWholeSequences: Bool, stateSize: Int, fingerprint: String,
        layers: [Layer], sequenceLength: Int? = nil, loss: String? = nil, outputMeaning: String = "probability"
    ) {
        self.file = file
        self.name = name
        self.format = format
        self.kerasVersion = kerasVersion
        mode = isStateful ? "stateful" : "sequence"
        self.sequenceLength = sequenceLength
        self.features = features
        self.tokens = tokens
        self.outputs = outputs
        self.parameters = parameters
        self.loss = loss
        self.outputMeaning = outputMeaning
        trainableParameters = layers.reduce(0) { $0 + $1.trainableParameters }
        self.needsWholeSequences = needsWholeSequences
        self.stateSize = stateSize
        self.fingerprint = fingerprint
        self.layers = layers
    }

    /// The human-readable summary.
    package var lines: [String] {
        var table = TextTable([
            .init("Layer (type)"), .init("Output Shape"), .init("Param #", .right), .init("Activation"),
        ])
        for layer in layers {
            table.append([
                "\(layer.name) (\(layer.kind))", layer.outputShape, Quantity.count(layer.parameters),
                Self.activations(of: layer),
            ])
        }
        let rule = String(repeating: "─", count: table.lines.map(\.count).max() ?? 0)
        var rows = table.lines
        rows.insert(rule, at: 1)
        var facts = TextTable([.init("File"), .init(file)])
        facts.append(["Format", format + (kerasVersion.map { ", Keras \($0)" } ?? "")])
        facts.append(["Mode", mode + (mode == "stateful" ? " (stateful=True)" : " (stateful=False)")])
        if mode == "sequence", sequenceLength == 1 {
            let advice = needsWholeSequences ? "" : "; --mode stateful keeps state between timesteps"
            facts.append(["", "every timestep is a whole sequence\(advice)"])
        }
        facts.append(["Features", tokens.map { "1 token a timestep, 0 to \($0 - 1)" } ?? "\(features) a timestep"])
        facts.append(["Outputs", "\(outputs), \(Self.outputWords[outputMeaning] ?? outputMeaning)"])
        if let loss { facts.append(["Loss", loss]) }
        let bytes = Quantity.bytes(stateSize * MemoryLayout<Float>.size)
        let state = "\(Quantity.count(stateSize, of: "float")) a stream (\(bytes))"
        facts.append(["State", needsWholeSequences ? "none: it needs the whole sequence, which is buffered" : state])
        facts.append(["Fingerprint", fingerprint])
        let others = parameters - trainableParameters
        let counts = [("Total", parameters), ("Trainable", trainableParameters), ("Non-trainable", others)].map {
            name, count in
            let bytes = Quantity.bytes(count * MemoryLayout<Float>.size)
            return "\(name) params: \(Quantity.count(count)) (\(bytes))"
        }
        return ["Model: \"\(name)\""] + rows + [rule] + counts + [""] + facts.lines
    }

    /// The meanings of the outputs, as text.
    private static let outputWords = [
        "probability": "probability", "logit": "logit: above 0 is above a probability of one half",
        "number": "any number: the model is no classifier, so that a label means little",
    ]

    private static func activations(of layer: Layer) -> String {
        let names = layer.activations
        let isRecurrent = layer.kind == "LSTM" || layer.kind == "GRU" || layer.kind == "Bidirectional"
        return names.count == 2 && isRecurrent ? "\(names[0]), gates \(names[1])" : names.joined(separator: ", ")
    }
}
