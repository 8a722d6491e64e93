package import Recurrent

/// A model file with everything that training reads and writes: the model, its compile options, and the optimizer's
/// variables.
///
/// If the document was read from a `.keras` archive, writing it as an archive preserves everything that Sluice does not
/// know.
package struct ModelDocument: Sendable {
    /// The model.
    package let file: ModelFile
    /// The options that the model was compiled with; nil if it is not compiled.
    package let compilation: KerasCompilation?
    /// The optimizer's variables; nil if the file has none.
    package let optimizer: OptimizerVariables?
    /// For each layer of the engine's model, the names of its weights in the exchange form, such as `lstm/kernel`.
    /// Numbers that Keras stores as options of a layer, such as those of a Rescaling, have no names.
    package let weightNames: [[String]]
    /// For each of ``weightNames``, whether the weight is trainable.
    package let isTrainable: [[Bool]]

    let form: ExchangeForm
    let architecture: KerasArchitecture
    /// The `.keras` archive that was read; empty for other formats.
    private let archive: [UInt8]
    /// The configuration of a new model in Keras' notation; nil for a model that was read.
    private let configuration: [UInt8]?

    /// Reads a model file of any format.
    ///
    /// - Parameter path: The path of the file.
    /// - Returns: The document.
    /// - Throws: ``ModelFileError`` as ``ModelFile/read(_:)`` does.
    package static func read(_ path: String) throws(ModelFileError) -> ModelDocument {
        try ModelFile.named(path) { () throws(Defect) in
            let source = try ModelSource.read(path, withTraining: true)
            return try ModelDocument(source.form, format: source.format, archive: source.archive)
        }
    }

    init(
        _ form: ExchangeForm, format: String, archive: [UInt8] = [], configuration: [UInt8]? = nil
    ) throws(Defect) {
        file = try ModelFile(form, format: format)
        architecture = try KerasArchitecture(
            json: form.architecture, source: "architecture", kerasVersion: form.kerasVersion ?? "3")
        compilation = form.training?.compilation
        optimizer = form.training?.optimizer
        self.form = form
        self.archive = archive
        self.configuration = configuration
        let layers = zip(architecture.layers, file.isComputed).compactMap { $1 ? $0 : nil }
        weightNames = layers.map { layer in layer.weights.filter(\.isRead).map(layer.tensorName) }
        isTrainable = layers.map { layer in
            layer.weights.filter(\.isRead).map { layer.isTrainable && $0.isTrainable }
        }
    }

    /// Returns the document with new weights and a new training state.
    ///
    /// - Parameters:
    ///   - weights: New values for weights, keyed by name in the exchange form. Other weights keep their values.
    ///   - compilation: The options that the model is compiled with.
    ///   - optimizer: The optimizer's variables.
    /// - Returns: The changed document.
    /// - Throws: ``ModelFileError`` with the code `corrupt` if a name is unknown, or if a weight has the wrong shape or
    ///   values that are not finite.
    package func replacing(
        weights: [String: Tensor], compilation: KerasCompilation?, optimizer: OptimizerVariables?
    ) throws(ModelFileError) -> ModelDocument {
        try ModelFile.named(file.name) { () throws(Defect) in
            let known = Set(form.tensors.map(\.name))
            if let unknown = weights.keys.sorted().first(where: { !known.contains($0) }) {
                throw Defect(.corrupt, "there is no weight '\(unknown)'")
            }
            let tensors = form.tensors.map { NamedTensor(name: $0.name, tensor: weights[$0.name] ?? $0.tensor) }
            let changed = try ExchangeForm(
                architecture: form.architecture, kerasVersion: form.kerasVersion, sourceFormat: form.sourceFormat,
                tensors: tensors, loss: compilation?.loss ?? form.loss,
                training: TrainingState(compilation: compilation, optimizer: optimizer))
            return try ModelDocument(changed, format: file.format, archive: archive, configuration: configuration)
        }
    }
}

// MARK: - Writing

extension ModelDocument {
    /// The file name endings of the formats that can be written.
    private static let endings = [".keras", ".safetensors"]

    /// Whether a path has the ending of a format that can be written.
    package static func isEnding(of path: String) -> Bool { endings.contains(where: path.hasSuffix) }

    /// The ending of the format that this build prefers.
    package static var usualEnding: String {
        #if Keras
        endings[0]
        #else
        endings[1]
        #endif
    }

    /// Checks whether a file may be written. Call this before training begins.
    ///
    /// - Parameters:
    ///   - path: The path of the new file.
    ///   - replacing: Whether to replace an existing file.
    /// - Throws: ``ModelFileError`` with the code `exists`, `notWritten` or `unsupported`.
    package static func checkOutput(_ path: String, replacing: Bool) throws(ModelFileError) {
        try ModelFile.named(path) { () throws(Defect) in
            guard isEnding(of: path) else {
                throw Defect(
                    .unsupported,
                    "the file must end in \(endings.joined(separator: " or ")), and the ending selects the format")
            }
            #if !Keras
            guard !path.hasSuffix(".keras") else {
                throw Defect(
                    .unsupported, "this build of Sluice does not write .keras; give an output that ends in .safetensors"
                )
            }
            #endif
            try OutputFile.check(path, replacing: replacing)
        }
    }

    /// Writes a `.keras` archive, which Keras 3 can load and continue to train, or Sluice's `.safetensors` with the
    /// same content.
    ///
    /// The file appears whole or not at all. Equal documents produce equal bytes.
    ///
    /// - Parameters:
    ///   - path: The path of the new file. Its ending selects the format.
    ///   - replacing: Whether to replace an existing file.
    ///   - mode: The permissions of the new file, regardless of the umask.
    /// - Returns: The number of bytes written.
    /// - Throws: ``ModelFileError`` with the code `exists`, `notWritten` or `unsupported`.
    @discardableResult
    package func write(to path: String, replacing: Bool, mode: UInt16 = 0o600) throws(ModelFileError) -> Int {
        try Self.checkOutput(path, replacing: replacing)
        return try ModelFile.named(path) { () throws(Defect) in
            let bytes = path.hasSuffix(".keras") ? try archiveBytes() : form.bytes
            try OutputFile.write(bytes, to: path, replacing: replacing, mode: mode)
            return bytes.count
        }
    }

    private func archiveBytes() throws(Defect) -> [UInt8] {
        #if Keras
        try KerasWriter.archive(
            KerasWriteRequest(
                configuration: archive.isEmpty ? newConfiguration() : [], compilation: compilation,
                kerasVersion: form.kerasVersion ?? KerasConfiguration.version, weights: form.tensors,
                optimizer: optimizer, source: archive))
        #else
        throw Defect(.unsupported, "this build of Sluice does not write .keras; give a file .safetensors")
        #endif
    }

    /// Returns the configuration for a new archive. A changed copy of an archive keeps the configuration that was read,
    /// except for the compile options.
    private func newConfiguration() throws(Defect) -> [UInt8] {
        if let configuration { return configuration }
        let shape = architecture.inputShape
        return try KerasConfiguration.archive(
            of: form, inputShape: architecture.takesTokens ? shape : shape.withFeatures(file.model.features),
            takesTokens: architecture.takesTokens)
    }
}
