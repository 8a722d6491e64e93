#if Cluster
import Foundation
import NATS
package import Wire

/// Creates the streams of a cluster in NATS. A repeated creation with the same facts changes nothing.
package struct ClusterCreation {
    /// The facts of the new cluster.
    package let facts: ClusterFacts
    /// The maximum size of each partition's log in bytes. A full log makes producers wait.
    package let logBytes: Int64
    private let connection: Connection

    /// The time for each request, in milliseconds. The first requests to a new stream wait for its leader.
    private static let patience = 10_000
    /// The time for which JetStream recognizes a message that was sent twice, in nanoseconds.
    private static let duplicateWindow: Int64 = 60_000_000_000

    /// Prepares a creation.
    ///
    /// - Parameters:
    ///   - facts: The facts of the new cluster.
    ///   - logBytes: The maximum size of each partition's log in bytes.
    ///   - access: The NATS servers and the login.
    /// - Throws: ``ClientError`` if NATS cannot be reached.
    package init(_ facts: ClusterFacts, logBytes: Int64, access: ClusterAccess) throws(ClientError) {
        self.facts = facts
        self.logBytes = logBytes
        connection = try access.connect()
    }

    /// Creates what is missing.
    ///
    /// - Parameter progress: Receives the number of partitions created so far.
    /// - Throws: ``ClientError`` if a cluster with other facts exists, or if NATS refuses a stream.
    package func run(progress: (Int) -> Void) throws(ClientError) {
        let bucket = KeyValue(bucket: ClusterNames.facts)
        try create(bucket.configuration(replicas: facts.replicas))
        if let existing = try existingFacts(bucket), existing != facts {
            throw ClientError(
                .cannotCreate,
                "NATS has a cluster with \(existing.partitions) partitions and \(existing.replicas) replicas already; its "
                    + "partitions cannot be changed")
        }
        try create(KeyValue(bucket: ClusterNames.members).configuration(replicas: facts.replicas))
        try createFiles(ClusterNames.chunks, [ClusterNames.chunkSubjects])
        try createFiles(ClusterNames.snapshots, ClusterNames.snapshotSubjects)
        try createFiles(ClusterNames.weights, ClusterNames.weightsSubjects)
        for partition in 0..<facts.partitions {
            var log = stream(ClusterNames.log(partition), [ClusterNames.logSubject(partition)])
            log.maximumBytes = logBytes
            log.discard = .new
            log.duplicateWindow = Self.duplicateWindow
            try create(log)
            try create(stream(ClusterNames.chain(partition), ClusterNames.chainSubjects(partition)))
            progress(partition + 1)
        }
        try store(bucket)
    }

    private func stream(_ name: String, _ subjects: [String]) -> StreamConfiguration {
        StreamConfiguration(name: name, subjects: subjects, replicas: facts.replicas)
    }

    /// Creates a stream of files in chunks. Changes a stream that an earlier version has created.
    private func createFiles(_ name: String, _ subjects: [String]) throws(ClientError) {
        var files = stream(name, subjects)
        // A chunk never changes, so any server may answer for it.
        files.allowsDirect = true
        do {
            try ask(JetStream.create(files))
        } catch let error as JetStreamError where error.isNameInUse {
            try update(files)
        } catch {
            throw refusal(of: name, error)
        }
    }

    private func update(_ stream: StreamConfiguration) throws(ClientError) {
        do {
            try ask(JetStream.update(stream))
        } catch {
            throw refusal(of: stream.name, error)
        }
    }

    private func create(_ stream: StreamConfiguration) throws(ClientError) {
        do {
            try ask(JetStream.create(stream))
        } catch let error as JetStreamError where error.isNameInUse {
            throw ClientError(
                .cannotCreate, "NATS has a stream \(stream.name) with another configuration already; remove it first")
        } catch {
            throw refusal(of: stream.name, error)
        }
    }

    /// Creates or changes a stream.
    private func ask(_ request: APIRequest) throws {
        _ = try StreamInformation(connection.request(request, timeoutMilliseconds: Self.patience))
    }

    private func refusal(of stream: String, _ error: any Error) -> ClientError {
        ClientError(.unavailable, "the stream \(stream) cannot be created: \(error)")
    }

    private func existingFacts(_ bucket: KeyValue) throws(ClientError) -> ClusterFacts? {
        do {
            let request = JetStream.lastMessage(of: bucket.subject(of: ClusterNames.factsKey), in: bucket.stream)
            let stored = try StoredMessage(connection.request(request, timeoutMilliseconds: Self.patience))
            return try JSONDecoder().decode(ClusterFacts.self, from: Data(stored.payload))
        } catch let error as JetStreamError where error.isNotFound {
            return nil
        } catch {
            throw ClientError(.unavailable, "the cluster's facts cannot be read: \(error)")
        }
    }

    private func store(_ bucket: KeyValue) throws(ClientError) {
        do {
            let json = [UInt8](try JSONEncoder().encode(facts))
            let answer = try connection.request(
                bucket.subject(of: ClusterNames.factsKey), json.span, timeoutMilliseconds: Self.patience)
            _ = try PublishAcknowledgement(answer)
        } catch {
            throw ClientError(.unavailable, "the cluster's facts cannot be stored: \(error)")
        }
    }
}

/// The NATS servers of a cluster and the login.
package struct ClusterAccess {
    private let options: ConnectionOptions

    /// Creates the access. Each parameter sets the option of the same name of ``NATS/ConnectionOptions``.
    package init(servers: String, nkey: String?, credentials: String?, authorities: String?) {
        var options = ConnectionOptions(
            servers: servers.split(separator: ",").map { String($0) }, name: "sluice")
        if let nkey { options.login = .nkeySeed(file: nkey) }
        if let credentials { options.login = .credentials(file: credentials) }
        if let authorities { options.tls = .init(authorities: authorities) }
        self.options = options
    }

    /// Connects.
    ///
    /// - Throws: ``ClientError`` if no server answers, or if it refuses the login.
    func connect() throws(ClientError) -> Connection {
        do throws(NATSError) {
            return try Connection(options)
        } catch {
            throw ClientError(.unavailable, error.description)
        }
    }
}
#endif
