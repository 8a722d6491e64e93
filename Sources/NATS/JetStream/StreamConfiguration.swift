#if Cluster
import Wire

/// The configuration of a stream. Times are in nanoseconds.
public struct StreamConfiguration: Equatable, Sendable {
    /// The ways to store messages.
    public enum Storage: String, Sendable {
        /// In files.
        case file
        /// In memory.
        case memory
    }

    /// The messages to lose if the stream is full.
    public enum Discard: String, Sendable {
        /// The oldest ones.
        case old
        /// The new ones: JetStream refuses them.
        case new
    }

    /// The name, without dots, spaces and wildcards.
    public var name: String
    /// The subjects whose messages the stream stores.
    public var subjects: [String]
    /// The number of servers that store each message.
    public var replicas = 1
    /// The way to store messages.
    public var storage = Storage.file
    /// The messages to lose if the stream is full.
    public var discard = Discard.old
    /// The maximum size of the stream in bytes; nil for no limit.
    public var maximumBytes: Int64?
    /// The maximum number of messages; nil for no limit.
    public var maximumMessages: Int64?
    /// The maximum number of messages of one subject; nil for no limit.
    public var maximumMessagesPerSubject: Int64?
    /// The maximum size of a message in bytes; nil for the server's limit.
    public var maximumMessageBytes: Int64?
    /// The age at which a message is removed; nil for no limit.
    public var maximumAge: Int64?
    /// The time for which JetStream remembers the `Nats-Msg-Id` of a message; nil for the server's 2 minutes.
    public var duplicateWindow: Int64?
    /// Whether every server that stores the stream may answer for it, even if it is behind.
    public var allowsDirect = false
    /// Whether a message may replace all earlier ones.
    public var allowsRollup = false
    /// Whether single messages cannot be deleted.
    public var deniesDelete = false
    /// A line for people.
    public var description: String?

    /// Creates a configuration. Each parameter sets the property of the same name.
    public init(name: String, subjects: [String], replicas: Int = 1) {
        self.name = name
        self.subjects = subjects
        self.replicas = replicas
    }

    var members: [String: JSONValue] {
        let limits = [
            "max_bytes": maximumBytes, "max_msgs": maximumMessages, "max_msgs_per_subject": maximumMessagesPerSubject,
            "max_age": maximumAge, "duplicate_window": duplicateWindow, "max_msg_size": maximumMessageBytes,
        ]
        var members = limits.compactMapValues { $0.map { JSONValue.integer($0) } }
        members["name"] = .string(name)
        members["subjects"] = .array(subjects.map { .string($0) })
        members["num_replicas"] = .integer(Int64(replicas))
        members["storage"] = .string(storage.rawValue)
        members["discard"] = .string(discard.rawValue)
        members["retention"] = .string("limits")
        members["allow_direct"] = .bool(allowsDirect)
        members["allow_rollup_hdrs"] = .bool(allowsRollup)
        members["deny_delete"] = .bool(deniesDelete)
        if let description { members["description"] = .string(description) }
        return members
    }
}
#endif
