import Wire

/// Restores the streams from the last checkpoint in the chain.
extension PartitionOwner {
    /// The claim is stored.
    mutating func takeOver() {
        // The decisions between `through` and the table's position are not in the chain, and a standby has not kept them.
        if let table, table.position > chain?.through ?? 0 { self.table = nil }
        phase = .restoring
        restore()
    }

    mutating func restore() {
        if let manifest = chain?.manifest, manifest > 0 {
            effects.append(.readChain(manifest))
        } else {
            replay(table ?? PartitionTable(partition: partition, offer: offer))
        }
    }

    mutating func beginRestoration(_ manifest: CheckpointManifest) {
        if let table, table.position >= manifest.position {
            self.manifest = manifest
            replay(table)
        } else if let missing = offer.missing(for: manifest.serve) {
            waitingManifest = manifest
            effects.append(.readWeights(missing))
        } else {
            do throws(PartitionError) {
                restoration = try CheckpointRestoration(manifest, partition: partition, offer: offer)
                if manifest.chunks.isEmpty {
                    try finishRestoration()
                } else {
                    effects.append(.readChunks(manifest.chunks, .checkpoint))
                }
            } catch {
                end(.failed(error))
            }
        }
    }

    /// A chunk of the checkpoint arrived.
    ///
    /// - Parameters:
    ///   - sequence: The chunk's sequence number in the stream `CK`. The driver passes chunks in ascending order.
    ///   - bytes: The chunk.
    package mutating func chunk(_ sequence: UInt64, _ bytes: [UInt8]) {
        guard restoration != nil else { return snapshotChunk(sequence, bytes) }
        guard restoration?.nextChunk == sequence else { return }
        do throws(PartitionError) {
            try restoration?.take(bytes)
            try finishRestoration()
        } catch {
            end(.failed(error))
        }
    }

    /// Goes on with the restored table once all chunks are taken.
    private mutating func finishRestoration() throws(PartitionError) {
        guard let restored = restoration, restored.nextChunk == nil else { return }
        restoration = nil
        let (manifest, table) = try restored.finish()
        self.manifest = manifest
        replay(table)
    }

    /// Goes on with the log behind the position of the table.
    private mutating func replay(_ table: PartitionTable) {
        let isWarm = self.table === table
        self.table = table
        timestepsAtCheckpoint = table.timesteps
        checkpointDue = now + Self.checkpointInterval
        heardAt = now
        lookedAt = now
        knowsLogEnd = false
        let held = isWarm ? standby?.held ?? [] : []
        standby?.held = []
        if !isWarm {
            table.streams.keepHistory(points: history.points, bytes: history.bytes)
            effects.append(.follow(from: table.position + 1))
        }
        effects.append(.readLogEnd)
        guard phase == .restoring else { return }
        standby = nil
        phase = .replaying
        for message in held { logMessage(message.sequence, time: message.time, message.bytes.span) }
    }
}
