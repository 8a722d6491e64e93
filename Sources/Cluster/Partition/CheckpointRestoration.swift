import Wire

/// A table that is being made from a checkpoint. It takes one chunk after another, so that the checkpoint is never in
/// memory as a whole beside the table.
struct CheckpointRestoration {
    private let manifest: CheckpointManifest
    private let table: PartitionTable
    private var hash = SHA256()
    private var byteCount = 0
    private var chunkCount = 0

    /// Begins with an empty table.
    ///
    /// - Parameters:
    ///   - manifest: The checkpoint's manifest.
    ///   - partition: The partition.
    ///   - offer: The models that this node can serve, with all weights that the manifest names.
    /// - Throws: ``PartitionError`` if this node cannot serve the partition.
    init(_ manifest: CheckpointManifest, partition: Int, offer: ServeOffer) throws(PartitionError) {
        self.manifest = manifest
        table = PartitionTable(partition: partition, offer: offer)
        try table.begin(manifest.serve)
    }

    /// The sequence number of the next chunk in the stream `CK`; nil once all are taken.
    var nextChunk: UInt64? { chunkCount < manifest.chunks.count ? manifest.chunks[chunkCount] : nil }

    /// Takes the next chunk.
    ///
    /// - Throws: ``PartitionError`` if the chunk is damaged, or if this node cannot use it.
    mutating func take(_ chunk: [UInt8]) throws(PartitionError) {
        hash.update(chunk)
        byteCount += chunk.count
        chunkCount += 1
        try table.load(chunk)
    }

    /// Compares the chunks with the manifest.
    ///
    /// - Returns: The manifest and the table.
    /// - Throws: ``PartitionError`` if the checkpoint is damaged.
    func finish() throws(PartitionError) -> (CheckpointManifest, PartitionTable) {
        guard byteCount == manifest.byteCount, hash.hexadecimalDigest == manifest.sha256 else {
            throw damaged("does not have the SHA-256 that its manifest gives")
        }
        guard table.streams.count == manifest.streams else {
            throw damaged("has \(table.streams.count) streams, and its manifest says \(manifest.streams)")
        }
        table.snapshots = PartitionSnapshots(manifest)
        table.position = manifest.position
        return (manifest, table)
    }

    private func damaged(_ reason: String) -> PartitionError {
        PartitionError(
            .damaged, "the checkpoint at position \(manifest.position) of partition \(table.partition) \(reason)")
    }
}
