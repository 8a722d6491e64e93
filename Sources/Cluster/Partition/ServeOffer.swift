import Recurrent
package import Streams
package import Wire

/// The models that a node can serve, and the record that describes them. The weights that the node has read grow with
/// those that logs need.
package struct ServeOffer: Sendable {
    /// The models.
    package let models: [ServedModel]
    /// The description of the models in a log.
    package let record: ServeRecord
    /// The weights that the node has read.
    private var weights: [Weights: ServedModel] = [:]
    /// The time without timesteps after which a stream is removed, in nanoseconds; nil for no limit.
    package let forgetAfter: Int64?

    /// Creates an offer.
    ///
    /// - Parameters:
    ///   - models: The models, at least one.
    ///   - maximumStreams: The maximum number of streams in each partition; nil for no limit.
    ///   - forgetAfter: The time without timesteps after which a stream is removed, in nanoseconds; nil for no limit.
    package init(models: [ServedModel], maximumStreams: Int? = nil, forgetAfter: Int64? = nil) {
        self.models = models
        self.forgetAfter = forgetAfter
        for (model, served) in models.enumerated() { weights[Weights(model: model, served.fingerprint)] = served }
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

/// The weights of a model, by their fingerprint.
package struct Weights: Hashable, Sendable {
    /// The index of the model.
    package let model: Int
    /// The fingerprint.
    package let fingerprint: String

    /// Creates a name. Each parameter sets the property of the same name.
    package init(model: Int, _ fingerprint: String) {
        self.model = model
        self.fingerprint = fingerprint
    }
}

extension ServeOffer {
    /// Adds weights that the node has read.
    package mutating func add(_ served: ServedModel, as weights: Weights) { self.weights[weights] = served }

    /// The model with some weights; nil if the node has not read them.
    func served(_ weights: Weights) -> ServedModel? { self.weights[weights] }

    /// The first weights in a record that the node has not read; nil if it can serve the record, or never can.
    func missing(for log: ServeRecord) -> Weights? {
        guard record.misfit(to: log) == nil else { return nil }
        return log.models.indices.lazy.map { Weights(model: $0, log.models[$0].fingerprint) }
            .first { served($0) == nil }
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

    /// Creates an error. Each parameter sets the property of the same name.
    package init(_ cause: Cause, _ description: String) {
        self.cause = cause
        self.description = description
    }
}
