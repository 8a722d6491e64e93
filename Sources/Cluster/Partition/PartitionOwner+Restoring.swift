import Wire

/// Restores the streams from the last checkpoint in the chain.
extension PartitionOwner {
    mutating func beginRestoring() {
        phase = .restoring
        guard let manifest = chain?.manifest, manifest > 0 else {
            return follow(PartitionTable(partition: partition, offer: offer))
        }
        effects.append(.readChain(manifest))
    }

    mutating func beginRestoration(_ manifest: CheckpointManifest) {
        if let missing = offer.missing(for: manifest.serve) {
            waitingManifest = manifest
            return effects.append(.readWeights(missing))
        }
        restoration = Restoration(manifest: manifest)
        if manifest.chunks.isEmpty { restore() } else { effects.append(.readChunks(manifest.chunks, .checkpoint)) }
    }

    /// A chunk of the checkpoint arrived.
    ///
    /// - Parameters:
    ///   - sequence: The chunk's sequence number in the stream `CK`. The driver passes chunks in ascending order.
    ///   - bytes: The chunk.
    package mutating func chunk(_ sequence: UInt64, _ bytes: [UInt8]) {
        guard restoration != nil else { return snapshotChunk(sequence, bytes) }
        guard let count = restoration?.chunks.count, restoration?.manifest.chunks[count] == sequence else { return }
        restoration?.chunks.append(bytes)
        if count + 1 == restoration?.manifest.chunks.count { restore() }
    }

    mutating func restore() {
        guard let restored = restoration else { return }
        restoration = nil
        do throws(PartitionError) {
            manifest = restored.manifest
            follow(
                try PartitionTable(
                    partition: partition, offer: offer, manifest: restored.manifest, chunks: restored.chunks))
        } catch {
            end(.failed(error))
        }
    }

    mutating func follow(_ table: PartitionTable) {
        let position = table.position
        self.table = table
        timestepsAtCheckpoint = 0
        checkpointDue = now + Self.checkpointInterval
        phase = .replaying
        effects.append(.follow(from: position + 1))
        heardAt = now
        lookedAt = now
        effects.append(.readLogEnd)
    }
}
