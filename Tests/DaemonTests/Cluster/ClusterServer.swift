#if Cluster
import NATS
import TestSupport
import Wire

/// A NATS server with the logs and chains of a small cluster, and a connection to it.
final class ClusterServer {
    let servers: NATSServers
    let connection: Connection

    /// Starts the server and creates the streams.
    ///
    /// - Parameters:
    ///   - partitions: The number of partitions.
    ///   - logBytes: The maximum size of each log in bytes; nil for no limit.
    /// - Throws: An error if the server does not start.
    init(partitions: Int, logBytes: Int64? = nil) throws {
        servers = try NATSServers()
        connection = try Connection(ConnectionOptions(servers: servers.urls, name: "tests"))
        for partition in 0..<partitions {
            try setLog(partition, maximumBytes: logBytes)
            _ = try StreamInformation(
                ask(
                    JetStream.create(
                        StreamConfiguration(
                            name: ClusterNames.chain(partition), subjects: ClusterNames.chainSubjects(partition)))))
        }
    }

    /// Creates a log, or changes its maximum size.
    func setLog(_ partition: Int, maximumBytes: Int64?, isNew: Bool = true) throws {
        var log = StreamConfiguration(
            name: ClusterNames.log(partition), subjects: [ClusterNames.logSubject(partition)])
        log.discard = .new
        log.maximumBytes = maximumBytes
        _ = try StreamInformation(ask(isNew ? JetStream.create(log) : JetStream.update(log)))
    }

    /// Sends a request to JetStream and returns the answer.
    func ask(_ request: APIRequest) throws -> Message {
        try connection.request(request, timeoutMilliseconds: 10_000)
    }

    /// Returns the state of a stream.
    func state(of stream: String) throws -> StreamInformation {
        try StreamInformation(ask(JetStream.streamInformation(stream)))
    }

    /// Stores a message.
    @discardableResult
    func publish(_ bytes: [UInt8], to subject: String) throws -> UInt64 {
        let answer = try connection.request(subject, bytes.span, timeoutMilliseconds: 10_000)
        return try PublishAcknowledgement(answer).sequence
    }

    /// Returns the payloads of a stream.
    func payloads(of stream: String) throws -> [[UInt8]] {
        let state = try state(of: stream)
        guard state.messageCount > 0 else { return [] }
        return try (state.firstSequence..<state.lastSequence + 1).map {
            try StoredMessage(ask(JetStream.message(at: $0, in: stream))).payload
        }
    }
}
#endif
