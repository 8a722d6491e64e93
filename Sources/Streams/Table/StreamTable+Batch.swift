import Recurrent
import Wire

/// The hot path within the table: ``admit(frames:id:payload:header:)`` for each available message, then ``stepBatch()`` and
/// ``decideBatch(time:into:)`` once for all of them.
extension StreamTable {
    /// Whether the batch has no messages.
    public var isBatchEmpty: Bool { batch.count == 0 }
    /// Whether the batch must be decided before more messages are admitted.
    public var isBatchFull: Bool { batch.isFull }
    /// Whether the decisions take little longer than a check for another message.
    public var isBatchSmall: Bool { batch.isSmall }

    /// Admits a message, whose values are the batch's ``MessageBatch/incoming``, to the batch if any of its timesteps are new.
    ///
    /// - Parameters:
    ///   - slot: The slot of the stream, which has no message in the batch.
    ///   - numbers: The sequence numbers of the message, with the number of duplicates.
    ///   - flags: The flags of the message.
    ///   - count: The number of timesteps in the message.
    ///   - hash: The hash of the id, by which workers share the streams. Irrelevant for a message that is decided alone.
    ///   - rest: The number of later timesteps, if this is a piece of a message.
    @inline(__always)
    mutating func enqueue(
        _ slot: Int, _ numbers: SequenceNumbers, _ flags: TimestepHeader.Flags, count: Int, hash: UInt32 = 0,
        rest: Int = 0
    ) {
        if numbers.duplicates > 0 {
            ledger.countDuplicates(numbers.duplicates, of: slot, after: streams[slot].sequence)
        }
        guard numbers.duplicates < count else { return }
        let model = streams[slot].model
        if numbers.gap || flags.contains(.start) { startAnew(slot, numbers, flags) }
        streams[slot].isInBatch = true
        let job = addJob(slot, numbers, flags, count: count, hash: hash)
        // The message is built at the point of use, so that it goes from registers straight to its place.
        batch.append(
            MessageBatch.Message(
                slot: slot, model: model, job: job, numbers: numbers, flags: flags, count: count,
                firstValue: batch.takenValues, rest: rest),
            work: rules[model].work)
        // A single answer may take as long as a whole sequence, so other work has its turn after it.
        if rules[model].keepsTimesteps { batch.close() }
    }

    /// Applies the effects of a gap before a message, and of the start of a sequence.
    private mutating func startAnew(_ slot: Int, _ numbers: SequenceNumbers, _ flags: TimestepHeader.Flags) {
        let model = streams[slot].model
        if numbers.gap {
            ledger.countGap(of: slot)
            streams[slot].gapPending = true
        }
        let starts = flags.contains(.start) && numbers.duplicates == 0
        if starts || (numbers.gap && rules[model].resetsAtGap) {
            memories[model].reset(streams[slot].row)
            streams[slot].step = 0
        }
    }

    /// Adds the new timesteps of the incoming message to the step batch of its model.
    ///
    /// - Parameters: As ``enqueue(_:_:_:count:hash:rest:)``.
    /// - Returns: The number of the job; 0 without meaning if the model keeps timesteps instead.
    @inline(__always)
    private func addJob(
        _ slot: Int, _ numbers: SequenceNumbers, _ flags: TimestepHeader.Flags, count: Int, hash: UInt32
    ) -> Int {
        let stream = streams[slot]
        guard case .state(let steps) = memories[stream.model] else { return 0 }
        let rule = rules[stream.model]
        return steps.add(
            stream.row, at: batch.takenValues + numbers.duplicates * rule.features, count: count - numbers.duplicates,
            hash: hash, untilReset: rule.timestepsLeft(after: stream.step), resetsAtEnd: flags.contains(.end))
    }

    /// Steps all timesteps in the batch, with the streams of one model side by side.
    public mutating func stepBatch() {
        for model in memories.indices {
            if case .state(let steps) = memories[model] { steps.run(on: batch.allValues) }
        }
    }

    /// Decides the messages of the batch in their order of admission, and empties the batch. Call ``stepBatch()`` first.
    ///
    /// - Parameters:
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decided: The decisions are appended here.
    public mutating func decideBatch(time: Int64, into decided: inout DecidedBatch) {
        let countBefore = decided.records.count
        var first = 0
        while first < batch.count {
            let run = batch.run(from: first)
            let model = batch[first].model
            switch memories[model] {
            case .state(let steps): decide(on: run, of: model, in: steps, time: time, into: &decided)
            case .timesteps(let buffers): decide(on: run, of: model, in: buffers, time: time, into: &decided)
            }
            first = run.upperBound
        }
        decided.time = time
        ledger.counters.decisions += UInt64(decided.records.count - countBefore)
        for model in memories.indices {
            if case .state(let steps) = memories[model] { steps.removeAll() }
        }
        batch.removeAll()
        if !backlog.beingTaken.isEmpty { settleBacklog() }
    }

    /// Decides consecutive messages of a model that were stepped.
    private mutating func decide(
        on run: Range<Int>, of model: Int, in steps: StepBatch, time: Int64, into decided: inout DecidedBatch
    ) {
        let rule = rules[model]
        for number in run {
            let message = batch[number]
            var stream = streams[message.slot]
            let isFirst = stream.sequence == 0
            var end = stream.decide(
                on: message, from: message.duplicates, rule, in: steps, time: time, into: &decided.records)
            if steps.isFaulty(message.job) {
                streams[message.slot] = stream
                end = quarantine(message, from: end, in: steps, time: time, into: &decided.records)
                stream = streams[message.slot]
            }
            conclude(message, stream, isFirst: isFirst, end: end, time: time)
            decided.end(message.slot, nil)
        }
    }

