/// Determines during startup which of the journal's records a stream's loaded state still lacks. At all other times,
/// the replay is empty.
struct JournalReplay {
    /// For each slot, the position of the last record that the stream's loaded state contains.
    private var positions: [UInt64] = []
    /// The prepared streams, which are restored if their restoration took effect before the restart.
    private var prepared: [(image: StreamImage, model: Int?)] = []

    /// Notes that a stream's loaded state contains all records up to a position. Call this in ascending order of slots.
    mutating func load(_ slot: Int, through position: UInt64) {
        while positions.count < slot { positions.append(0) }
        positions.append(position)
    }

    /// Notes that a replayed record created a stream. The slot may previously have held a stream that was loaded and
    /// then removed.
    mutating func create(_ slot: Int) {
        if slot < positions.count { positions[slot] = 0 }
    }

    /// Whether a stream's loaded state lacks the record at a position.
    func isNew(_ position: UInt64, to slot: Int) -> Bool {
        slot >= positions.count || position > positions[slot]
    }

    /// Begins a restoration. Streams prepared earlier are discarded.
    mutating func beginRestoration() { prepared = [] }

    /// Prepares a stream for the restoration.
    ///
    /// - Parameters:
    ///   - image: The stream.
    ///   - model: The index of the stream's model; nil if the stream's weights are no longer served.
    mutating func prepare(_ image: StreamImage, model: Int?) { prepared.append((image, model)) }

    /// Returns the prepared streams and clears the list. Call this when the restoration takes effect.
    mutating func takePrepared() -> [(image: StreamImage, model: Int?)] {
        defer { prepared = [] }
        return prepared
    }
}
