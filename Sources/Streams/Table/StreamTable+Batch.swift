import Recurrent
import Wire

/// The hot path within the table: ``take(frames:id:payload:header:)`` for each message that is there, then ``stepBatch()`` and
/// ``decideBatch(time:into:)`` once for all of them.
extension StreamTable {
    /// Whether nothing waits to be decided on.
    public var isBatchEmpty: Bool { batch.count == 0 }
    /// Whether the batch must be decided on before more is taken.
    public var isBatchFull: Bool { batch.isFull }
    /// Whether deciding takes hardly longer than a look whether more has come.
    public var isBatchSmall: Bool { batch.isSmall }

    /// Puts a message, whose values are the batch's ``MessageBatch/incoming``, into the batch, if any of its timesteps are new.
    ///
    /// - Parameters:
    ///   - slot: The stream's. Nothing of it is in the batch.
    ///   - numbers: Which of the timesteps are new.
    ///   - flags: The message's.
    ///   - count: How many timesteps it has.
    ///   - hash: The id's, by which workers share the streams; of no matter for a message that is decided on by itself.
    ///   - rest: How many timesteps come later, where it is a piece of a message.
    @inline(__always)
    mutating func take(
        _ slot: Int, _ numbers: SequenceNumbers, _ flags: TimestepHeader.Flags, count: Int, hash: UInt32 = 0,
        rest: Int = 0
    ) {
        if numbers.duplicates > 0 { countDuplicates(numbers.duplicates, of: slot) }
        guard numbers.duplicates < count else { return }
        let model = streams[slot].model
        if numbers.gap || flags.contains(.start) { startAnew(slot, numbers, flags) }
        streams[slot].isInBatch = true
        // Made where it is needed last: it goes from registers to where it stays.
        batch.append(
            MessageBatch.Message(
                slot: slot, hash: hash, model: model, numbers: numbers, flags: flags, count: count,
                firstValue: batch.takenValues, rest: rest),
            work: rules[model].work)
        // Its answer may take as long as a whole sequence: what else there is to do has its turn after it.
        if rules[model].keepsTimesteps { batch.close() }
    }

    /// Does what a gap before a message, and the start of a sequence, do to its stream.
    private mutating func startAnew(_ slot: Int, _ numbers: SequenceNumbers, _ flags: TimestepHeader.Flags) {
        let model = streams[slot].model
        if numbers.gap {
            countGap(of: slot)
            streams[slot].gapPending = true
        }
        let starts = flags.contains(.start) && numbers.duplicates == 0
        if starts || (numbers.gap && rules[model].resetsAtGap) {
            memories[model].reset(streams[slot].row)
            streams[slot].step = 0
        }
    }

    /// Takes all timesteps in the batch: streams of one model side by side.
    public mutating func stepBatch() {
        var first = 0
        while first < batch.count {
            let run = batch.run(from: first)
            let model = batch[first].model
            if case .state(let steps) = memories[model] { add(run, of: model, to: steps) }
            first = run.upperBound
        }
        for model in memories.indices {
            if case .state(let steps) = memories[model] { steps.run() }
        }
    }

    /// Gives a model the new timesteps of messages of its streams.
    private mutating func add(_ run: Range<Int>, of model: Int, to steps: StepBatch) {
        let rule = rules[model]
        for number in run {
            let message = batch[number]
            let job = steps.add(
                streams[message.slot].row, batch.newValues(of: message, features: rule.features), count: message.new,
                hash: message.hash, untilReset: rule.timestepsLeft(after: streams[message.slot].step),
                resetsAtEnd: message.flags.contains(.end))
            batch.setJob(job, of: number)
        }
    }

