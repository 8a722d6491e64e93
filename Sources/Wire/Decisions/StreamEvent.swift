/// What happened to streams other than by their timesteps: told on the decisions socket, in order with the decisions.
public struct StreamEvent: Codable, Equatable, Sendable {
    /// What happened.
    public enum Kind: String, Codable, CaseIterable, Sendable {
        /// The state is zero and `step` 0, as a controller asked.
        case reset
        /// State, step and sequence are those of a snapshot or of an import.
        case restored
        /// No timestep came for long: the state is in the store, until the next comes.
        case idle
        /// No timestep came for so long that the stream and its stored state are gone.
        case forgotten
        /// The state turned NaN or infinite and was given up.
        case quarantined
        /// A model's weights were read again.
        case reloaded
        /// A controller removed the stream and its stored state.
        case removed
    }

    /// The topic that all events come under.
    public static let topic = StreamID.ownTopics + "event"

    /// What happened.
    public var event: Kind
    /// The one stream that it happened to.
    public var stream: String?
    /// It happened to all streams whose ids begin so.
    public var prefix: String?
    /// True: it happened to all streams.
    public var all: Bool?
    /// To how many streams it happened.
    public var count: Int
    /// Nanoseconds since the Unix epoch.
    public var time: Int64
    /// Of `restored`: the snapshot, where it was one.
    public var snapshot: String?
    /// Of `quarantined`: the number of the last timestep consumed.
    public var sequence: UInt64?
    /// Of `quarantined`: what the state was reset to, `zero` or `checkpoint`.
    public var to: String?
    /// Of `reloaded`: the model's name.
    public var model: String?
    /// Of `reloaded`: what its weights are now.
    public var fingerprint: String?
    /// Of `reloaded`: how many streams go on with the state that they had.
    public var carried: Int?

    /// An event.
    ///
    /// - Parameters:
    ///   - event: What happened.
    ///   - selection: To which streams; nil: to those of a model.
    ///   - count: How many they are.
    ///   - time: Nanoseconds since the Unix epoch.
    public init(_ event: Kind, _ selection: ControlCommand.Selection?, count: Int = 1, time: Int64) {
        self.event = event
        self.count = count
        self.time = time
        switch selection {
        case .stream(let id): stream = id
        case .prefix(let text): prefix = text
        case .all: all = true
        case nil: break
        }
    }
}

/// What `reload` answers.
public struct ReloadResult: Codable, Equatable, Sendable {
    /// SHA-256 over the architecture and weights that are served now.
    public var fingerprint: String
    /// How many streams go on with the state that they had; the others begin at zero.
    public var carried: Int

    /// Creates a result; each parameter is the property of its name.
    public init(fingerprint: String, carried: Int) {
        self.fingerprint = fingerprint
        self.carried = carried
    }
}
