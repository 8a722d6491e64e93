package import ModelFiles
import Streams

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

        fileprivate init(_ layer: ModelFile.LayerSummary) {
            name = layer.name
            kind = layer.kind
            outputShape = layer.outputShape
            parameters = layer.parameters
            trainableParameters = layer.trainableParameters
            activations = layer.activations
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
    /// The modes in which the daemon and `predict` can run the model.
    package let modes: ServedModes
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
    /// The conditions under which Keras gives the same answers. Each is worded as the end of a sentence about the
    /// model.
    package let cautions: [String]
    /// Whether the model needs a whole sequence or window for each answer. If it does, the daemon buffers each stream's
    /// timesteps.
    package let needsWholeSequences: Bool
    /// Whether the model answers every timestep, because its last recurrent layer returns sequences.
    package let answersEveryTimestep: Bool
    /// The number of floats of state that each stream keeps between timesteps; 0 if timesteps are buffered instead.
    package let stateSize: Int
    /// The SHA-256 of architecture and weights, as 64 hexadecimal digits.
    package let fingerprint: String
    /// The layers in order.
    package let layers: [Layer]

    private enum CodingKeys: String, CodingKey {
        case file, name, format
        case kerasVersion = "keras_version"
        case mode, modes
        case sequenceLength = "sequence_length"
        case features, tokens, outputs, parameters, loss, cautions
        case trainableParameters = "trainable_parameters"
        case outputMeaning = "output_meaning"
        case answersEveryTimestep = "answers_every_timestep"
        case needsWholeSequences = "needs_whole_sequences"
        case stateSize = "state_size"
        case fingerprint, layers
    }

    /// Creates a summary.
    ///
    /// - Parameters:
    ///   - path: The file's path.
    ///   - source: The file.
    package init(of path: String, _ source: ModelFile) {
        let (model, served) = (source.model, ServableModel(source))
        file = path
        name = source.name
        format = source.format
        kerasVersion = source.kerasVersion
        mode = served.standardMode.description
        modes = ServedModes(of: served)
        sequenceLength = source.sequenceLength
        features = model.features
        tokens = model.vocabulary
        outputs = model.outputs
        loss = source.loss?.name
        outputMeaning = source.outputMeaning.rawValue
        cautions = source.cautions
        layers = source.layers.map(Layer.init)
        parameters = layers.reduce(0) { $0 + $1.parameters }
        trainableParameters = layers.reduce(0) { $0 + $1.trainableParameters }
        needsWholeSequences = !model.isCausal
        answersEveryTimestep = source.answersEveryTimestep
        stateSize = model.stateSize
        fingerprint = source.fingerprint
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
        for (topic, words) in modes.facts { facts.append([topic, words]) }
        if mode == "sequence", sequenceLength == 1 {
            let advice = needsWholeSequences ? "" : "; --mode stateful keeps state between timesteps"
            facts.append(["", "every timestep is a whole sequence\(advice)"])
        }
        facts.append(["Features", tokens.map { "1 token a timestep, 0 to \($0 - 1)" } ?? "\(features) a timestep"])
        facts.append(["Outputs", "\(outputs), \(Self.outputWords[outputMeaning] ?? outputMeaning)"])
        for (index, caution) in cautions.enumerated() { facts.append([index == 0 ? "Caution" : "", caution]) }
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
