import ModelFiles
import Streams

extension ServedModel {
    /// Reads a model's file and completes its serving policy.
    ///
    /// - Parameter configuration: The file and the policy.
    /// - Throws: ``DaemonError`` with one line that names the file and, if possible, the layer. The code is
    ///   `configuration` if the model does not support the requested policy.
    init(_ configuration: DaemonConfiguration.Model) throws(DaemonError) {
        let file: ModelFile
        do {
            file = try ModelFile.read(configuration.file)
        } catch {
            throw DaemonError(error.code == .notFound ? .noInput : .badData, error.description)
        }
        guard file.model.outputs <= 255 else {
            throw DaemonError(
                .badData,
                "\(configuration.file): the model has \(file.model.outputs) outputs, but a decision holds at most 255")
        }
        var policy = configuration.policy
        policy.mode = configuration.mode ?? (file.isStateful ? .stateful : .sequence)
        policy.emit = configuration.emit ?? policy.mode.defaultEmit
        do {
            try policy.check(file.model, isStateful: file.isStateful, sequenceLength: file.sequenceLength)
        } catch {
            throw DaemonError(.configuration, "\(configuration.file): \(error)")
        }
        self.init(
            name: configuration.name, file: configuration.file, fingerprint: file.fingerprint, model: file.model,
            policy: policy, sequenceLength: file.sequenceLength)
    }
}
