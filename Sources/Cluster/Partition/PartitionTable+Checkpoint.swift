import Streams
package import Wire

/// The image of a partition's streams, which a checkpoint stores.
package struct PartitionImage: Sendable {
    /// The last sequence number of the log that the image contains.
    package let position: UInt64
    /// The record under which the partition was served at that position.
    package let serve: ServeRecord
    /// The number of streams.
    package let streams: Int
    /// The streams, as records `put` of the journal's format, divided into chunks.
    package let chunks: [[UInt8]]
    /// The snapshots at that position.
    package var snapshots = PartitionSnapshots()

    /// The maximum length of a chunk in bytes, unless a single stream is larger.
    package static let chunkLength = 256 << 10

    /// The number of bytes of all chunks together.
    package var byteCount: Int { chunks.reduce(0) { $0 + $1.count } }

    /// The SHA-256 of all chunks together, in hexadecimal digits.
    package var sha256: String { Self.sha256(of: chunks) }

    /// The SHA-256 of chunks together, in hexadecimal digits.
    static func sha256(of chunks: [[UInt8]]) -> String {
        var hash = SHA256()
        for chunk in chunks { hash.update(chunk) }
        return hash.hexadecimalDigest
    }
}

extension PartitionTable {
    /// Copies all streams. Returns nil before the first ``ServeRecord``.
    package func image() -> PartitionImage? {
        guard let serve, let slice = try? streams.copy(.all) else { return nil }
        return PartitionImage(
            position: position, serve: serve, streams: slice.entries.count, chunks: Self.chunks(of: slice),
            snapshots: snapshots)
    }

    static func chunks(of slice: StreamSlice) -> [[UInt8]] {
        var chunks: [[UInt8]] = []
        var records = JournalRecords()
        for index in slice.entries.indices {
            records.append(slice, index)
            if records.bytes.count >= PartitionImage.chunkLength { close(&records, into: &chunks) }
        }
        close(&records, into: &chunks)
        return chunks
    }

    private static func close(_ records: inout JournalRecords, into chunks: inout [[UInt8]]) {
        guard records.count > 0 else { return }
        chunks.append(records.bytes)
        records.removeAll()
    }

    /// Adds the streams in a chunk of a checkpoint.
    func load(_ chunk: [UInt8]) throws(PartitionError) {
        guard let images = Self.images(in: chunk, weights: streams.models.map(\.imageFingerprint)) else {
            throw PartitionError(.damaged, "a chunk of the checkpoint of partition \(partition) has a damaged record")
        }
        do {
            try streams.restore(images)
        } catch {
            throw PartitionError(.damaged, "the checkpoint of partition \(partition) cannot be used: \(error)")
        }
    }

    /// Reads the streams in a chunk.
    ///
    /// - Parameters:
    ///   - chunk: The chunk.
    ///   - weights: The fingerprints to which the records refer.
    /// - Returns: The streams; nil if the chunk is damaged.
    static func images(in chunk: [UInt8], weights: [String]) -> [StreamImage]? {
        var reader = JournalRecords.Reader(chunk)
        var images: [StreamImage] = []
        while let record = reader.next() {
            guard case .put(var image, let number) = record, weights.indices.contains(number) else { return nil }
            image.fingerprint = weights[number]
            images.append(image)
        }
        return reader.isAtEnd ? images : nil
    }
}

extension SHA256 {
    /// The digest in hexadecimal digits.
    package var hexadecimalDigest: String {
        var hash = self
        return hash.digest().map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
