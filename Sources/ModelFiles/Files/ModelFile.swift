public import Recurrent

/// A model read from a file: what the engine steps, and what people want to know about it.
public struct ModelFile: Sendable {
    /// One row of Keras' `summary()`.
    public struct LayerSummary: Equatable, Sendable {
        /// The layer's name in Keras, such as `lstm_1`.
        public let name: String
        /// The layer's class in Keras, such as `LSTM`.
        public let kind: String
        /// The layer's output as Keras prints it, the batch axis first: `(None, 24, 10)`.
        public let outputShape: String
        /// How many weights the layer has. Keras also counts the number of samples that a Normalization saw.
        public let parameters: Int
    }

    /// The network, ready to be stepped.
    public let model: Model
    /// SHA-256 of the architecture and the weights, 64 hexadecimal digits: equal for the same model in either format,
    /// whatever the names of its layers and whether it is stateful.
    public let fingerprint: String
    /// Whether the state goes on from one call of Keras' `predict` to the next: all recurrent layers say
    /// `stateful=True`. A model in which some do and others do not is refused; one without state is not stateful.
    public let isStateful: Bool
    /// How many timesteps the model's input has; nil where it takes any number, or the file does not tell.
    public let sequenceLength: Int?
    /// The model's name in Keras.
    public let name: String
    /// The file's format, found from its contents: `Keras 3 (.keras)`, `Keras HDF5 (.h5)`,
    /// `Sluice (.safetensors)`, with what it was converted from, or `PyTorch (.safetensors)`.
    public let format: String
    /// The version of Keras that wrote the file, where it tells.
    public let kerasVersion: String?
    /// The layers in order, as Keras' `summary()` lists them.
    public let layers: [LayerSummary]

    /// Reads a Sequential model from a file of any of the formats: a Keras 3 archive (`.keras`), a whole-model HDF5 file
    /// of Keras (`.h5`), Sluice's own `.safetensors`, or a state dict of PyTorch in a `.safetensors` with a description
    /// beside it.
    ///
    /// The format is found from the file's first bytes, not from its name. The file is not trusted; one of Keras is read
    /// in a process apart.
    ///
    /// - Parameter path: Where the file is, relative to the working directory or absolute.
    /// - Returns: The model with what the file tells about it.
    /// - Throws: ``ModelFileError`` that names the file and, where there is one, the layer.
    public static func read(_ path: String) throws(ModelFileError) -> ModelFile {
        try named(path) { () throws(Defect) in
            let source = try ModelSource.read(path)
            return try ModelFile(source.form, format: source.format)
        }
    }

    /// Reads a model file of any format and writes the same model as a `.safetensors` of Sluice, which ``read(_:)`` takes.
    ///
    /// The file appears whole or not at all.
    ///
    /// - Parameters:
    ///   - input: The file that is read.
    ///   - output: The file that is written.
    ///   - replacing: Whether a file that is there already may be replaced.
    ///   - mode: The permissions of the file that is written, whatever the umask.
    /// - Returns: How many bytes were written.
    /// - Throws: ``ModelFileError`` with the path of one of the two: what ``read(_:)`` throws, `exists`, `notWritten`.
    public static func convert(
        _ input: String, to output: String, replacing: Bool, mode: UInt16 = 0o600
    ) throws(ModelFileError) -> Int {
        try named(output) { () throws(Defect) in try OutputFile.check(output, replacing: replacing) }
        let bytes = try named(input) { () throws(Defect) in
            let source = try ModelSource.read(input)
            // What cannot be served is not converted.
            _ = try ModelFile(source.form, format: source.format)
            return source.form.bytes
        }
        try named(output) { () throws(Defect) in
            try OutputFile.write(bytes, to: output, replacing: replacing, mode: mode)
        }
        return bytes.count
    }

    private static func named<Result>(_ path: String, _ read: () throws(Defect) -> Result) throws(ModelFileError)
        -> Result
    {
        do {
            return try read()
        } catch {
            throw ModelFileError(code: error.code, path: path, layer: error.layer, context: error.context)
        }
    }

    private init(_ form: ExchangeForm, format: String) throws(Defect) {
        // A form without a version is meant as the newest Keras means it.
        let architecture = try KerasArchitecture(
            json: form.architecture, source: "architecture", kerasVersion: form.kerasVersion ?? "3")
        let version = form.kerasVersion == ExchangeForm.unknownVersion ? nil : form.kerasVersion
        try self.init(
            architecture, weights: form.weights(of: architecture.layers), format: format, kerasVersion: version)
    }

    /// Builds the engine's model, whose own checks find weights of wrong shapes.
    private init(
        _ architecture: KerasArchitecture, weights: [[Tensor]], format: String, kerasVersion: String?
    ) throws(Defect) {
        var layers: [(any Layer)?] = []
        for (layer, weights) in zip(architecture.layers, weights) {
            do {
                layers.append(try layer.layer.build(weights: weights, input: layer.inputShape))
            } catch {
                throw Defect(.corrupt, error.context).inLayer(layer.name, className: layer.className)
            }
        }
        do {
            model = try Model(layers: layers.compactMap(\.self))
        } catch {
            throw Defect(error.code == .empty ? .unsupported : .corrupt, error.context)
        }
        if !architecture.takesTokens, let features = architecture.inputShape.axes.last, let features,
            features != model.features
        {
            throw Defect(
                .corrupt, "the input is said to be \(architecture.inputShape), but the weights take \(model.features)")
        }
        fingerprint = Fingerprint.of(model)
        isStateful = try architecture.isStateful()
        sequenceLength = architecture.sequenceLength
        name = architecture.name
        self.format = format
        self.kerasVersion = kerasVersion
        self.layers = zip(architecture.layers, layers).map { described, built in
            LayerSummary(
                name: described.name, kind: described.className, outputShape: described.outputShape.description,
                parameters: built?.parameters ?? 0)
        }
    }
}
