import Recurrent

/// The content of a `.keras` archive to write.
///
/// A request is encoded as the length of a safetensors file (64 bits, little-endian), the file itself, and the archive
/// to copy from.
package struct KerasWriteRequest {
    /// The text of a new archive's `config.json`, without the compile options.
    package let configuration: [UInt8]
    /// The options that the model is compiled with; nil if it is not compiled.
    package let compilation: KerasCompilation?
    /// The version of Keras that defines the meaning of options in a new archive.
    package let kerasVersion: String
    /// The weights, named as in the exchange form.
    package let weights: [NamedTensor]
    /// The optimizer's variables; nil if the model is not compiled.
    package let optimizer: OptimizerVariables?
    /// An archive of the same model. Everything in it is kept, except for the weights, the compile options and the
    /// optimizer's variables. Empty for a new archive.
    package let source: [UInt8]

    private enum Key {
        static let configuration = "configuration"
        static let compilation = "compile_config"
        static let kerasVersion = "keras_version"
    }
    private static let lengthSize = 8

    /// Creates a request. Each parameter sets the property of the same name.
    init(
        configuration: [UInt8], compilation: KerasCompilation?, kerasVersion: String, weights: [NamedTensor],
        optimizer: OptimizerVariables?, source: [UInt8]
    ) {
        self.configuration = configuration
        self.compilation = compilation
        self.kerasVersion = kerasVersion
        self.weights = weights
        self.optimizer = optimizer
        self.source = source
    }

    /// The request as bytes.
    var bytes: [UInt8] {
        var metadata = [
            Key.configuration: String(decoding: configuration, as: UTF8.self), Key.kerasVersion: kerasVersion,
        ]
        metadata[Key.compilation] = (compilation?.json).map { String(decoding: $0, as: UTF8.self) }
        optimizer?.add(to: &metadata)
        let tensors = Safetensors.bytes(metadata: metadata, tensors: weights + (optimizer?.named ?? []))
        return (0..<Self.lengthSize).map { UInt8(truncatingIfNeeded: tensors.count >> (8 * $0)) } + tensors + source
    }

    /// Decodes a request.
    ///
    /// - Throws: ``Defect`` with the code `corrupt`.
    package init(_ bytes: [UInt8]) throws(Defect) {
        let length = bytes.prefix(Self.lengthSize).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard bytes.count >= Self.lengthSize, length <= bytes.count - Self.lengthSize else {
            throw Defect(.corrupt, "the request to write a Keras file is incomplete")
        }
        let end = Self.lengthSize + Int(length)
        let file = try Safetensors(Array(bytes[Self.lengthSize..<end]))
        guard let configuration = file.metadata[Key.configuration], let version = file.metadata[Key.kerasVersion] else {
            throw Defect(.corrupt, "the request to write a Keras file has no configuration")
        }
        self.configuration = Array(configuration.utf8)
        compilation = file.metadata[Key.compilation].flatMap { KerasCompilation(json: Array($0.utf8)) }
        kerasVersion = version
        (weights, optimizer) = try OptimizerVariables.split(file)
        source = Array(bytes[end...])
    }
}
