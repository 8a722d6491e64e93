#if Cluster
/// A bucket of keys and values: a stream that keeps the last message of each subject. The official clients can read and
/// write it, too.
public struct KeyValue: Equatable, Sendable {
    /// The bucket's name.
    public let bucket: String

    /// Creates the description of a bucket. Each parameter sets the property of the same name.
    public init(bucket: String) {
        self.bucket = bucket
    }

    /// The stream of the bucket.
    public var stream: String { "KV_\(bucket)" }

    /// Returns the subject of a key. A message to it sets the key's value, and its sequence is the value's revision. A
    /// key may have dots and, in a filter, wildcards.
    public func subject(of key: String) -> String { "$KV.\(bucket).\(key)" }

    /// Returns the key of a subject; nil if the subject is not one of this bucket.
    public func key(of subject: String) -> String? {
        let prefix = "$KV.\(bucket)."
        return subject.hasPrefix(prefix) ? String(subject.dropFirst(prefix.count)) : nil
    }

    /// The header of a message that deletes its key.
    public static let deletion: [(String, String)] = [("KV-Operation", "DEL")]

    /// Returns whether a message deletes its key.
    public static func isDeletion(_ message: Message) -> Bool {
        message.payload.isEmpty && message.header("KV-Operation") != nil
    }

    /// Describes the stream of the bucket as the official clients create it.
    ///
    /// - Parameter replicas: The number of servers that store each value.
    /// - Returns: The stream's configuration.
    public func configuration(replicas: Int) -> StreamConfiguration {
        var stream = StreamConfiguration(name: stream, subjects: ["$KV.\(bucket).>"], replicas: replicas)
        stream.maximumMessagesPerSubject = 1
        stream.discard = .new
        stream.allowsRollup = true
        stream.deniesDelete = true
        stream.allowsDirect = true
        return stream
    }

    /// Describes a consumer that delivers the last value of each key, then all changes. Create it once, not in a loop:
    /// each consumer costs the server.
    ///
    /// - Parameters:
    ///   - keys: The keys, with wildcards; `>` for all.
    ///   - name: The consumer's name.
    /// - Returns: The consumer's configuration.
    public func watch(_ keys: String, name: String) -> ConsumerConfiguration {
        ConsumerConfiguration(stream: stream, name: name, start: .lastPerSubject, subjects: [subject(of: keys)])
    }
}
#endif
