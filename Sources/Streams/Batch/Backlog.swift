/// Streams whose waiting timesteps are taken some at a time, in turn: what large messages still have, and what waited for
/// streams that were resumed or woken.
struct Backlog {
    /// With more bytes of messages, no more are taken in.
    static let fullBytes = 64 << 20

    /// Slots. Some of the first are gone already.
    private var queue: [UInt32] = []
    private var gone = 0
    /// Slots of the streams of which a piece is in the batch.
    var beingTaken: [Int] = []
    /// How many new timesteps of which model are in the batch; nil where there are none, or of several models.
    var pace: (model: Int, timesteps: Int)?
    /// Bytes of the messages that wait for their turn, or for their stream to be read from the store.
    var byteCount = 0

    /// How many streams are in the queue.
    var count: Int { queue.count - gone }
    /// Whether no more should be taken in.
    var isFull: Bool { byteCount > Self.fullBytes && count > 0 }

    /// Counts timesteps that were put into the batch.
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

    /// The slot whose turn it is; it is in the queue no longer.
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
