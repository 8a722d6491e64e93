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
    /// - Returns: The architecture and its weights, except for those that the caller can read from the file itself, with
    ///   ``ExchangeForm/filled(from:)``.
    /// - Throws: ``Defect`` with the code `notAModel` or `corrupt`, or `unsupported` if a layer needs something that
    ///   the engine does not compute.
    package static func read(_ bytes: Span<UInt8>, withTraining: Bool = false) throws(Defect) -> ExchangeForm {
        let start = (0..<min(8, bytes.count)).map { bytes[$0] }
        var form =
            switch KerasFormat(of: start) {
            case .archive: try readArchive(bytes, withTraining: withTraining)
            case .hdf5: try readHDF5(bytes)
            case nil: throw Defect(.notAModel, "is not a Keras file")
            }
        if !withTraining { form.training = nil }
        return form
    }

    private static func readArchive(_ bytes: Span<UInt8>, withTraining: Bool) throws(Defect) -> ExchangeForm {
        try ZipArchive.read(bytes) { archive throws(Defect) in
            try readArchive(archive, withTraining: withTraining)
        }
    }

    private static func readArchive(
        _ archive: borrowing ZipArchive, withTraining: Bool
    ) throws(Defect) -> ExchangeForm {
        guard let config = try archive.entry(configurationEntry) else {
            throw Defect(
                .notAModel,
                archive.hasEntry(endingIn: "/data.pkl")
                    ? ForeignFile.torch : "is a zip archive without config.json; supported: Keras 3 archives (.keras)")
        }
        let metadata = try archive.entry(metadataEntry)
            .flatMap { try? JSONDecoder().decode(ArchiveMetadata.self, from: Data($0)) }
        let version = metadata?.kerasVersion
        let architecture = try KerasArchitecture(json: config, source: "config.json", kerasVersion: version)
        let content = try archive.withEntry(weightsEntry) { bytes, place throws(Defect) in
            try HDF5File.read(bytes, place: place) { file throws(Defect) in
                (
                    weights: try KerasWeights.ofArchive(file, architecture, .find(in: file, architecture)),
                    optimizer: withTraining ? try KerasOptimizer.ofArchive(file) : nil
                )
            }
        }
        guard let content else { throw Defect(.corrupt, "model.weights.h5 is missing") }
        let compilation = KerasCompilation(configuration: config)
        return try ExchangeForm(
            architecture: config, kerasVersion: version ?? ExchangeForm.unknownVersion,
            sourceFormat: KerasFormat.archive.name, tensors: content.weights.compactMap(\.tensor),
            places: content.weights.compactMap(\.place), loss: compilation?.loss,
            training: TrainingState(compilation: compilation, optimizer: content.optimizer))
    }

    private static func readHDF5(_ bytes: Span<UInt8>) throws(Defect) -> ExchangeForm {
        let (config, training, weights, version) = try HDF5File.read(bytes, place: 0) {
            file throws(Defect) in
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
            let weights = try KerasWeights.ofLegacyFile(file, architecture, layers)
            return (layers.configuration, training, weights, version)
        }
        let compilation = training.flatMap { KerasCompilation(legacyJSON: Array($0.utf8)) }
        return try ExchangeForm(
            architecture: config, kerasVersion: version ?? ExchangeForm.unknownVersion,
            sourceFormat: KerasFormat.hdf5.name, tensors: weights.compactMap(\.tensor),
            places: weights.compactMap(\.place), loss: compilation?.loss,
            training: TrainingState(compilation: compilation, optimizer: nil))
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
