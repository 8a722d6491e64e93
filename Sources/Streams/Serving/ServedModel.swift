package import Recurrent

/// A model and its serving policy. Both are immutable and shared by all the streams that the model serves.
public struct ServedModel: Sendable {
    /// The model's name in the configuration.
    public let name: String
    /// The path of the model file.
    public let file: String
    /// SHA-256 over the architecture and weights, as 64 hexadecimal digits. A state is valid only with the weights that
    /// produced it.
    public let fingerprint: String
    /// The weights.
    package let model: Model
    /// The serving policy.
    public let policy: ServingPolicy
    /// The facts that the hot path needs.
    let rule: DecisionRule
    /// The layout of a row in the model's memory. A state can continue with other weights only if they have the same
    /// layout.
    public let stateLayout: String
    /// The fingerprint stored in the images of the model's streams.
    public let imageFingerprint: String
    /// Reasons for caution that the file gives. Each one ends a sentence about the model.
    private let fileCautions: [String]

    /// Warnings about properties of the model or its policy that the operator probably did not intend.
    public var cautions: [String] {
        [shortSequenceCaution].compactMap(\.self) + fileCautions.map { "the model '\(name)' \($0)" }
    }

    private var shortSequenceCaution: String? {
        guard rule.lastStep == 1 else { return nil }
        let advice = model.isCausal ? "; the mode stateful keeps state between timesteps" : ""
        return "the model '\(name)' has sequences of 1 timestep, so in the mode sequence every timestep is a whole "
            + "sequence, decided from the zero state\(advice)"
    }

    /// Returns whether a stream's last outputs are meaningful. After a reset, they belong to a state that is gone. In
    /// the mode `sequence`, however, they are the decision on the last sequence.
    ///
    /// - Parameter step: The step of the stream.
    /// - Returns: Whether there are outputs to show.
    public func hasOutputs(at step: UInt64) -> Bool { step > 0 || policy.mode == .sequence }

    /// Whether each sequence produces a single decision, at its end.
    private var decidesOnlyAtEnd: Bool {
        policy.emit == .final || (policy.mode == .sequence && !model.isCausal && !rule.decidesEveryTimestepAtEnd)
    }

    /// Whether the model decides only at the end of a sequence, but could decide on every timestep in the mode
    /// `stateful`.
    public var couldDecideOnEveryTimestep: Bool {
        decidesOnlyAtEnd && policy.mode == .sequence && model.isCausal
    }

    /// A human-readable description of when the model decides.
    public var decisionsInWords: String {
        let end = rule.lastStep.map { "after \($0) timesteps or at `end`" } ?? "at `end`"
        let due =
            switch policy.mode {
            case .stateful: "every timestep"
            case .sequence where rule.decidesEveryTimestepAtEnd:
                "every timestep, when the sequence ends \(end)"
            case .sequence: "every timestep, from zero in each sequence"
            case .window(let window) where window.stride == 1: "the last \(window.length) timesteps, at each timestep"
            case .window(let window):
                "the last \(window.length) timesteps, at every \(window.stride) timesteps"
            }
        switch policy.emit {
        case _ where decidesOnlyAtEnd:
            return "one decision per sequence, \(end)"
        case .every, .final: return "a decision on \(due)"
        case .last: return "a decision on \(due), only the last of each message"
        case .change: return "a decision on \(due), only when the label changes"
        }
    }

    /// The rules on which a stream's state depends, apart from the weights. The journal replays timesteps only under
    /// the same rules.
    public var rules: String {
        let steps = rule.lastStep.map { "\($0)" } ?? "any"
        return "mode \(policy.mode), sequence length \(steps), emit \(policy.emit), "
            + "threshold \(policy.threshold.rise):\(policy.threshold.fall), gap \(policy.gap), max length \(policy.maximumLength)"
            + (rule.decidesEveryTimestepAtEnd ? ", every timestep at the end" : "")
    }

    /// Creates a served model.
    ///
    /// - Parameters:
    ///   - name: The model's name in the configuration.
    ///   - file: The path of the model file.
    ///   - fingerprint: SHA-256 over the architecture and weights.
    ///   - served: The model.
    ///   - policy: The serving policy. Validate it with ``ServingPolicy/check(_:)`` first.
    ///   - cautions: Reasons for caution that the file gives. Each one ends a sentence about the model.
    package init(
        name: String, file: String, fingerprint: String, model served: ServableModel, policy: ServingPolicy,
        cautions: [String] = []
    ) {
        self.name = name
        fileCautions = cautions
        self.file = file
        self.fingerprint = fingerprint
        model = served.model
        self.policy = policy
        rule = DecisionRule(policy, served)
        stateLayout = rule.basis == .state ? model.stateLayout : "timesteps of \(model.input)"
        imageFingerprint = fingerprint + rule.basis.fingerprintSuffix
    }
}

