import Recurrent
import Wire

/// What goes to the journal, and what comes back from it at a start.
extension StreamTable {
    /// Whether changes are recorded.
    public var isRecording: Bool { weightsNumbers != nil }

    /// Records all that changes streams from here on.
    ///
    /// - Parameter numbers: What the journal calls the weights of each of ``models``.
    public mutating func startRecording(_ numbers: [UInt16]) {
        weightsNumbers = numbers
    }

    /// Records nothing any more, and forgets what was not taken. That records are missing shows: a position is left out.
    public mutating func stopRecording() {
        weightsNumbers = nil
        records.removeAll()
        position += 1
    }

    /// Gives away what was recorded.
    ///
    /// - Parameter spare: Empty records, whose memory is used from here on; replaced by what was recorded.
    public mutating func takeRecords(_ spare: inout JournalRecords) {
        swap(&records, &spare)
    }

    /// Goes on counting records after those that a journal or the images of a store know of.
    ///
    /// - Parameter position: The number of the last record.
    public mutating func skipPositions(through position: UInt64) {
        self.position = max(self.position, position)
    }

    /// Changes streams as a record says, unless a stream's loaded state has that change already.
    ///
    /// - Parameters:
    ///   - record: What the journal has.
    ///   - position: The record's number. Those before were replayed.
    ///   - models: Which of ``models`` a number of weights stands for. Timesteps of weights that are not served any more
    ///     are taken by those that are, if whoever starts the daemon said so.
    public mutating func replay(_ record: JournalRecords.Record, at position: UInt64, models: [Int: Int]) {
        self.position = position
        switch record {
        case .timesteps(let id, let isFirst, let weights, let header, let time, let values, let rest):
            // A stream that was removed later may be gone from the store already; what came before the removal with it.
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

    /// Ends what a start puts in place: from here on timesteps come from producers.
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

    /// Gives a stream that is not known a slot, which may be that of one that was loaded and removed again.
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
        take(slot, numbers, header.flags, count: count, rest: rest)
        stepBatch()
        // A sequence that becomes too long is dropped again, as it was then.
        decideBatch(time: time, into: &decided)
    }
}

/// What is recorded where.
extension StreamTable {
    /// Records the new timesteps of a message that were taken.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - isFirst: Its stream is new.
    ///   - end: From this timestep on none were taken.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - weights: What the journal calls the weights of each model.
    mutating func record(
        _ message: MessageBatch.Message, isFirst: Bool, end: Int, time: Int64, as weights: [UInt16]
    ) {
        let features = rules[message.model].features
        let duplicates = message.duplicates
        var header = TimestepHeader(sequence: message.first + UInt64(duplicates), flags: message.flags)
        if duplicates > 0 { header.flags.remove(.start) }
        if end < message.count { header.flags.remove(.end) }
        position += 1
        // Out of the table while it is added to: the id is borrowed from the table.
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
