import Recurrent
import Wire

/// Records changes for the journal, and replays the journal at a start.
extension StreamTable {
    /// Whether changes are recorded.
    public var isRecording: Bool { weightsNumbers != nil }

    /// Records all changes of streams from now on.
    ///
    /// - Parameter numbers: The journal's number for the weights of each of ``models``.
    public mutating func startRecording(_ numbers: [UInt16]) {
        weightsNumbers = numbers
    }

    /// Stops recording and discards pending records. One position is skipped, so that the missing records are noticed.
    public mutating func stopRecording() {
        weightsNumbers = nil
        records.removeAll()
        position += 1
    }

    /// Hands over the pending records.
    ///
    /// - Parameter spare: Empty records whose capacity the table reuses. On return it holds the pending records.
    public mutating func takeRecords(_ spare: inout JournalRecords) {
        swap(&records, &spare)
    }

    /// Continues the numbering after the records that a journal or a store already has.
    ///
    /// - Parameter position: The number of the last record.
    public mutating func skipPositions(through position: UInt64) {
        self.position = max(self.position, position)
    }

    /// Applies a record to the table, unless the loaded state of the stream already contains the change.
    ///
    /// - Parameters:
    ///   - record: The record.
    ///   - position: The record's number. All earlier records were replayed.
    ///   - models: Maps the journal's number for weights to an index in ``models``. If weights are no longer served, their
    ///     timesteps go to the model that now serves the stream, provided that the operator allowed it.
    public mutating func replay(_ record: JournalRecords.Record, at position: UInt64, models: [Int: Int]) {
        self.position = position
        switch record {
        case .timesteps(let id, let isFirst, let weights, let header, let time, let values, let rest):
            // If the stream was removed later, the store may no longer have it. Its earlier records then have no
            // effect.
            let model = models[weights] ?? router.model(for: id.span)
            guard let slot = index.find(id.span) ?? (isFirst ? model.map { add(id.span, model: $0) } : nil)
            else { return }
            guard isNew(position, to: slot) else { return }
            replay(slot, header, values, rest: rest, time: time)
        case .reset(let selection):
            for slot in (try? slots(of: selection)) ?? [] where isNew(position, to: slot) { reset(slot) }
        case .remove(let selection):
            for slot in (try? slots(of: selection)) ?? [] where isNew(position, to: slot) { remove(slot) }
        case .put(let image, let weights):
            replayPut(image, at: position, model: models[weights])
        case .restorationBegin: prepared = []
        case .prepared(let image, let weights): prepared.append((image, models[weights]))
        case .restored:
            for (image, model) in prepared { replayPut(image, at: position, model: model) }
            prepared = []
        }
    }

    private mutating func replayPut(_ image: StreamImage, at position: UInt64, model: Int?) {
        guard let model, memories[model].fits(image.values.count, at: image.step, of: models[model])
        else { return }
        let slot = index.find(image.id.utf8.span) ?? add(image.id.utf8.span, model: model)
        if isNew(position, to: slot) { put(image, at: slot) }
    }

    /// Ends the replay. From now on, timesteps come from producers.
    public mutating func endReplay() {
        loadedPositions = []
        prepared = []
        counters = StreamCounters()
        events = []
        tallies = [:]
        duplicateRuns = [:]
        stuckStreams = []
    }

    private func isNew(_ position: UInt64, to slot: Int) -> Bool {
        slot >= loadedPositions.count || position > loadedPositions[slot]
    }

    /// Gives a new stream a slot. The slot may have belonged to a stream that was loaded and then removed.
    private mutating func add(_ id: Span<UInt8>, model: Int) -> Int {
        let slot = insert(id, model: model)
        if slot < loadedPositions.count { loadedPositions[slot] = 0 }
        return slot
    }

    private mutating func replay(_ slot: Int, _ header: TimestepHeader, _ values: [Float], rest: Int, time: Int64) {
        let features = models[streams[slot].model].model.features
        let count = values.count / features
        guard count >= 1, values.count == count * features,
            let numbers = try? SequenceNumbers(header, count: count, consumed: streams[slot].sequence)
        else { return }
        var decided = DecidedBatch()
        batch.put(values.span)
        enqueue(slot, numbers, header.flags, count: count, rest: rest)
        stepBatch()
        // If a sequence grows too long, it is dropped here too, in the same way as before the restart.
        decideBatch(time: time, into: &decided)
    }
}

/// Records each kind of change.
extension StreamTable {
    /// Records the new timesteps of a message that were consumed.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - isFirst: Whether the stream is new.
    ///   - end: The index of the first timestep that was not consumed.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - weights: The journal's number for the weights of each model.
    mutating func record(
        _ message: MessageBatch.Message, isFirst: Bool, end: Int, time: Int64, as weights: [UInt16]
    ) {
        let features = rules[message.model].features
        let duplicates = message.duplicates
        var header = TimestepHeader(sequence: message.first + UInt64(duplicates), flags: message.flags)
        if duplicates > 0 { header.flags.remove(.start) }
        if end < message.count { header.flags.remove(.end) }
        position += 1
        // The records leave the table during the append, because the id is borrowed from the table.
        var records = JournalRecords()
        swap(&records, &self.records)
        records.appendTimesteps(
            id: index.id(of: message.slot), isFirst: isFirst, weights: weights[message.model],
            header: header, time: time,
            values: batch.newValues(of: message, features: features).extracting(..<((end - duplicates) * features)),
            rest: message.count - end + message.rest)
        swap(&records, &self.records)
    }

    mutating func recordReset(_ selection: ControlCommand.Selection) {
        guard isRecording else { return }
        position += 1
        records.appendReset(selection)
    }

    mutating func recordRemove(_ selection: ControlCommand.Selection) {
        guard isRecording else { return }
        position += 1
        records.appendRemove(selection)
    }

    mutating func recordPut(_ image: StreamImage, model: Int) {
        guard let weightsNumbers else { return }
        position += 1
        records.append(image, weights: weightsNumbers[model])
    }

    mutating func recordRestorationBegin() {
        guard isRecording else { return }
        position += 1
        records.appendRestorationBegin()
    }

    mutating func recordPrepared(_ image: StreamImage, model: Int) {
        guard let weightsNumbers else { return }
        position += 1
        records.append(image, weights: weightsNumbers[model], isPrepared: true)
    }

    mutating func recordRestored() {
        guard isRecording else { return }
        position += 1
        records.appendRestored()
    }
}
