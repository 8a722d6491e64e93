/// The names of a cluster's streams, subjects and keys in NATS.
package enum ClusterNames {
    /// The stream of a partition's log.
    package static func log(_ partition: Int) -> String { "IN_\(partition)" }
    /// Returns the partition whose log a stream is; nil for another stream.
    package static func partition(ofLog stream: String) -> Int? {
        stream.hasPrefix("IN_") ? Int(stream.dropFirst(3)) : nil
    }
    /// The subject of a partition's log.
    package static func logSubject(_ partition: Int) -> String { "in.\(partition)" }

    /// The stream of a partition's chain.
    package static func chain(_ partition: Int) -> String { "OUT_\(partition)" }
    /// The subject of a kind of message in a partition's chain.
    package static func chainSubject(_ partition: Int, _ kind: ChainEntry.Kind) -> String {
        switch kind {
        case .claim: "own.\(partition)"
        case .decisions: "out.\(partition)"
        case .manifest: "ckpt.\(partition)"
        }
    }
    /// The subjects of a partition's chain.
    package static func chainSubjects(_ partition: Int) -> [String] {
        ChainEntry.Kind.allCases.map { chainSubject(partition, $0) }
    }

    /// The subject at which a partition's owner answers questions about its streams.
    package static func querySubject(_ partition: Int) -> String { "query.\(partition)" }

    /// The subject of a message that makes a node hand over its partitions and stop.
    package static func drainSubject(_ node: String) -> String { "drain.\(node)" }

    /// The stream of all checkpoints' chunks.
    package static let chunks = "CK"
    /// The subject of the chunks of a partition's checkpoints.
    package static func chunkSubject(_ partition: Int) -> String { "ck.\(partition)" }
    /// The subject of all chunks.
    package static let chunkSubjects = "ck.*"

    /// The stream of all snapshots' images.
    package static let snapshots = "SNAP"
    /// The subject of the chunks of an image. A snapshot is named by its position in the partition's log.
    package static func snapshotChunkSubject(_ partition: Int, _ position: UInt64) -> String {
        "snap.\(partition).\(position)"
    }
    /// The subject of the ``StoredFile`` of an image.
    package static func snapshotPlaceSubject(_ partition: Int, _ position: UInt64) -> String {
        "place.\(partition).\(position)"
    }
    /// The subjects of all snapshots.
    package static let snapshotSubjects = ["snap.*.*", "place.*.*"]

    /// The stream of the models' weights, as `.safetensors` files of Sluice.
    package static let weights = "WEIGHTS"
    /// The subject of the chunks of a model's file.
    package static func weightsChunkSubject(_ fingerprint: String) -> String { "weights.\(fingerprint)" }
    /// The subject of the ``StoredFile`` of a model.
    package static func weightsPlaceSubject(_ fingerprint: String) -> String { "file.\(fingerprint)" }
    /// The subjects of all weights.
    package static let weightsSubjects = ["weights.*", "file.*"]

    /// The KV bucket of the nodes' heartbeats.
    package static let members = "LEASE"
    /// The KV bucket with the cluster's facts.
    package static let facts = "CLUSTER"
    /// The key of the ``ClusterFacts`` in ``facts``.
    package static let factsKey = "facts"
}

/// The facts that are fixed when a cluster is created.
package struct ClusterFacts: Codable, Equatable, Sendable {
    /// The number of partitions.
    package var partitions: Int
    /// The number of servers that store each message.
    package var replicas: Int
    /// The version of the formats of log and chain.
    package var format: Int

    /// Creates the facts of a new cluster.
    package init(partitions: Int, replicas: Int) {
        self.partitions = partitions
        self.replicas = replicas
        format = Int(LogMessage.version)
    }
}