/// The options for serving a model. They are available both as flags and in the configuration file.
public struct ServingPolicy: Equatable, Sendable {
    /// The selection of decisions to publish.
    public enum Emit: String, CaseIterable, Sendable {
        /// The decision on each timestep or window.
        case every
        /// The decision on the last timestep of each message, or on the last window that ends within the message.
        case last
        /// Each decision whose label differs from the previous one, and a stream's first decision.
        case change
        /// The decision at the end of each sequence.
        case final
    }

    /// The effect that a gap in a stream's sequence numbers has on the state.
    public enum Gap: String, CaseIterable, Sendable {
        /// The state does not change.
        case `continue`
        /// The state is reset.
        case reset
    }

    /// The outputs at which the label of a model with one output changes.
    public struct Threshold: Equatable, Sendable {
        /// The label becomes 1 at or above this output.
        public let rise: Float
        /// The label returns to 0 below this output.
        public let fall: Float

        /// The threshold that Keras uses for binary accuracy.
        public static let half = Threshold(both: 0.5)

        /// Creates a single threshold.
        ///
        /// - Parameter both: The output at or above which the label is 1.
        public init(both: Float) {
            rise = both
            fall = both
        }

        /// The threshold for a logit: the logit 0 corresponds to a probability of one half.
        public static let zero = Threshold(both: 0)

        /// Creates two thresholds, between which the label does not change. Returns nil unless both are finite and fall
        /// ≤ rise.
        ///
        /// - Parameters:
        ///   - rise: The output at or above which the label becomes 1.
        ///   - fall: The output below which the label returns to 0.
        public init?(rise: Float, fall: Float) {
            guard fall.isFinite, rise.isFinite, rise >= fall else { return nil }
            self.rise = rise
            self.fall = fall
        }
    }

    /// The replacement for a state that became NaN or infinite.
    public enum Fault: String, CaseIterable, Sendable {
        /// The zero state.
        case zero
        /// The state in the last checkpoint, or the zero state if there is none.
        case checkpoint
    }

    /// The valid values of ``maximumLength``.
    public static let maximumLengths = 1...16_777_216

    /// The prefixes of the stream ids that this model serves. If another model has a longer matching prefix, that model
    /// takes precedence; `""` serves all remaining streams.
    public var prefixes: [String]
    /// The mode. It determines when the state restarts.
    public var mode: Mode
    /// The selection of decisions to publish.
    public var emit: Emit
    /// The outputs at which the label changes.
    public var threshold: Threshold
    /// The effect that a gap has on the state.
    public var gap: Gap
    /// The maximum number of timesteps in a buffered sequence, within ``maximumLengths``. The limit applies only to a
    /// model that needs a whole sequence at once.
    public var maximumLength: Int
    /// The replacement for a state that became NaN or infinite.
    public var fault: Fault

    /// Creates a policy. Each parameter sets the property of the same name.
    public init(
        prefixes: [String] = [""], mode: Mode = .stateful, emit: Emit = .every, threshold: Threshold = .half,
        gap: Gap = .continue, maximumLength: Int = 65_536, fault: Fault = .zero
    ) {
        self.prefixes = prefixes
        self.mode = mode
        self.emit = emit
        self.threshold = threshold
        self.gap = gap
        self.maximumLength = maximumLength
        self.fault = fault
    }
}

extension ServingPolicy.Threshold: LosslessStringConvertible {
    /// The notation of thresholds, for error messages.
    public static let notation = "a number, or RISE:FALL with FALL not above RISE"

    /// Determines the threshold for a model's outputs: the requested one if given, otherwise 0.5 for a probability and
    /// 0 for any other output.
    ///
    /// - Parameters:
    ///   - requested: The requested threshold; nil for the default.
    ///   - isProbability: Whether the outputs are probabilities.
    /// - Throws: ``ServingError`` with the code `threshold` if the outputs are probabilities and the threshold is
    ///   outside the range 0 to 1.
    package init(_ requested: Self?, forProbabilities isProbability: Bool) throws(ServingError) {
        let threshold = requested ?? (isProbability ? .half : .zero)
        guard !isProbability || (threshold.fall >= 0 && threshold.rise <= 1) else {
            throw ServingError(
                .threshold,
                "the threshold \(threshold) is out of reach, because the model's output is a probability; give a number "
                    + "from 0 to 1")
        }
        self = threshold
    }

    /// Reads a threshold in the format of ``description``. Returns nil if the text is not a threshold.
    ///
    /// - Parameter text: `0.6`, or `0.6:0.4` for a rise at 0.6 and a fall below 0.4.
    public init?(_ text: String) {
        let bounds = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map { Float($0) }
        guard let rise = bounds.first ?? nil, let fall = bounds.last ?? nil else { return nil }
        self.init(rise: rise, fall: fall)
    }

    /// The threshold in the notation of the flags.
    public var description: String { rise == fall ? "\(rise)" : "\(rise):\(fall)" }
}
