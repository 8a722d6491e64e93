import ModelFiles
import Streams

extension ServedModel {
    /// Reads a model's file and settles how it is served.
    ///
    /// - Parameter configuration: The file and the policy.
    /// - Throws: ``DaemonError`` with one line that names the file and, where there is one, the layer.
    init(_ configuration: DaemonConfiguration.Model) throws(DaemonError) {
        let file: ModelFile
        do {
            file = try ModelFile.read(configuration.file)
        } catch {
            throw DaemonError(error.code == .notFound ? .noInput : .badData, error.description)
        }
        guard file.model.outputs <= 255 else {
            throw DaemonError(
                .badData, "\(configuration.file): \(file.model.outputs) outputs; a decision holds at most 255")
        }
        var policy = configuration.policy
        if let mode = configuration.mode {
            policy.mode = mode
        } else {
            policy.mode = try Self.mode(of: file, path: configuration.file)
        }
        self.init(
            name: configuration.name, file: configuration.file, fingerprint: file.fingerprint, model: file.model,
            policy: policy)
    }

    /// The mode that a file asks for: `stateful` where its recurrent layers are.
    private static func mode(of file: ModelFile, path: String) throws(DaemonError) -> ServingPolicy.Mode {
        guard !file.isStateful else { return .stateful }
        let layer = file.layers.first { $0.kind == "LSTM" }.map { "layer '\($0.name)' (LSTM) is not stateful" }
        throw DaemonError(
            .badData,
            "\(path): \(layer ?? "no layer is stateful"), which asks for mode 'sequence'; this version serves only "
                + "'stateful': ask for that by name (--mode stateful) to carry the state on for ever")
    }
}
