/// A change of the snapshots in a ``ControlRecord``. A snapshot is a mark in the log of every partition.
package struct SnapshotRecord: Codable, Equatable, Sendable {
    /// The name.
    package var name: String
    /// A random word that no other snapshot has, so that a later snapshot of the same name is told apart.
    package var id: String
    /// The streams.
    package var streams: ControlRecord.Selection

    /// Creates a record. Each parameter sets the property of the same name.
    package init(name: String, id: String, streams: ControlCommand.Selection) {
        self.name = name
        self.id = id
        self.streams = ControlRecord.Selection(streams)
    }
}

/// A snapshot as one partition knows it.
package struct PartitionSnapshot: Codable, Equatable, Sendable {
    /// The name.
    package var name: String
    /// The random word of the snapshot's record.
    package var id: String
    /// The sequence number of the snapshot's record in the partition's log.
    package var position: UInt64
    /// The log's time of the record, in nanoseconds since the Unix epoch.
    package var time: Int64
    /// The number of streams.
    package var streams: Int
    /// The size of their state in bytes.
    package var bytes: Int
    /// The fingerprints to which the numbers in the image refer, as in `StreamImage`.
    package var weights: [String]
    /// The members of ``weights`` that the snapshot's streams have.
    package var models: [String]

    /// Creates an entry. Each parameter sets the property of the same name.
    package init(
        name: String, id: String, position: UInt64, time: Int64, streams: Int, bytes: Int, weights: [String],
        models: [String]
    ) {
        self.name = name
        self.id = id
        self.position = position
        self.time = time
        self.streams = streams
        self.bytes = bytes
        self.weights = weights
        self.models = models
    }
}

/// The place of a file in a stream, such as a snapshot's image. It is stored behind the file's chunks, so the file is
/// complete if the place is there.
package struct StoredFile: Codable, Equatable, Sendable {
    /// The sequence numbers of the chunks, ascending.
    package var chunks: [UInt64]
    /// The SHA-256 of all chunks together, in hexadecimal digits.
    package var sha256: String

    /// Creates a place. Each parameter sets the property of the same name.
    package init(chunks: [UInt64], sha256: String) {
        self.chunks = chunks
        self.sha256 = sha256
    }
}

/// The answer of a partition's owner to `snapshots`.
package struct PartitionSnapshotList: Codable, Equatable, Sendable {
    /// The snapshots whose images are stored, oldest first.
    package var snapshots: [PartitionSnapshot]

    /// Creates an answer. Each parameter sets the property of the same name.
    package init(snapshots: [PartitionSnapshot]) { self.snapshots = snapshots }
}
