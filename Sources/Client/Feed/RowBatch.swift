import Wire

/// Rows that are sent as one message in the codec `batch`. All rows have the same number and type of values.
struct RowBatch {
    /// The maximum number of rows.
    let capacity: Int
    private var ids: [[UInt8]] = []
    private var values: [Float] = []
    private var sequences: [UInt64] = []
    private var flags: [TimestepHeader.Flags] = []
    private var width = 0
    private var areTokens = false

    init(capacity: Int) {
        self.capacity = capacity
        ids.reserveCapacity(capacity)
        sequences.reserveCapacity(capacity)
        flags.reserveCapacity(capacity)
    }

    var isEmpty: Bool { ids.isEmpty }

    /// Adds a row.
    ///
    /// - Returns: False if the batch is full, or if the new row has a different number or type of values.
    mutating func add(_ row: InputRow) -> Bool {
        if isEmpty { (width, areTokens) = (row.values.count, row.areTokens) }
        guard ids.count < capacity, row.values.count == width, row.areTokens == areTokens else { return false }
        ids.append(Array(row.stream.utf8))
        values += row.values
        sequences.append(row.sequence)
        flags.append(row.flags)
        return true
    }

    mutating func removeAll() {
        ids.removeAll(keepingCapacity: true)
        values.removeAll(keepingCapacity: true)
        sequences.removeAll(keepingCapacity: true)
        flags.removeAll(keepingCapacity: true)
    }

    /// The frames of the message.
    var frames: [[UInt8]] {
        BatchMessage(
            streams: .ids(ids), values: areTokens ? .tokens(values.map { Int32($0) }) : .floats(values),
            sequences: sequences.contains { $0 != 0 } ? sequences : [], flags: flags.contains { $0 != [] } ? flags : []
        ).frames
    }
}
