#if Keras
import FoundationEssentials
package import ModelFiles

/// Reads Keras files into the exchange form, and writes `.keras` archives.
package enum KerasArchive {
    static let configurationEntry = "config.json"
    static let metadataEntry = "metadata.json"
    static let weightsEntry = "model.weights.h5"

    /// Reads an untrusted file. The C libraries may crash or loop on its bytes.
    ///
    /// - Parameters:
    ///   - bytes: The file.
    ///   - withTraining: Whether to read the training state too. The optimizer of an `.h5` file is never read.
    /// - Returns: The architecture and its weights.
    /// - Throws: ``Defect`` with the code `notAModel` or `corrupt`, or `unsupported` if a layer needs something that
    ///   the engine does not compute.
    package static func read(_ bytes: consuming [UInt8], withTraining: Bool = false) throws(Defect) -> ExchangeForm {
        var form =
            switch KerasFormat(of: bytes[..<min(8, bytes.count)]) {
            case .archive: try readArchive(consume bytes, withTraining: withTraining)
            case .hdf5: try readHDF5(consume bytes)
            case nil: throw Defect(.notAModel, "is not a Keras file")
            }
        if !withTraining { form.training = nil }
        return form
    }

    private static func readArchive(_ bytes: consuming [UInt8], withTraining: Bool) throws(Defect) -> ExchangeForm {
        let entries = try ZipArchive.read(bytes) { archive throws(Defect) in
            (
                config: try archive.entry(configurationEntry), metadata: try archive.entry(metadataEntry),
                weights: try archive.entry(weightsEntry), isTorch: archive.hasEntry(endingIn: "/data.pkl")
            )
        }
        guard let config = entries.config else {
            throw Defect(
                .notAModel,
                entries.isTorch
                    ? ForeignFile.torch : "is a zip archive without config.json; supported: Keras 3 archives (.keras)")
        }
        let metadata = entries.metadata.flatMap { try? JSONDecoder().decode(ArchiveMetadata.self, from: Data($0)) }
        let version = metadata?.kerasVersion
        let architecture = try KerasArchitecture(json: config, source: "config.json", kerasVersion: version)
        guard let file = entries.weights else { throw Defect(.corrupt, "model.weights.h5 is missing") }
        let (weights, optimizer) = try HDF5File.read(file) { file throws(Defect) in
            (
                try KerasWeights.ofArchive(file, architecture, .find(in: file, architecture)),
                withTraining ? try KerasOptimizer.ofArchive(file) : nil
            )
        }
        let compilation = KerasCompilation(configuration: config)
        return try ExchangeForm(
            architecture: config, kerasVersion: version ?? ExchangeForm.unknownVersion,
            sourceFormat: KerasFormat.archive.name, tensors: weights,
            loss: compilation?.loss, training: TrainingState(compilation: compilation, optimizer: optimizer))
    }

    private static func readHDF5(_ bytes: consuming [UInt8]) throws(Defect) -> ExchangeForm {
        let (config, training, weights, version) = try HDF5File.read(bytes) { file throws(Defect) in
            guard let config = try file.string("model_config", of: "") else {
                throw Defect(
                    .notAModel,
                    "is an HDF5 file without model_config; supported: whole-model files, not weights alone")
            }
            let version = try file.string("keras_version", of: "")
            guard !ForeignFile.isKeras1(configuration: config, version: version) else {
                throw Defect(.unsupported, ForeignFile.keras1)
            }
            let layers = CuDNNLayers(configuration: Array(config.utf8))
            let architecture = try KerasArchitecture(
                json: layers.configuration, source: "model_config", kerasVersion: version)
            let training = try file.string("training_config", of: "")
            let weights = try layers.converted(KerasWeights.ofLegacyFile(file, architecture))
            return (layers.configuration, training, weights, version)
        }
        let compilation = training.flatMap { KerasCompilation(legacyJSON: Array($0.utf8)) }
        return try ExchangeForm(
            architecture: config, kerasVersion: version ?? ExchangeForm.unknownVersion,
            sourceFormat: KerasFormat.hdf5.name, tensors: weights,
            loss: compilation?.loss, training: TrainingState(compilation: compilation, optimizer: nil))
    }
}

/// The part of `metadata.json` in a `.keras` archive that Sluice reads and writes.
struct ArchiveMetadata: Codable {
    let kerasVersion: String

    private enum CodingKeys: String, CodingKey {
        case kerasVersion = "keras_version"
    }
}
#endif
