/// A queue of streams whose waiting timesteps are admitted in pieces, one stream at a time. Timesteps wait here if
/// their message is large, or if their stream was paused or hibernating.
struct Backlog {
    /// The total size of waiting messages, in bytes, above which no more messages are accepted.
    static let fullBytes = 64 << 20

    /// The queued slots. The first ``gone`` entries have already left the queue.
    private var queue: [UInt32] = []
    private var gone = 0
    /// The slots of the streams that have a piece in the current batch.
    var beingTaken: [Int] = []
    /// The model and the number of the new timesteps in the batch. Nil if there are none, or if they belong to several
    /// models.
    var pace: (model: Int, timesteps: Int)?
    /// The total size, in bytes, of the messages that wait for their turn or for their stream to wake.
    var byteCount = 0

    /// The number of streams in the queue.
    var count: Int { queue.count - gone }
    /// Whether no more messages should be accepted.
    var isFull: Bool { byteCount > Self.fullBytes && count > 0 }

    /// Counts timesteps that were added to the batch.
    mutating func count(_ timesteps: Int, of model: Int) {
        if beingTaken.count == 1 {
            pace = (model, timesteps)
        } else if pace?.model == model {
            pace?.timesteps += timesteps
        } else {
            pace = nil
        }
    }

    mutating func append(_ slot: Int) { queue.append(UInt32(slot)) }

    /// Removes the next slot from the queue and returns it; nil if the queue is empty.
    mutating func next() -> Int? {
        guard gone < queue.count else { return nil }
        defer {
            gone += 1
            if gone == queue.count || gone >= 65_536 {
                queue.removeFirst(gone)
                gone = 0
            }
        }
        return Int(queue[gone])
    }
}
