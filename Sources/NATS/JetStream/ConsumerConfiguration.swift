#if Cluster
import Wire

/// The configuration of a pull consumer without acknowledgements: a place in a stream that one reader moves along. Times
/// are in nanoseconds.
///
/// JetStream keeps the consumer in memory on one server, and removes it when nobody has pulled for a while. A reader
/// creates another one when the consumer is gone; what it has read, it knows itself.
public struct ConsumerConfiguration: Equatable, Sendable {
    /// The first messages to deliver.
    public enum Start: Equatable, Sendable {
        /// The message at a sequence, or the first one after it.
        case sequence(UInt64)
        /// The last message of each subject, then all that follow.
        case lastPerSubject
        /// The messages that are stored after the consumer.
        case new
    }

    /// The stream.
    public var stream: String
    /// The name, which no other consumer of the stream has.
    public var name: String
    /// The first messages to deliver.
    public var start: Start
    /// The subjects of the messages to deliver; empty for all. Several subjects need a server of version 2.10 or later.
    public var subjects: [String] = []
    /// The time without a pull after which JetStream removes the consumer.
    public var inactiveThreshold: Int64 = 10_000_000_000
    /// Whether only headers are delivered.
    public var deliversOnlyHeaders = false

    /// Creates a configuration. Each parameter sets the property of the same name.
    public init(stream: String, name: String, start: Start, subjects: [String] = []) {
        self.stream = stream
        self.name = name
        self.start = start
        self.subjects = subjects
    }

    var members: [String: JSONValue] {
        var members: [String: JSONValue] = [
            "name": .string(name), "ack_policy": .string("none"), "replay_policy": .string("instant"),
            "inactive_threshold": .integer(inactiveThreshold), "mem_storage": .bool(true), "num_replicas": .integer(1),
        ]
        switch start {
        case .sequence(let sequence):
            members["deliver_policy"] = .string("by_start_sequence")
            members["opt_start_seq"] = JSONValue(max(1, sequence))
        case .lastPerSubject:
            members["deliver_policy"] = .string("last_per_subject")
            // JetStream requires a filter with this policy.
            if subjects.isEmpty { members["filter_subject"] = .string(">") }
        case .new: members["deliver_policy"] = .string("new")
        }
        switch subjects.count {
        case 0: break
        case 1: members["filter_subject"] = .string(subjects[0])
        default: members["filter_subjects"] = .array(subjects.map { .string($0) })
        }
        if deliversOnlyHeaders { members["headers_only"] = .bool(true) }
        return members
    }
}
#endif
