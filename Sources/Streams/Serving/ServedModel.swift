public import Recurrent

/// A model together with how it is to be served: configuration and weights, immutable, shared by all its streams.
public struct ServedModel: Sendable {
    /// Its name in the configuration.
    public let name: String
    /// The file it was read from.
    public let file: String
    /// SHA-256 over architecture and weights, 64 hexadecimal digits: state goes only with the weights it came from.
    public let fingerprint: String
    /// The weights.
    public let model: Model
    /// How it is served.
    public let policy: ServingPolicy
    /// What of it the hot path asks.
    let rule: DecisionRule
    /// What a row of the model's memory is made of, kind by kind: only where it is the same can a state go on with other weights.
    public let stateLayout: String
    /// The fingerprint that the images of the model's streams have.
    public let imageFingerprint: String

    /// Something about how the model is served that its owner probably did not mean; nil where nothing is odd.
    public var caution: String? {
        guard rule.lastStep == 1 else { return nil }
        let advice = model.isCausal ? "; --mode stateful keeps state between timesteps" : ""
        return "the model '\(name)' has sequences of 1 timestep, so in the mode sequence every timestep is a whole "
            + "sequence, decided from the zero state\(advice)"
    }

    /// What beside the weights the states of streams hang on: the journal replays timesteps only under the same rules.
    public var rules: String {
        let steps = rule.lastStep.map { "\($0)" } ?? "any"
        return "mode \(policy.mode), sequence length \(steps), emit \(policy.emit), "
            + "threshold \(policy.threshold.rise):\(policy.threshold.fall), gap \(policy.gap), max length \(policy.maximumLength)"
    }

    /// Creates a served model.
    ///
    /// - Parameters:
    ///   - name: Its name in the configuration.
    ///   - file: The file it was read from.
    ///   - fingerprint: SHA-256 over architecture and weights.
    ///   - model: The weights.
    ///   - policy: How it is served; ``ServingPolicy/check(_:sequenceLength:)`` says whether the model can be.
    ///   - sequenceLength: Timesteps in each sequence of the mode `sequence`; nil where the model leaves it open.
    public init(
        name: String, file: String, fingerprint: String, model: Model, policy: ServingPolicy,
        sequenceLength: Int? = nil
    ) {
        self.name = name
        self.file = file
        self.fingerprint = fingerprint
        self.model = model
        self.policy = policy
        rule = DecisionRule(policy, model, sequenceLength: sequenceLength)
        stateLayout = rule.basis == .state ? model.stateLayout : "timesteps of \(model.input)"
        imageFingerprint = fingerprint + rule.basis.fingerprintSuffix
    }
}

/// How a model is served: the same options as flags, in the configuration file and here.
public struct ServingPolicy: Equatable, Sendable {
    /// Which decisions are published.
    public enum Emit: String, CaseIterable, Sendable {
        /// One for each timestep, or for each window.
        case every
        /// That on the last timestep of each message, or on the last window that ends within it.
        case last
        /// Those whose label differs from the one before, and a stream's first.
        case change
        /// Those at the end of a sequence.
        case final
    }

    /// What a jump ahead in a stream's sequence numbers does to its state.
    public enum Gap: String, CaseIterable, Sendable {
        /// The state goes on as it is.
        case `continue`
        /// The state starts anew.
        case reset
    }

    /// Between which probabilities the label of a model with one output changes.
    public struct Threshold: Equatable, Sendable {
        /// At or above it the label turns 1.
        public let rise: Float
        /// Below it the label turns back to 0.
        public let fall: Float

        /// Keras' own threshold for a binary accuracy.
        public static let half = Threshold(both: 0.5)

        /// One threshold both ways.
        ///
        /// - Parameter both: The label is 1 at or above it.
        public init(both: Float) {
            rise = both
            fall = both
        }

        /// Two thresholds: between them the label stays what it was. Nil unless 0 ≤ fall ≤ rise ≤ 1.
        ///
        /// - Parameters:
        ///   - rise: At or above it the label turns 1.
        ///   - fall: Below it the label turns back to 0.
        public init?(rise: Float, fall: Float) {
            guard fall >= 0, rise >= fall, rise <= 1 else { return nil }
            self.rise = rise
            self.fall = fall
        }
    }

    /// What a state that has turned NaN or infinite is reset to.
    public enum Fault: String, CaseIterable, Sendable {
        /// To zero.
        case zero
        /// To the state of the last checkpoint; to zero where there is none.
        case checkpoint
    }

    /// How many timesteps a sequence may be allowed to have.
    public static let maximumLengths = 1...16_777_216

    /// The stream ids that begin so go to this model, unless another's prefix is longer; `""` takes the rest.
    public var prefixes: [String]
    /// When the state starts anew.
    public var mode: Mode
    /// Which decisions are published.
    public var emit: Emit
    /// Where the label changes.
    public var threshold: Threshold
    /// What a jump ahead does.
    public var gap: Gap
    /// The most timesteps of a sequence that must be buffered, since the model needs all of it at once; one of
    /// ``maximumLengths``. Without meaning for others.
    public var maximumLength: Int
    /// What a state that has turned NaN or infinite is reset to.
    public var fault: Fault

    /// Creates a policy; each parameter is the property of its name.
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
