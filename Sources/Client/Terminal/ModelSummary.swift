/// The contents of a model file, as `sluice inspect` shows them.
public struct ModelSummary: Equatable, Encodable, Sendable {
    /// One row of Keras' `summary()`.
    public struct Layer: Equatable, Encodable, Sendable {
        /// The layer's name in Keras.
        public let name: String
        /// The layer's class in Keras.
        public let kind: String
        /// The layer's output as Keras prints it.
        public let outputShape: String
        /// How many weights it has.
        public let parameters: Int

        private enum CodingKeys: String, CodingKey {
            case name, kind
            case outputShape = "output_shape"
            case parameters
        }

        /// Creates a row; each parameter is the property of its name.
        public init(name: String, kind: String, outputShape: String, parameters: Int) {
            self.name = name
            self.kind = kind
            self.outputShape = outputShape
            self.parameters = parameters
        }
    }

    /// The file's path.
    public let file: String
    /// The model's name in Keras.
    public let name: String
    /// The file's format.
    public let format: String
    /// The version of Keras that wrote the file, where it tells.
    public let kerasVersion: String?
    /// How the daemon runs the model unless it is told otherwise: `stateful` or `sequence`.
    public let mode: String
    /// Timesteps in each sequence, by the model's input shape; nil where that leaves it open.
    public let sequenceLength: Int?
    /// Floats in one timestep; 1 for a token.
    public let features: Int
    /// How many tokens there are, where a timestep is a token.
    public let tokens: Int?
    /// Probabilities in one decision.
    public let outputs: Int
    /// How many weights the model has.
    public let parameters: Int
    /// Whether the model answers only to whole sequences, or windows: a stream's timesteps are buffered until then.
    public let needsWholeSequences: Bool
    /// Floats that a stream remembers between two timesteps; 0 where these are buffered.
    public let stateSize: Int
    /// SHA-256 over architecture and weights, 64 hexadecimal digits.
    public let fingerprint: String
    /// The layers in order.
    public let layers: [Layer]

    private enum CodingKeys: String, CodingKey {
        case file, name, format
        case kerasVersion = "keras_version"
        case mode
        case sequenceLength = "sequence_length"
        case features, tokens, outputs, parameters
        case needsWholeSequences = "needs_whole_sequences"
        case stateSize = "state_size"
        case fingerprint, layers
    }

    /// Creates a summary; each parameter is the property of its name, `isStateful` tells the mode.
    public init(
        file: String, name: String, format: String, kerasVersion: String?, isStateful: Bool, features: Int,
        tokens: Int?, outputs: Int, parameters: Int, needsWholeSequences: Bool, stateSize: Int, fingerprint: String,
        layers: [Layer], sequenceLength: Int? = nil
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
        self.needsWholeSequences = needsWholeSequences
        self.stateSize = stateSize
        self.fingerprint = fingerprint
        self.layers = layers
    }

    /// The summary as a person reads it.
    public var lines: [String] {
        var table = TextTable([.init("Layer (type)"), .init("Output Shape"), .init("Param #", .right)])
        for layer in layers {
            table.append(["\(layer.name) (\(layer.kind))", layer.outputShape, Quantity.count(layer.parameters)])
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
        facts.append(["Outputs", "\(outputs)"])
        let bytes = Quantity.bytes(stateSize * MemoryLayout<Float>.size)
        let state = "\(Quantity.count(stateSize, of: "float")) a stream (\(bytes))"
        facts.append(["State", needsWholeSequences ? "none: it needs the whole sequence, which is buffered" : state])
        facts.append(["Fingerprint", fingerprint])
        let weights = Quantity.bytes(parameters * MemoryLayout<Float>.size)
        return ["Model: \"\(name)\""] + rows + [rule, "Total params: \(Quantity.count(parameters)) (\(weights))", ""]
            + facts.lines
    }
}
