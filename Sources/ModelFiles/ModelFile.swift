import FoundationEssentials
public import Recurrent

/// A Keras model read from a file: what the engine steps, and what people want to know about it.
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
    /// The file's format, found from its contents: `Keras 3 (.keras)` or `Keras HDF5 (.h5)`.
    public let format: String
    /// The version of Keras that wrote the file, where it tells.
    public let kerasVersion: String?
    /// The layers in order, as Keras' `summary()` lists them.
    public let layers: [LayerSummary]

    /// Reads a Sequential model from a Keras 3 archive (`.keras`) or a legacy whole-model HDF5 file (`.h5`).
    ///
    /// The format is found from the file's first bytes, not from its name. The file is not trusted.
    ///
    /// - Parameter path: Where the file is, relative to the working directory or absolute.
    /// - Returns: The model with what the file tells about it.
    /// - Throws: ``ModelFileError`` that names the file and, where there is one, the layer.
    public static func read(_ path: String) throws(ModelFileError) -> ModelFile {
        do {
            return try ModelFile(bytes: try FileBytes.read(path))
        } catch {
            throw ModelFileError(code: error.code, path: path, layer: error.layer, context: error.context)
        }
    }

    private init(bytes: [UInt8]) throws(Defect) {
        if bytes.starts(with: Self.zipMagic) {
            try self.init(archive: bytes)
        } else if bytes.starts(with: Self.hdf5Magic) {
            try self.init(legacyFile: bytes)
        } else {
            throw Defect(
                .notAModel,
                "\(bytes.isEmpty ? "is empty" : "is not a Keras model"); supported: Keras 3 archives (.keras) and "
                    + "Keras HDF5 files of a whole model (.h5)")
        }
    }

    private static let zipMagic: [UInt8] = [0x50, 0x4B, 0x03, 0x04]
    private static let hdf5Magic: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    private init(archive bytes: [UInt8]) throws(Defect) {
        let entries = try ZipArchive.read(bytes) { archive throws(Defect) in
            (
                config: try archive.entry("config.json"), metadata: try archive.entry("metadata.json"),
                weights: try archive.entry("model.weights.h5")
            )
        }
        guard let config = entries.config else {
            throw Defect(.notAModel, "is a zip archive without config.json; supported: Keras 3 archives (.keras)")
        }
        let metadata = entries.metadata.flatMap { try? JSONDecoder().decode(ArchiveMetadata.self, from: Data($0)) }
        let architecture = try KerasArchitecture(
            json: config, source: "config.json", kerasVersion: metadata?.kerasVersion)
        guard let file = entries.weights else { throw Defect(.corrupt, "model.weights.h5 is missing") }
        let weights = try HDF5File.read(file) { file throws(Defect) in
            try KerasWeights.ofArchive(file, architecture)
        }
        try self.init(
            architecture, weights: weights, format: "Keras 3 (.keras)", kerasVersion: metadata?.kerasVersion)
    }

    private init(legacyFile bytes: [UInt8]) throws(Defect) {
        let (architecture, weights, version) = try HDF5File.read(bytes) { file throws(Defect) in
            guard let config = try file.string("model_config", of: "") else {
                throw Defect(
                    .notAModel,
                    "is an HDF5 file without model_config; supported: files of a whole model, not weights only")
            }
            let version = try file.string("keras_version", of: "")
            let architecture = try KerasArchitecture(
                json: Array(config.utf8), source: "model_config", kerasVersion: version)
            return (architecture, try KerasWeights.ofLegacyFile(file, architecture), version)
        }
        try self.init(architecture, weights: weights, format: "Keras HDF5 (.h5)", kerasVersion: version)
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

/// `metadata.json` of a `.keras` archive, as far as it is of use.
private struct ArchiveMetadata: Decodable {
    let kerasVersion: String

    private enum CodingKeys: String, CodingKey {
        case kerasVersion = "keras_version"
    }
}
