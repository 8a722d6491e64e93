package import Recurrent

/// A model read from a file: the engine's model and a human-readable description.
package struct ModelFile: Sendable {
    /// One row of Keras' `summary()`.
    package struct LayerSummary: Equatable, Sendable {
        /// The layer's name in Keras, such as `lstm_1`.
        package let name: String
        /// The layer's class in Keras, such as `LSTM`.
        package let kind: String
        /// The layer's output as Keras prints it, the batch axis first: `(None, 24, 10)`.
        package let outputShape: String
        /// The number of weights in the layer. Keras' own figure also includes the sample count that a Normalization
        /// stores.
        package let parameters: Int
        /// The number of trainable weights.
        package let trainableParameters: Int
        /// Keras' names for the functions that the layer applies. For a recurrent layer, the cell's function is first,
        /// then the gates' function.
        package let activations: [String]
    }

    /// The network, ready to step.
    package let model: Model
    /// SHA-256 of the architecture and the weights, as 64 hexadecimal digits. The fingerprint does not depend on the
    /// file's format, on the names of the layers or on whether the model is stateful.
    package let fingerprint: String
    /// Whether the state carries over from one call of Keras' `predict` to the next, because all recurrent layers have
    /// `stateful=True`. A model that mixes stateful and stateless layers is refused. A model without state is not
    /// stateful.
    package let isStateful: Bool
    /// Whether the model answers every timestep, because its last recurrent layer returns sequences.
    package let answersEveryTimestep: Bool
    /// The number of timesteps in the model's input; nil if the model takes any number, or if the file does not state
    /// it.
    package let sequenceLength: Int?
    /// The model's name in Keras.
    package let name: String
    /// The file's format, determined from its contents: `Keras 3 (.keras)`, `Keras HDF5 (.h5)`, `Sluice (.safetensors)`
    /// with its source format, or `PyTorch (.safetensors)`.
    package let format: String
    /// The version of Keras that wrote the file, if the file states it.
    package let kerasVersion: String?
    /// The loss that the model was compiled with, if the file states it.
    package let loss: CompiledLoss?
    /// The meaning of the model's outputs.
    package let outputMeaning: OutputMeaning
    /// The conditions under which Keras' own answers are the same, each as the end of a sentence about the model.
    package let cautions: [String]
    /// The layers in order, as Keras' `summary()` lists them.
    package let layers: [LayerSummary]
    /// For each of ``layers``, whether the engine's model includes it. The engine omits layers that do nothing in
    /// inference.
    let isComputed: [Bool]

    /// Reads a Sequential or Functional model from a file. The file may be a Keras 3
    /// archive (`.keras`), a whole-model Keras HDF5 file (`.h5`), Sluice's own `.safetensors`, or a PyTorch state dict
    /// (`.safetensors`) with a description file beside it.
    ///
    /// The format is determined from the file's first bytes, not from its name. The file is untrusted. A Keras file is
    /// read in a separate process.
    ///
    /// - Parameter path: The path of the file, absolute or relative to the working directory.
    /// - Returns: The model with its description.
    /// - Throws: ``ModelFileError`` that names the file and, if a layer is at fault, the layer.
    package static func read(_ path: String) throws(ModelFileError) -> ModelFile {
        try named(path) { () throws(Defect) in
            let source = try ModelSource.read(path)
            return try ModelFile(source.form, format: source.format)
        }
    }

    /// Reads a model file of any format and writes the same model as Sluice's `.safetensors`, which ``read(_:)``
    /// accepts.
    ///
    /// The output file appears whole or not at all.
    ///
    /// - Parameters:
    ///   - input: The path of the model file.
    ///   - output: The path of the new file.
    ///   - replacing: Whether to replace an existing file.
    ///   - mode: The permissions of the new file, regardless of the umask.
    /// - Returns: The number of bytes written.
    /// - Throws: ``ModelFileError`` with the path of the file at fault. The code is `exists`, `notWritten` or a code
    ///   that ``read(_:)`` throws.
    package static func convert(
        _ input: String, to output: String, replacing: Bool, mode: UInt16 = 0o600
    ) throws(ModelFileError) -> Int {
        try named(output) { () throws(Defect) in try OutputFile.check(output, replacing: replacing) }
        let bytes = try named(input) { () throws(Defect) in
            let source = try ModelSource.read(input)
            // Refuse to convert a model that cannot be served.
            _ = try ModelFile(source.form, format: source.format)
            return source.form.bytes
        }
        try named(output) { () throws(Defect) in
            try OutputFile.write(bytes, to: output, replacing: replacing, mode: mode)
        }
        return bytes.count
    }

    static func named<Result>(_ path: String, _ read: () throws(Defect) -> Result) throws(ModelFileError)
        -> Result
    {
        do {
            return try read()
        } catch {
            throw ModelFileError(code: error.code, path: path, layer: error.layer, context: error.context)
        }
    }

    init(_ form: ExchangeForm, format: String) throws(Defect) {
        // If the file states no version, its options mean the same as in Keras 3.
        let architecture = try KerasArchitecture(
            json: form.architecture, source: "architecture", kerasVersion: form.kerasVersion ?? "3")
        let version = form.kerasVersion == ExchangeForm.unknownVersion ? nil : form.kerasVersion
        try self.init(
            architecture, weights: form.weights(of: architecture.layers), loss: form.loss, format: format,
            kerasVersion: version)
    }

    /// Builds the engine's model, which also checks the shapes of the weights.
    private init(
        _ architecture: KerasArchitecture, weights: [[Tensor]], loss: CompiledLoss?, format: String,
        kerasVersion: String?
    ) throws(Defect) {
        let built = try architecture.build(weights: weights)
        do {
            model = try Model(layers: built.layers)
        } catch {
            throw Defect(error.code == .empty ? .unsupported : .corrupt, error.context)
        }
        if !architecture.takesTokens, let features = architecture.inputShape.axes.last, let features,
            features != model.features
        {
            throw Defect(
                .corrupt,
                "the input shape is \(architecture.inputShape), but the weights need \(model.features) features")
        }
        fingerprint = Fingerprint.of(model)
        isStateful = try architecture.isStateful()
        let length = architecture.sequenceLength ?? (architecture.takesOneTimestep && !model.isCausal ? 1 : nil)
        sequenceLength = length
        answersEveryTimestep =
            architecture.calls.last?.outputShape.axes.count == 3 && model.keepsTimesteps(of: length)
        name = architecture.name
        self.format = format
        self.kerasVersion = kerasVersion
        self.loss = loss
        outputMeaning = OutputMeaning(of: model, loss: loss)
        cautions = architecture.cautions
        isComputed = built.parameters.map { $0 != nil }
        layers = zip(architecture.layers, weights).map { layer, weights in
            LayerSummary(
                layer, parameters: weights.reduce(0) { $0 + $1.values.count },
                trainableParameters: layer.trainableParameters(in: weights))
        }
    }
}

extension Model {
    /// Checks whether the model has an output at every timestep.
    ///
    /// - Parameter length: The number of timesteps in each sequence; nil for any number.
    /// - Returns: Whether the number of outputs is the number of timesteps.
    fileprivate func keepsTimesteps(of length: Int?) -> Bool {
        if keepsTimesteps { return true }
        guard let length else { return false }
        return timesteps(of: length) == length
    }
}

extension ModelFile.LayerSummary {
    fileprivate init(_ layer: KerasArchitecture.NamedLayer, parameters: Int, trainableParameters: Int) {
        name = layer.name
        kind = layer.className
        outputShape = layer.outputShape.description
        self.parameters = parameters
        self.trainableParameters = trainableParameters
        activations = layer.layer.activations.map { ($0 == .hardSigmoidOfKeras2 ? .hardSigmoid : $0).name }
    }
}

extension KerasArchitecture.NamedLayer {
    /// Returns the number of trainable values among the weights that are read.
    fileprivate func trainableParameters(in tensors: [Tensor]) -> Int {
        guard isTrainable else { return 0 }
        return zip(weights.filter(\.isRead), tensors).reduce(0) { $0 + ($1.0.isTrainable ? $1.1.values.count : 0) }
    }
}
