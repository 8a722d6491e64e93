import Recurrent
import Wire

/// Replays the journal while the daemon starts, and records consumed timesteps.
extension StreamTable {
    /// Applies a record to the table, except to streams whose loaded state already contains the change.
    ///
    /// - Parameters:
    ///   - record: The record.
    ///   - position: The record's position. All earlier records must have been replayed.
    ///   - models: Maps the journal's number for weights to an index in ``models``. If the weights are no longer
    ///     served, the timesteps go to the model that now serves the stream, provided that the operator allowed this.
    public mutating func replay(_ record: JournalRecords.Record, at position: UInt64, models: [Int: Int]) {
        journal.replay(at: position)
        switch record {
        case .timesteps(let messages, let weights, let time):
            for message in messages { replay(message, at: position, model: models[weights], time: time) }
        case .reset(let selection):
            for slot in (try? slots(of: selection)) ?? [] where replay.isNew(position, to: slot) { reset(slot) }
        case .remove(let selection):
            for slot in (try? slots(of: selection)) ?? [] where replay.isNew(position, to: slot) { remove(slot) }
        case .put(let image, let weights):
            replayPut(image, at: position, model: models[weights])
        case .restorationBegin: replay.beginRestoration()
        case .prepared(let image, let weights): replay.prepare(image, model: models[weights])
        case .restored:
            for (image, model) in replay.takePrepared() { replayPut(image, at: position, model: model) }
        }
    }

    private mutating func replayPut(_ image: StreamImage, at position: UInt64, model: Int?) {
        guard let model, memories[model].fits(image.values.count, at: image.step, of: models[model])
        else { return }
        let slot = index.find(image.id.utf8.span) ?? add(image.id.utf8.span, model: model)
        if replay.isNew(position, to: slot) { put(image, at: slot) }
    }

    /// Ends the replay. From then on, timesteps come from producers.
    public mutating func endReplay() {
        replay = JournalReplay()
        ledger = StreamLedger()
        events = []
    }

    /// Adds a new stream and returns its slot.
    private mutating func add(_ id: Span<UInt8>, model: Int) -> Int {
        let slot = insert(id, model: model)
        replay.create(slot)
        return slot
    }

    /// Replays one message.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - position: The position of its record.
    ///   - model: The model with the weights of the record; nil if they are no longer served.
    ///   - time: The time of the record.
    private mutating func replay(_ message: JournalRecords.Message, at position: UInt64, model: Int?, time: Int64) {
        let id = message.id.span
        let newModel = message.isFirst ? model ?? router.model(for: id) : nil
        // A stream that was removed later may already be missing from the store. Its records before the removal then
        // have no effect.
        guard let slot = index.find(id) ?? newModel.map({ add(id, model: $0) }), replay.isNew(position, to: slot)
        else { return }
        let features = models[streams[slot].model].model.features
        let values = message.values
        let count = values.count / features
        guard count >= 1, values.count == count * features,
            let numbers = try? SequenceNumbers(message.header, count: count, consumed: streams[slot].sequence)
        else { return }
        var decided = DecidedBatch()
        batch.put(values.span)
        enqueue(slot, numbers, message.header.flags, count: count, rest: message.rest)
        stepBatch()
        // A sequence that grew too long was dropped before the restart, and is now dropped in the same way.
        decideBatch(time: time, into: &decided)
    }

    /// Records the new timesteps that were consumed from a message.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - isFirst: Whether the stream is new.
    ///   - end: The index of the first timestep that was not consumed.
    ///   - time: Nanoseconds since the Unix epoch.
    mutating func record(_ message: MessageBatch.Message, isFirst: Bool, end: Int, time: Int64) {
        let features = rules[message.model].features
        let duplicates = message.duplicates
        var header = TimestepHeader(sequence: message.first + UInt64(duplicates), flags: message.flags)
        if duplicates > 0 { header.flags.remove(.start) }
        if end < message.count { header.flags.remove(.end) }
        // Move the recorder out of the table during the call, because the id and the values are borrowed from the
        // table.
        var journal = JournalRecorder()
        swap(&journal, &self.journal)
        journal.recordTimesteps(
            id: index.id(of: message.slot), isFirst: isFirst, model: message.model, header: header, time: time,
            values: batch.newValues(of: message, features: features).extracting(..<((end - duplicates) * features)),
            rest: message.count - end + message.rest)
        swap(&journal, &self.journal)
    }
}
