import Recurrent
package import Streams
package import Wire

/// The models that a node can serve, and the record that describes them.
package struct ServeOffer: Sendable {
    /// The models.
    package let models: [ServedModel]
    /// The description of the models in a log.
    package let record: ServeRecord

    /// Creates an offer.
    ///
    /// - Parameters:
    ///   - models: The models, at least one.
    ///   - maximumStreams: The maximum number of streams in each partition; nil for no limit.
    package init(models: [ServedModel], maximumStreams: Int? = nil) {
        self.models = models
        record = ServeRecord(
            kernels: Kernels.best.hasFusedMultiplyAdd ? "fused" : "baseline",
            models: models.map { model in
                ServeRecord.Model(
                    name: model.name, fingerprint: model.fingerprint, prefixes: model.policy.prefixes,
                    rules: model.rules)
            },
            maximumStreams: maximumStreams)
    }
}

/// The reason why a node stops serving a partition.
package struct PartitionError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of problem.
    package enum Cause: Equatable, Sendable {
        /// This node cannot serve the log: it has other weights, other rules or other kernels.
        case cannotServe
        /// The chain, a checkpoint or the log is damaged or incomplete.
        case damaged
    }

    /// The kind of problem.
    package let cause: Cause
    /// The problem and its remedy.
    package let description: String

    init(_ cause: Cause, _ description: String) {
        self.cause = cause
        self.description = description
    }
}
