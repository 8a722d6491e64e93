import Streams
import Wire

extension DaemonStatus.Model {
    /// Describes a served model for `status`.
    init(_ served: ServedModel) {
        self.init(
            name: served.name, file: served.file, fingerprint: served.fingerprint, mode: "\(served.policy.mode)",
            features: served.model.features, outputs: served.model.outputs, parameters: served.model.parameters,
            prefixes: served.policy.prefixes, tokens: served.model.vocabulary, emit: served.policy.emit.rawValue,
            threshold: DaemonStatus.Threshold(
                rise: served.policy.threshold.rise, fall: served.policy.threshold.fall))
    }
}
