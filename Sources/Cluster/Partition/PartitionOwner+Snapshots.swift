import Wire

/// Stores the images of snapshots.
///
/// No checkpoint goes past the record of a snapshot before the image is stored. If the owner dies earlier, the next one
/// takes the snapshot again when it replays the record. A deleted image stays until a checkpoint is behind the record
/// that deletes it. Every record of the log that is replayed therefore finds its image.
extension PartitionOwner {
    /// The time between two attempts to store an image, in nanoseconds.
    private static let retryInterval: Int64 = 1_000_000_000

    /// An image that is being stored.
    struct Upload {
        let taken: PartitionSnapshots.Taken
        /// The sequence numbers of the chunks that NATS has stored.
        var chunks: [UInt64] = []
    }

    // MARK: Storing

    /// Begins to store the oldest image, unless a checkpoint or another image is being stored.
    mutating func beginUpload() {
        guard claims, upload == nil, checkpoint == nil, now >= uploadDue, let taken = table?.snapshots.unstored.first
        else {
            return
        }
        upload = Upload(taken: taken)
        if taken.chunks.isEmpty {
            storePlace()
        } else {
            effects.append(.storeChunks(taken.chunks, .snapshot(taken.snapshot.position)))
        }
    }

    mutating func uploaded(chunk sequence: UInt64) {
        upload?.chunks.append(sequence)
        if let upload, upload.chunks.count == upload.taken.chunks.count { storePlace() }
    }

    private mutating func storePlace() {
        guard let upload else { return }
        let place = StoredFile(
            chunks: upload.chunks, sha256: PartitionImage.sha256(of: upload.taken.chunks))
        effects.append(.storePlace(upload.taken.snapshot.position, JSONBytes.encode(place)))
    }

    /// NATS stored the place of the image that is being stored.
    package mutating func placeStored() {
        guard !hasEnded, let taken = upload?.taken else { return }
        upload = nil
        table?.snapshots.store(taken.snapshot.position)
        if let reply = taken.reply {
            var answer = ControlAnswer(partition: partition, count: taken.snapshot.streams)
            answer.snapshot = taken.snapshot
            answerWhenWritten(PartitionTable.Answered(reply: reply, json: JSONBytes.encode(answer)))
        }
        beginUpload()
    }

    /// A part of the image was not stored. The next attempt begins from scratch.
    mutating func giveUpUpload() {
        upload = nil
        uploadDue = now + Self.retryInterval
    }
}