    /// Decides on the messages of the batch, in the order in which they were taken. ``stepBatch()`` was called. The batch is
    /// empty again afterwards.
    ///
    /// - Parameters:
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decided: What was decided is added here.
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
        counters.decisions += UInt64(decided.records.count - countBefore)
        for model in memories.indices {
            if case .state(let steps) = memories[model] { steps.removeAll() }
        }
        batch.removeAll()
        if !backlog.beingTaken.isEmpty { settleBacklog() }
    }

    /// Decides on messages of a model that were stepped.
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

    /// Gives up the state of a message's stream, which is not finite any more, and decides on the rest of the message.
    ///
    /// - Returns: From which timestep on none were taken: what follows waits until the last checkpoint's state is there.
    private mutating func quarantine(
        _ message: MessageBatch.Message, from timestep: Int, in steps: StepBatch, time: Int64,
        into decisions: inout DecisionRecords
    ) -> Int {
        let rule = rules[message.model]
        var end = timestep
        while steps.isFaulty(message.job) {
            quarantine(message.slot, in: steps.pool, time: time)
            if streams[message.slot].isAsleep { break }
            steps.resume(message.job, untilReset: rule.timestepsLeft(after: streams[message.slot].step))
            end = streams[message.slot].decide(on: message, from: end, rule, in: steps, time: time, into: &decisions)
        }
        return end
    }

    /// Decides on messages of a model whose streams keep timesteps.
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
            // Counted once for a message in pieces.
            decided.end(message.slot, areAllKept || message.rest > 0 ? nil : .tooLong)
        }
    }

    /// Puts a stream back as it is after a message, records what was taken of it, where that is wanted, and lets the rest wait.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - stream: Its stream, as it is now.
    ///   - isFirst: The stream is new.
    ///   - end: From this timestep on none were taken; they wait.
    ///   - time: Nanoseconds since the Unix epoch.
    @inline(__always)
    private mutating func conclude(
        _ message: MessageBatch.Message, _ stream: Stream, isFirst: Bool, end: Int, time: Int64
    ) {
        var stream = stream
        stream.endBatch(at: time)
        streams[message.slot] = stream
        if !stream.isAsleep { markChanged(message.slot) }
        counters.timesteps += UInt64(end - message.duplicates)
        if let weightsNumbers { record(message, isFirst: isFirst, end: end, time: time, as: weightsNumbers) }
        if end < message.count { postpone(message, from: end) }
    }
}

extension StreamTable.Stream {
    /// Decides on the timesteps of a message that were taken.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - first: The first of its timesteps that was not decided on.
    ///   - rule: How the model is served.
    ///   - steps: What has stepped them.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The records are added here.
    /// - Returns: From which timestep on none were taken: the message's number of timesteps, if its state stayed finite.
    @inline(__always)
    fileprivate mutating func decide(
        on message: MessageBatch.Message, from first: Int, _ rule: DecisionRule, in steps: StepBatch, time: Int64,
        into decisions: inout DecisionRecords
    ) -> Int {
        let end = message.duplicates + steps.taken(by: message.job)
        let last = message.count - 1
        // Of all but the last piece of a message no timestep is the message's last.
        let isWhole = message.rest == 0
        var timestep = first
        while timestep < end {
            sequence = message.first + UInt64(timestep)
            countStep()
            let isLast = timestep == last && isWhole
            let isFinal = (isLast && message.flags.contains(.end)) || step == rule.lastStep
            decide(
                on: steps.answer(to: timestep - message.duplicates, of: message.job), isLast: isLast, isFinal: isFinal,
                rule, time: time, into: &decisions)
            if isFinal { step = 0 }
            timestep += 1
        }
        return end
    }

    /// Decides on the timestep that was just taken, and writes the record if the policy publishes it.
    ///
    /// - Parameters:
    ///   - outputs: The model's answer, shape (outputs).
    ///   - isLast: No later timestep of its message is decided on.
    ///   - isFinal: The sequence ends with it.
    ///   - rule: How the model is served.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The record is added here.
    @inline(__always)
    mutating func decide(
        on outputs: Span<Float>, isLast: Bool, isFinal: Bool, _ rule: DecisionRule, time: Int64,
        into decisions: inout DecisionRecords
    ) {
        // After a reset the label does not hang on what was decided before it, so that a sequence stands for itself.
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
