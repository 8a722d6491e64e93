import Wire

/// Records changes to streams for the journal, and numbers the records.
///
/// Recording begins with ``start(_:)``. The numbering continues for the lifetime of the stored state.
public struct JournalRecorder: Sendable {
    /// The position of the last record: its number in the journal.
    public private(set) var position: UInt64 = 0
    /// The records that have not been handed over yet.
    public private(set) var records = JournalRecords()
    /// For each model, the number by which the journal refers to the model's weights; nil while nothing is recorded.
    private var weights: [UInt16]?

    /// Whether changes are recorded.
    @inline(__always)
    public var isOn: Bool { weights != nil }

    /// Records all changes from now on.
    ///
    /// - Parameter weights: For each model, the number by which the journal refers to the model's weights.
    public mutating func start(_ weights: [UInt16]) {
        self.weights = weights
    }

    /// Stops recording and discards pending records. One position is skipped, so that a reader notices the missing
    /// records.
    public mutating func stop() {
        weights = nil
        records.removeAll()
        position += 1
    }

    /// Hands over the pending records.
    ///
    /// - Parameter spare: Empty records whose capacity the recorder reuses. On return, `spare` holds the pending
    ///   records.
    public mutating func take(_ spare: inout JournalRecords) {
        swap(&records, &spare)
    }

    /// Continues the numbering after the records that a journal or a store already holds.
    ///
    /// - Parameter position: The position of the last of these records.
    public mutating func skip(through position: UInt64) {
        self.position = max(self.position, position)
    }

    /// Sets the position to that of a record that is being replayed.
    mutating func replay(at position: UInt64) {
        self.position = position
    }

    /// Sets the number by which the journal refers to a model's current weights.
    mutating func setWeights(_ number: UInt16, of model: Int) { weights?[model] = number }

    /// Records timesteps that a stream consumed. Timesteps that were decided together share a record.
    ///
    /// - Parameters:
    ///   - id: The id of the stream.
    ///   - isFirst: Whether the stream is new.
    ///   - model: The index of the stream's model.
    ///   - header: The sequence number of the first timestep, and the flags.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - values: The timesteps, shape (count, features).
    ///   - rest: The number of timesteps that follow in the same message.
    mutating func recordTimesteps(
        id: Span<UInt8>, isFirst: Bool, model: Int, header: TimestepHeader, time: Int64, values: Span<Float>, rest: Int
    ) {
        guard let weights else { return }
        let beginsRecord = records.appendTimesteps(
            id: id, isFirst: isFirst, weights: weights[model], header: header, time: time, values: values, rest: rest)
        if beginsRecord { position += 1 }
    }

    /// Completes the record of the timesteps that were decided together.
    mutating func endTimesteps() { records.endTimesteps() }

    mutating func recordReset(_ selection: ControlCommand.Selection) {
        record { records, _ in records.appendReset(selection) }
    }

    mutating func recordRemoval(_ selection: ControlCommand.Selection) {
        record { records, _ in records.appendRemove(selection) }
    }

    /// Records an imported stream.
    mutating func recordPut(_ image: StreamImage, model: Int) {
        record { records, weights in records.append(image, weights: weights[model]) }
    }

    mutating func recordRestorationBegin() {
        record { records, _ in records.appendRestorationBegin() }
    }

    /// Records a prepared stream, which is restored if the restoration takes effect.
    mutating func recordPrepared(_ image: StreamImage, model: Int) {
        record { records, weights in records.append(image, weights: weights[model], isPrepared: true) }
    }

    mutating func recordRestored() {
        record { records, _ in records.appendRestored() }
    }

    private mutating func record(_ append: (inout JournalRecords, [UInt16]) -> Void) {
        guard let weights else { return }
        position += 1
        append(&records, weights)
    }
}
