/// An action over NATS that an ownership asks for.
package enum PartitionEffect: Equatable, Sendable {
    /// Read the last sequence number of `OUT_p`. Answer: ``PartitionOwner/chainEnd(_:)``.
    case readChainEnd
    /// Read a message of `OUT_p` by its sequence number. Answer: ``PartitionOwner/chainMessage(_:_:)``.
    case readChain(UInt64)
    /// Write to `OUT_p`. Answer: ``PartitionOwner/stored(_:)`` or ``PartitionOwner/refused()``.
    case write(Chain.Write)
    /// Read these messages of `CK`. Answer: ``PartitionOwner/chunk(_:_:)`` for each.
    case readChunks([UInt64])
    /// Follow `IN_p` from this sequence number, with a new consumer. Answer:
    /// ``PartitionOwner/logMessage(_:time:_:)`` for each message.
    case follow(from: UInt64)
    /// End the consumer.
    case stopFollowing
    /// Read the first and last sequence numbers of `IN_p`. Answer: ``PartitionOwner/logEnd(first:last:)``.
    case readLogEnd
    /// Store these chunks in `CK`. Answer: ``PartitionOwner/chunkStored(_:)`` for each, in order.
    case storeChunks([[UInt8]])
    /// Purge what a stored checkpoint has made superfluous.
    case purge(logBelow: UInt64, chunksBelow: UInt64?, chainBelow: UInt64)
    /// Send the answer to a control record.
    case answer(PartitionTable.Answered)
}
