/// An event that changes streams outside the normal course of their timesteps. The decisions socket carries events and
/// decisions in the order in which they took effect.
public struct StreamEvent: Codable, Equatable, Sendable {
    /// The kind of event.
    public enum Kind: String, Codable, CaseIterable, Sendable {
        /// A controller reset the streams: the state is zero and `step` is 0.
        case reset
        /// A controller restored a snapshot or imported a stream: the state, step and sequence number are replaced.
        case restored
        /// No timestep arrived for a long time. The state is in the store until the next timestep.
        case idle
        /// No timestep arrived for so long that the daemon removed the stream and its stored state.
        case forgotten
        /// The state became NaN or infinite and was reset.
        case quarantined
        /// The daemon read a model's weights again.
        case reloaded
        /// A controller removed the stream and its stored state.
        case removed
    }

    /// The topic of all events.
    public static let topic = StreamID.ownTopics + "event"

    /// The kind of event.
    public var event: Kind
    /// The id of the affected stream, if the event concerns a single stream.
    public var stream: String?
    /// The prefix of the affected streams' ids, if a prefix selected the streams.
    public var prefix: String?
    /// True if the event affected all streams; otherwise nil.
    public var all: Bool?
    /// The number of affected streams.
    public var count: Int
    /// Nanoseconds since the Unix epoch.
    public var time: Int64
    /// For `restored`: the snapshot's name; nil for an import.
    public var snapshot: String?
    /// For `quarantined`: the sequence number of the last timestep consumed.
    public var sequence: UInt64?
    /// For `quarantined`: the new state, `zero` or `checkpoint`.
    public var to: String?
    /// For `reloaded`: the model's name.
    public var model: String?
    /// For `reloaded`: the fingerprint of the new weights.
    public var fingerprint: String?
    /// For `reloaded`: the number of streams that kept their state.
    public var carried: Int?

    /// Creates an event.
    ///
    /// - Parameters:
    ///   - event: The kind of event.
    ///   - selection: The affected streams; nil if the event concerns the streams of a model.
    ///   - count: The number of streams.
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

/// The answer to `reload`.
public struct ReloadResult: Codable, Equatable, Sendable {
    /// The SHA-256 of the architecture and weights that the daemon serves now.
    public var fingerprint: String
    /// The number of streams that kept their state. All other streams start with zero state.
    public var carried: Int

    /// Creates an answer. Each parameter sets the property of the same name.
    public init(fingerprint: String, carried: Int) {
        self.fingerprint = fingerprint
        self.carried = carried
    }
}
