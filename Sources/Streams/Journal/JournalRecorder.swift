import Wire

/// Records the changes of streams for the journal, and numbers them.
///
/// Nothing is recorded until ``start(_:)``. The numbering covers the whole life of the stored state.
public struct JournalRecorder: Sendable {
    /// The number of the last record.
    public private(set) var position: UInt64 = 0
    /// The records that were not handed over yet.
    public private(set) var records = JournalRecords()
    /// The journal's number for the weights of each model; nil if nothing is recorded.
    private var weights: [UInt16]?

    /// Whether changes are recorded.
    @inline(__always)
    public var isOn: Bool { weights != nil }

    /// Records all changes from now on.
    ///
    /// - Parameter weights: The journal's number for the weights of each model.
    public mutating func start(_ weights: [UInt16]) {
        self.weights = weights
    }

    /// Stops recording and discards pending records. One position is skipped, so that the missing records are noticed.
    public mutating func stop() {
        weights = nil
        records.removeAll()
        position += 1
    }

    /// Hands over the pending records.
    ///
    /// - Parameter spare: Empty records whose capacity the recorder reuses. On return it holds the pending records.
    public mutating func take(_ spare: inout JournalRecords) {
        swap(&records, &spare)
    }

    /// Continues the numbering after the records that a journal or a store already has.
    ///
    /// - Parameter position: The number of the last record.
    public mutating func skip(through position: UInt64) {
        self.position = max(self.position, position)
    }

    /// Replays a record under its own number.
    mutating func replay(at position: UInt64) {
        self.position = position
    }

    /// Sets the journal's number for the weights that a model has now.
    mutating func setWeights(_ number: UInt16, of model: Int) { weights?[model] = number }

    /// Records timesteps that a stream consumed.
    ///
    /// - Parameters:
    ///   - id: The id of the stream.
    ///   - isFirst: Whether the stream is new.
    ///   - model: The index of the stream's model.
    ///   - header: The number of the first timestep, and the flags.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - values: The timesteps, shape (count, features).
    ///   - rest: The number of later timesteps in the same message.
    mutating func timesteps(
        id: Span<UInt8>, isFirst: Bool, model: Int, header: TimestepHeader, time: Int64, values: Span<Float>, rest: Int
    ) {
        guard let weights else { return }
        position += 1
        records.appendTimesteps(
            id: id, isFirst: isFirst, weights: weights[model], header: header, time: time, values: values, rest: rest)
    }

    mutating func reset(_ selection: ControlCommand.Selection) {
        record { records, _ in records.appendReset(selection) }
    }

    mutating func remove(_ selection: ControlCommand.Selection) {
        record { records, _ in records.appendRemove(selection) }
    }

    /// Records an imported stream.
    mutating func put(_ image: StreamImage, model: Int) {
        record { records, weights in records.append(image, weights: weights[model]) }
    }

    mutating func restorationBegin() {
        record { records, _ in records.appendRestorationBegin() }
    }

    /// Records a stream that is put in place if the restoration takes effect.
    mutating func prepared(_ image: StreamImage, model: Int) {
        record { records, weights in records.append(image, weights: weights[model], isPrepared: true) }
    }

    mutating func restored() {
        record { records, _ in records.appendRestored() }
    }

    private mutating func record(_ append: (inout JournalRecords, [UInt16]) -> Void) {
        guard let weights else { return }
        position += 1
        append(&records, weights)
    }
}
