import Recurrent
import Wire

/// The hot path within the table: ``admit(frames:id:payload:header:)`` for each available message, followed by
/// ``stepBatch()`` and ``decideBatch(time:into:)`` once for the whole batch.
extension StreamTable {
    /// Whether the batch has no messages.
    public var isBatchEmpty: Bool { batch.count == 0 }
    /// Whether the batch must be decided before more messages are admitted.
    public var isBatchFull: Bool { batch.isFull }
    /// Whether deciding the batch takes little longer than a check for another message.
    public var isBatchSmall: Bool { batch.isSmall }

    /// Adds a message to the batch if any of its timesteps are new. The batch already holds the message's values as
    /// ``MessageBatch/incoming``.
    ///
    /// - Parameters:
    ///   - slot: The slot of the stream, which must have no message in the batch yet.
    ///   - numbers: The sequence numbers of the message, and how many of its timesteps are duplicates.
    ///   - flags: The flags of the message.
    ///   - count: The number of timesteps in the message.
    ///   - hash: The hash of the id, which assigns the stream to a worker. It is irrelevant if the batch has only this
    ///     message.
    ///   - rest: If the message is a piece of a longer one, the number of timesteps that follow the piece; otherwise 0.
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
        // Build the message right here, so that it is written straight from registers to its place in the batch.
        batch.append(
            MessageBatch.Message(
                slot: slot, model: model, job: job, numbers: numbers, flags: flags, count: count,
                firstValue: batch.takenValues, rest: rest),
            work: rules[model].work)
        // A single decision may require a whole sequence to be stepped, so let other work have its turn afterwards.
        if rules[model].keepsTimesteps { batch.close() }
    }

    /// Applies the effects of a gap before a message, or of the start of a sequence.
    private mutating func startAnew(_ slot: Int, _ numbers: SequenceNumbers, _ flags: TimestepHeader.Flags) {
        let model = streams[slot].model
        if numbers.gap {
            ledger.countGap(of: slot)
            streams[slot].gapPending = true
            // If the stream publishes only changes, mark the gap now. Its next published decision, whose flag would
            // otherwise mark the gap, may be far away.
            if rules[model].emit == .change { history.mark(.gap, of: slot, at: history.time) }
        }
        let starts = flags.contains(.start) && numbers.duplicates == 0
        if starts || (numbers.gap && rules[model].resetsAtGap) {
            memories[model].reset(streams[slot].row)
            streams[slot].step = 0
        }
    }

    /// Adds the new timesteps of the incoming message to its model's step batch.
    ///
    /// - Parameters: Same as for ``enqueue(_:_:_:count:hash:rest:)``.
    /// - Returns: The index of the job; a meaningless 0 if the model keeps timesteps instead of a state.
    @inline(__always)
    private func addJob(
        _ slot: Int, _ numbers: SequenceNumbers, _ flags: TimestepHeader.Flags, count: Int, hash: UInt32
    ) -> Int {
        let stream = streams[slot]
        let rule = rules[stream.model]
        return steps.add(
            to: stream.model, row: stream.row, at: batch.takenValues + numbers.duplicates * rule.features,
            count: count - numbers.duplicates, hash: hash, untilReset: rule.timestepsLeft(after: stream.step),
            resetsAtEnd: flags.contains(.end)) ?? 0
    }

    /// Steps all timesteps in the batch. Streams of the same model are stepped side by side.
    public mutating func stepBatch() {
        for model in memories.indices {
            memories[model].steps?.run(on: batch.allValues)
        }
    }

    /// Decides the messages of the batch in the order of their admission, and empties the batch. Call ``stepBatch()``
    /// first.
    ///
    /// - Parameters:
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decided: The batch to which the decisions are appended.
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
        if journal.isOn { journal.endTimesteps() }
        ledger.counters.decisions += UInt64(decided.records.count - countBefore)
        for model in memories.indices {
            memories[model].steps?.removeAll()
        }
        batch.removeAll()
        if !backlog.beingTaken.isEmpty { settleBacklog() }
    }

    /// Decides consecutive messages of a model whose streams keep a state.
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

    /// Resets the state of a message's stream because it is no longer finite, and decides the rest of the message.
    ///
    /// - Returns: The index of the first timestep that was not stepped. From there on, the timesteps wait until the
    ///   state of the last checkpoint has been read.
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
            let cause = stream.keep(
                batch.newValues(of: message, features: rule.features), of: message, in: buffers, rule, time: time,
                into: &decided.records)
            conclude(message, stream, isFirst: isFirst, end: message.count, time: time)
            // A message that is split into pieces is counted only once, at its last piece.
            decided.end(message.slot, cause == .tooLong && message.rest > 0 ? nil : cause)
        }
    }

    /// Stores a stream after a message, records the consumed timesteps in the journal, and makes the remaining ones
    /// wait.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - stream: The stream as it is after the message.
    ///   - isFirst: Whether the stream is new.
    ///   - end: The index of the first timestep that was not consumed. This timestep and all later ones wait.
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
    /// Decides the timesteps of a message that have been stepped.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - first: The index of the first timestep that has not been decided yet.
    ///   - rule: The decision rule of the model.
    ///   - steps: The step batch that holds the outputs.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The records to append to.
    /// - Returns: The index of the first timestep that was not stepped. If the state stayed finite, this is the number
    ///   of timesteps.
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

    /// Decides one timestep, and appends a record if the policy publishes the decision.
    ///
    /// - Parameters:
    ///   - outputs: The model's outputs, shape (outputs).
    ///   - isLast: Whether this is the last timestep of the message to be decided.
    ///   - isFinal: Whether the sequence ends with this timestep.
    ///   - rule: The decision rule of the model.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The records to append to.
    @inline(__always)
    mutating func decide(
        on outputs: Span<Float>, isLast: Bool, isFinal: Bool, _ rule: DecisionRule, time: Int64,
        into decisions: inout DecisionRecords
    ) {
        // The first label after a reset does not depend on earlier decisions, so that each sequence is independent.
        let newLabel = rule.threshold.label(for: outputs, before: step <= rule.firstDecision ? 0 : label ?? 0)
        let hasChanged = newLabel != label
        label = newLabel

        if rule.emit == .change { decisions.note(outputs.count == 1 ? outputs[0] : outputs[Int(newLabel)]) }
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