    /// Resets the state of a message's stream, which is no longer finite, and decides the rest of the message.
    ///
    /// - Returns: The index of the first timestep that was not stepped. The rest waits for the state of the last checkpoint.
    private mutating func quarantine(
        _ message: MessageBatch.Message, from timestep: Int, in steps: StepBatch, time: Int64,
        into decisions: inout DecisionRecords
    ) -> Int {
        let rule = rules[message.model]
        var end = timestep
        while steps.isFaulty(message.job) {
            quarantine(message.slot, in: steps.pool, time: time)
            if streams[message.slot].isAsleep { break }
            steps.resume(
                message.job, untilReset: rule.timestepsLeft(after: streams[message.slot].step), on: batch.allValues)
            end = streams[message.slot].decide(on: message, from: end, rule, in: steps, time: time, into: &decisions)
        }
        return end
    }

    /// Decides consecutive messages of a model whose streams keep timesteps.
    private mutating func decide(
        on run: Range<Int>, of model: Int, in buffers: TimestepBuffers, time: Int64, into decided: inout DecidedBatch
    ) {
        let rule = rules[model]
        for number in run {
            let message = batch[number]
            var stream = streams[message.slot]
            let isFirst = stream.sequence == 0
            let areAllKept = stream.keep(
                batch.newValues(of: message, features: rule.features), of: message, in: buffers, rule, time: time,
                into: &decided.records)
            conclude(message, stream, isFirst: isFirst, end: message.count, time: time)
            // A message in pieces is counted once.
            decided.end(message.slot, areAllKept || message.rest > 0 ? nil : .tooLong)
        }
    }

    /// Stores a stream after a message, records the consumed timesteps for the journal, and makes the rest wait.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - stream: The stream after the message.
    ///   - isFirst: Whether the stream is new.
    ///   - end: The index of the first timestep that was not consumed. The rest waits.
    ///   - time: Nanoseconds since the Unix epoch.
    @inline(__always)
    private mutating func conclude(
        _ message: MessageBatch.Message, _ stream: Stream, isFirst: Bool, end: Int, time: Int64
    ) {
        var stream = stream
        stream.endBatch(at: time)
        streams[message.slot] = stream
        if !stream.isAsleep { markChanged(message.slot) }
        ledger.counters.timesteps += UInt64(end - message.duplicates)
        if journal.isOn { record(message, isFirst: isFirst, end: end, time: time) }
        if end < message.count { postpone(message, from: end) }
    }
}

extension StreamTable.Stream {
    /// Decides the stepped timesteps of a message.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - first: The index of the first timestep that is not decided yet.
    ///   - rule: The decision rule of the model.
    ///   - steps: The step batch with the outputs.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The records are appended here.
    /// - Returns: The index of the first timestep that was not stepped. It equals the number of timesteps if the state stayed
    ///   finite.
    @inline(__always)
    fileprivate mutating func decide(
        on message: MessageBatch.Message, from first: Int, _ rule: DecisionRule, in steps: StepBatch, time: Int64,
        into decisions: inout DecisionRecords
    ) -> Int {
        let end = message.duplicates + steps.steppedTimesteps(of: message.job)
        let last = message.count - 1
        // Only the last piece of a message contains the message's last timestep.
        let isWhole = message.rest == 0
        var timestep = first
        while timestep < end {
            sequence = message.first + UInt64(timestep)
            countStep()
            let isLast = timestep == last && isWhole
            let isFinal = (isLast && message.flags.contains(.end)) || step == rule.lastStep
            decide(
                on: steps.output(at: timestep - message.duplicates, of: message.job), isLast: isLast, isFinal: isFinal,
                rule, time: time, into: &decisions)
            if isFinal { step = 0 }
            timestep += 1
        }
        return end
    }

    /// Decides one timestep, and appends the record if the policy publishes it.
    ///
    /// - Parameters:
    ///   - outputs: The model's outputs, shape (outputs).
    ///   - isLast: Whether no later timestep of the message is decided.
    ///   - isFinal: Whether the sequence ends with this timestep.
    ///   - rule: The decision rule of the model.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The record is appended here.
    @inline(__always)
    mutating func decide(
        on outputs: Span<Float>, isLast: Bool, isFinal: Bool, _ rule: DecisionRule, time: Int64,
        into decisions: inout DecisionRecords
    ) {
        // After a reset, the label does not depend on earlier decisions, so that a sequence is independent.
        let newLabel = rule.threshold.label(for: outputs, before: step <= rule.firstDecision ? 0 : label ?? 0)
        let hasChanged = newLabel != label
        label = newLabel

        let isPublished =
            switch rule.emit {
            case .every: true
            case .last: isLast
            case .change: hasChanged
            case .final: isFinal
            }
        guard isPublished else { return }
        var flags: Decision.Flags = []
        if isFinal { flags.insert(.final) }
        if step == 1 { flags.insert(.first) }
        if gapPending { flags.insert(.gap) }
        if hasChanged { flags.insert(.changed) }
        gapPending = false
        decisions.append(
            sequence: sequence, step: step, time: time, flags: flags, label: newLabel, probabilities: outputs)
    }
}
