import Wire

/// Writes checkpoints, and drains.
extension PartitionOwner {
    mutating func beginCheckpoint() {
        checkpointDue = now + Self.checkpointInterval
        guard checkpoint == nil, upload == nil, !isCheckpointed, table?.snapshots.unstored.isEmpty ?? false,
            let image = table?.image()
        else { return }
        timestepsAtCheckpoint = timesteps
        checkpoint = RunningCheckpoint(image: image)
        if image.chunks.isEmpty { writeManifest() } else { effects.append(.storeChunks(image.chunks, .checkpoint)) }
    }

    /// NATS stored the next chunk of the checkpoint, or of a snapshot's image.
    ///
    /// - Parameter sequence: The chunk's sequence number in its stream.
    package mutating func chunkStored(_ sequence: UInt64) {
        guard upload == nil else { return uploaded(chunk: sequence) }
        checkpoint?.chunks.append(sequence)
        if let checkpoint, checkpoint.manifest == nil, checkpoint.chunks.count == checkpoint.image.chunks.count {
            writeManifest()
        }
    }

    /// A chunk, or the place of an image, was not stored. The next attempt begins from scratch.
    package mutating func chunkFailed() {
        guard upload == nil else { return giveUpUpload() }
        guard checkpoint?.manifest == nil else { return }
        checkpoint = nil
        settle()
    }

    mutating func writeManifest() {
        guard let image = checkpoint?.image, let chunks = checkpoint?.chunks else { return }
        let manifest = CheckpointManifest(
            position: image.position, serve: image.serve, streams: image.streams, byteCount: image.byteCount,
            sha256: image.sha256, chunks: chunks, snapshots: image.snapshots.all,
            deletedSnapshots: image.snapshots.deleted)
        checkpoint?.manifest = manifest
        // All decisions up to the checkpoint's position come first in the chain.
        outbox.add(manifest: JSONBytes.encode(manifest))
        write()
    }

    mutating func finishCheckpoint(at sequence: UInt64) {
        guard let written = checkpoint?.manifest else { return }
        checkpoint = nil
        manifest = written
        effects.append(
            .purge(
                logBelow: written.position + 1, chunksBelow: written.chunks.first, chainBelow: sequence))
        effects += written.deletedSnapshots.map { .deleteImage($0) }
        table?.snapshots.forget(written.deletedSnapshots)
        beginUpload()
        settle()
    }

    /// Begins the drain: a checkpoint, then the end. Until the checkpoint is stored, the owner follows the log as usual,
    /// so that the next owner has little to replay.
    package mutating func drain() {
        guard drainState == .none, !hasEnded else { return }
        guard table != nil, standby == nil else { return end(.drained) }
        drainState = .checkpointing
        phase = .draining
        if checkpoint == nil { beginCheckpoint() }
        settle()
    }

    mutating func settle() {
        guard drainState == .checkpointing, checkpoint == nil else { return }
        drainState = .settling
        write()
        endIfDrained()
    }

    mutating func endIfDrained() {
        guard drainState == .settling, outbox.isEmpty, underWay == nil else { return }
        end(.drained)
    }
}
