/// A control record in a partition's log. It takes effect between the timesteps before it and those after it.
package struct ControlRecord: Codable, Equatable, Sendable {
    /// The change. Exactly one of these members is present.
    package var serve: ServeRecord?
    /// Resets streams.
    package var reset: Selection?
    /// Removes streams.
    package var remove: Selection?
    /// Creates a stream.
    package var `import`: StreamExport?
    /// Exchanges the weights of a model.
    package var reload: ReloadRecord?
    /// Removes streams that are idle.
    package var forget: [IdleStream]?
    /// Keeps an image of streams as they are.
    package var snapshot: SnapshotRecord?
    /// Replaces streams by those in a snapshot.
    package var restore: SnapshotRecord?
    /// Deletes a snapshot. The streams of the record have no meaning.
    package var deleteSnapshot: SnapshotRecord?

    /// The subject to which the partition's owner sends a ``ControlAnswer``; nil if nobody waits.
    package var reply: String?

    /// The exchange of a model's weights.
    package struct ReloadRecord: Codable, Equatable, Sendable {
        /// The model's name.
        package var model: String
        /// The fingerprint of the new weights, which are stored in NATS.
        package var fingerprint: String
        /// Whether the state of the model's streams becomes zero.
        package var resets: Bool
        /// The sequence number of the record in the log of partition 0. All partitions apply reloads in the order of
        /// partition 0. Nil in partition 0 itself.
        package var order: UInt64?

        /// Creates a record. Each parameter sets the property of the same name.
        package init(model: String, fingerprint: String, resets: Bool, order: UInt64? = nil) {
            self.model = model
            self.fingerprint = fingerprint
            self.resets = resets
            self.order = order
        }
    }

    /// A stream that is idle if it still has the same sequence number.
    package struct IdleStream: Codable, Equatable, Sendable {
        /// The stream's id.
        package var stream: String
        /// The sequence number of its last timestep.
        package var sequence: UInt64

        /// Creates an entry. Each parameter sets the property of the same name.
        package init(stream: String, sequence: UInt64) {
            self.stream = stream
            self.sequence = sequence
        }
    }

    /// The streams that a record applies to. Exactly one member is present.
    package struct Selection: Codable, Equatable, Sendable {
        var stream: String?
        var prefix: String?
        var all: Bool?

        /// Creates a selection.
        package init(_ selection: ControlCommand.Selection) {
            switch selection {
            case .stream(let id): stream = id
            case .prefix(let text): prefix = text
            case .all: all = true
            }
        }

        /// The selection as a value; nil if the record has none or several.
        package var selection: ControlCommand.Selection? {
            switch (stream, prefix, all) {
            case (let id?, nil, nil): .stream(id)
            case (nil, let text?, nil): .prefix(text)
            case (nil, nil, true?): .all
            default: nil
            }
        }
    }

    /// Creates a record without a change.
    ///
    /// - Parameter reply: The subject to which the partition's owner sends its answer; nil if nobody waits.
    package init(reply: String? = nil) {
        self.reply = reply
    }
}

/// The answer of a partition's owner to a control record, sent once the record's event is in the chain.
package struct ControlAnswer: Codable, Equatable, Sendable {
    /// The partition.
    package var partition: Int
    /// The number of streams that the record changed.
    package var count: Int
    /// The reason why nothing changed; nil if the record took effect.
    package var refusal: ControlError?
    /// The sequence number of the record in the partition's log.
    package var position: UInt64?
    /// The new snapshot, in the answer to its record.
    package var snapshot: PartitionSnapshot?

    /// Creates an answer. Each parameter sets the property of the same name.
    package init(partition: Int, count: Int, refusal: ControlError? = nil) {
        self.partition = partition
        self.count = count
        self.refusal = refusal
    }
}

/// Everything on which the decisions of a partition depend besides its timesteps. A node serves a partition only if it
/// can serve exactly the last record of this kind in the partition's log.
package struct ServeRecord: Codable, Equatable, Sendable {
    /// One served model.
    package struct Model: Codable, Equatable, Sendable {
        /// The name in the configuration.
        package var name: String
        /// The fingerprint of the architecture and weights.
        package var fingerprint: String
        /// The prefixes of the streams' ids.
        package var prefixes: [String]
        /// The rules on which a stream's state and decisions depend.
        package var rules: String

        /// Creates an entry. Each parameter sets the property of the same name.
        package init(name: String, fingerprint: String, prefixes: [String], rules: String) {
            self.name = name
            self.fingerprint = fingerprint
            self.prefixes = prefixes
            self.rules = rules
        }
    }

    /// The version of Sluice's arithmetic. Versions that compute different bits have different numbers.
    package var arithmetic: Int
    /// `fused` or `baseline`: whether the kernels have fused multiply-adds, which round differently.
    package var kernels: String
    /// The models, in the order in which decisions refer to them.
    package var models: [Model]
    /// The maximum number of streams in the partition; nil for no limit.
    package var maximumStreams: Int?
    /// The sequence number in the log of partition 0 of the last reload; nil before the first.
    package var reloadOrder: UInt64?

    /// The version of the arithmetic in this version of Sluice.
    package static let currentArithmetic = 1

    /// Creates a record. Each parameter sets the property of the same name.
    package init(
        arithmetic: Int = ServeRecord.currentArithmetic, kernels: String, models: [Model], maximumStreams: Int? = nil
    ) {
        self.arithmetic = arithmetic
        self.kernels = kernels
        self.models = models
        self.maximumStreams = maximumStreams
    }

    /// Compares the record that a node offers with the one in a log. The weights are not compared, because a node reads
    /// those that it does not have from NATS.
    ///
    /// - Parameter log: The record in the log.
    /// - Returns: The reason why the node cannot serve the log; nil if it can.
    package func misfit(to log: ServeRecord) -> String? {
        if arithmetic != log.arithmetic {
            return "the log was begun with version \(log.arithmetic) of the arithmetic, and this node has \(arithmetic)"
        }
        if kernels != log.kernels {
            return
                "the log was begun with \(log.kernels) kernels, and this node's processor has \(kernels) ones, which "
                + "round differently"
        }
        if maximumStreams != log.maximumStreams {
            return
                "the log was begun with \(log.maximumStreams.map { "max_streams \($0)" } ?? "no max_streams"), and this "
                + "node is configured with \(maximumStreams.map { "\($0)" } ?? "none")"
        }
        let names = (log.models.map(\.name), models.map(\.name))
        guard names.0 == names.1 else {
            return "the log was begun with the models \(names.0.joined(separator: ", ")), and this node serves "
                + names.1.joined(separator: ", ")
        }
        for (mine, theirs) in zip(models, log.models) where mine != theirs {
            if mine.prefixes != theirs.prefixes {
                return "the log is served with the prefixes \(theirs.prefixes) of '\(mine.name)', and this node has "
                    + "\(mine.prefixes)"
            }
            guard mine.rules != theirs.rules else { continue }
            return
                "the log is served with the rules '\(theirs.rules)' of '\(mine.name)', and this node has '\(mine.rules)'"
        }
        return nil
    }
}
