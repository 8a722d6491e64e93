/// Decides at a start which of the journal's records change a stream. Empty at all other times.
struct JournalReplay {
    /// The record up to which each stream is loaded, by slot.
    private var positions: [UInt64] = []
    /// The streams to restore if their restoration took effect.
    private var prepared: [(image: StreamImage, model: Int?)] = []

    /// Notes that the loaded state of a stream contains all records up to a position. Slots come in ascending order.
    mutating func load(_ slot: Int, through position: UInt64) {
        while positions.count < slot { positions.append(0) }
        positions.append(position)
    }

    /// Notes that a replayed record created a stream. Its slot may have belonged to a stream that was loaded and then
    /// removed.
    mutating func create(_ slot: Int) {
        if slot < positions.count { positions[slot] = 0 }
    }

    /// Whether the loaded state of a stream lacks a record.
    func isNew(_ position: UInt64, to slot: Int) -> Bool {
        slot >= positions.count || position > positions[slot]
    }

    /// Begins a restoration. Streams prepared earlier are discarded.
    mutating func beginRestoration() { prepared = [] }

    /// Prepares a stream for the restoration.
    ///
    /// - Parameters:
    ///   - image: The stream.
    ///   - model: The index of its model; nil if its weights are no longer served.
    mutating func prepare(_ image: StreamImage, model: Int?) { prepared.append((image, model)) }

    /// Hands over the prepared streams, because their restoration took effect.
    mutating func takePrepared() -> [(image: StreamImage, model: Int?)] {
        defer { prepared = [] }
        return prepared
    }
}
