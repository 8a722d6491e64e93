import Wire

/// Writes checkpoints, and drains.
extension PartitionOwner {
    mutating func beginCheckpoint() {
        checkpointDue = now + Self.checkpointInterval
        guard checkpoint == nil, !isCheckpointed, let image = table?.image() else { return }
        timestepsAtCheckpoint = timesteps
        checkpoint = RunningCheckpoint(image: image)
        if image.chunks.isEmpty { writeManifest() } else { effects.append(.storeChunks(image.chunks)) }
    }

    /// NATS stored the next chunk of the checkpoint.
    ///
    /// - Parameter sequence: The chunk's sequence number in the stream `CK`.
    package mutating func chunkStored(_ sequence: UInt64) {
        checkpoint?.chunks.append(sequence)
        if let checkpoint, checkpoint.manifest == nil, checkpoint.chunks.count == checkpoint.image.chunks.count {
            writeManifest()
        }
    }

    /// A chunk was not stored. The next checkpoint begins from scratch.
    package mutating func chunkFailed() {
        guard checkpoint?.manifest == nil else { return }
        checkpoint = nil
        settle()
    }

    mutating func writeManifest() {
        guard let image = checkpoint?.image, let chunks = checkpoint?.chunks else { return }
        let manifest = CheckpointManifest(
            position: image.position, serve: image.serve, streams: image.streams, byteCount: image.byteCount,
            sha256: image.sha256, chunks: chunks)
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
        settle()
    }

    /// Begins the drain: a checkpoint, then the end. Until the checkpoint is stored, the owner follows the log as usual,
    /// so that the next owner has little to replay.
    package mutating func drain() {
        guard drainState == .none, !hasEnded else { return }
        guard table != nil else { return end(.drained) }
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
