/// An action over NATS that an ownership asks for.
package enum PartitionEffect: Equatable, Sendable {
    /// Read the last sequence number of `OUT_p`. Answer: ``PartitionOwner/chainEnd(_:)``.
    case readChainEnd
    /// Read a message of `OUT_p` by its sequence number. Answer: ``PartitionOwner/chainMessage(_:_:)``.
    case readChain(UInt64)
    /// Write to `OUT_p`. Answer: ``PartitionOwner/stored(_:)`` or ``PartitionOwner/refused()``.
    case write(Chain.Write)
    /// Read these chunks. Answer: ``PartitionOwner/chunk(_:_:)`` for each.
    case readChunks([UInt64], ChunkPlace)
    /// Follow `IN_p` from this sequence number, with a new consumer. Answer:
    /// ``PartitionOwner/logMessage(_:time:_:)`` for each message.
    case follow(from: UInt64)
    /// End the consumer.
    case stopFollowing
    /// Read the first and last sequence numbers of `IN_p`. Answer: ``PartitionOwner/logEnd(first:last:)``.
    case readLogEnd
    /// Append this message to `IN_p`. The log may have other messages before it by then.
    case appendToLog([UInt8])
    /// Store these chunks. Answer: ``PartitionOwner/chunkStored(_:)`` for each, in order.
    case storeChunks([[UInt8]], ChunkPlace)
    /// Store the place of the image of the snapshot at this position. Answer: ``PartitionOwner/placeStored()``.
    case storePlace(UInt64, [UInt8])
    /// Read the place of an image. Answer: ``PartitionOwner/snapshotPlace(_:_:)``.
    case readPlace(UInt64)
    /// Read weights that this node does not have. Answer: ``PartitionOwner/weightsRead(_:_:)``.
    case readWeights(Weights)
    /// Delete the image of the snapshot at this position.
    case deleteImage(UInt64)
    /// Purge what a stored checkpoint has made superfluous.
    case purge(logBelow: UInt64, chunksBelow: UInt64?, chainBelow: UInt64)
    /// Send the answer to a control record or to a question.
    case answer(PartitionTable.Answered)
}

/// The stream and the subject of chunks.
package enum ChunkPlace: Equatable, Sendable {
    /// A checkpoint: the stream `CK`.
    case checkpoint
    /// The image of the snapshot at this position: the stream `SNAP`.
    case snapshot(UInt64)
}
