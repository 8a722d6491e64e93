import Recurrent
import Wire

/// The hot path within the table: ``take(frames:id:payload:header:)`` for each message that is there, then ``stepBatch()`` and
/// ``decideBatch(time:into:)`` once for all of them.
extension StreamTable {
    /// Whether nothing waits to be decided on.
    public var isBatchEmpty: Bool { batch.messages.isEmpty }
    /// Whether the batch must be decided on before more is taken.
    public var isBatchFull: Bool { batch.isFull }

    /// Puts the new timesteps in `inputs` into the batch.
    ///
    /// - Parameters:
    ///   - slot: The stream's. Nothing of it is in the batch.
    ///   - numbers: Which of the timesteps are new.
    ///   - flags: The message's.
    ///   - count: How many timesteps it has.
    ///   - hash: The id's, by which workers share the streams; of no matter for a message that is decided on by itself.
    mutating func take(
        _ slot: Int, _ numbers: SequenceNumbers, _ flags: TimestepHeader.Flags, count: Int, hash: UInt32 = 0
    ) {
        if numbers.duplicates > 0 { countDuplicates(numbers.duplicates, of: slot) }
        guard numbers.duplicates < count else { return }
        let model = streams[slot].model
        let rule = rules[model]
        if numbers.gap {
            countGap(of: slot)
            streams[slot].gapPending = true
        }
        let starts = flags.contains(.start) && numbers.duplicates == 0
        if starts || (numbers.gap && rule.resetsAtGap) {
            memories[model].reset(streams[slot].row)
            streams[slot].step = 0
        }
        streams[slot].isInBatch = true
        switch memories[model] {
        case .state(let steps):
            let job = steps.add(
                streams[slot].row, inputs.span.extracting((numbers.duplicates * steps.features)...),
                count: count - numbers.duplicates, hash: hash,
                untilReset: rule.timestepsLeft(after: streams[slot].step), resetsAtEnd: flags.contains(.end))
            batch.append(
                MessageBatch.Message(
                    slot: slot, model: model, numbers: numbers, flags: flags, count: count, job: job),
                parameters: rule.parameters)
        case .timesteps:
            // They stay in `inputs`, so nothing can come after them.
            batch.appendLast(
                MessageBatch.Message(slot: slot, model: model, numbers: numbers, flags: flags, count: count, job: 0))
        }
    }

    /// Takes all timesteps in the batch: streams of one model side by side.
    public mutating func stepBatch() {
        for model in memories.indices {
            if case .state(let steps) = memories[model] { steps.run() }
        }
    }

    /// Decides on the messages of the batch, in the order in which they were taken. ``stepBatch()`` was called. The batch is
    /// empty again afterwards.
    ///
    /// - Parameters:
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decided: Replaced by what was decided.
    public mutating func decideBatch(time: Int64, into decided: inout DecidedBatch) {
        decided.removeAll()
        while let model = batch.nextModel {
            switch memories[model] {
            case .state(let steps): decide(on: model, in: steps, time: time, into: &decided)
            case .timesteps(let buffers): decide(on: model, in: buffers, time: time, into: &decided)
            }
        }
        counters.decisions += UInt64(decided.records.count)
        for model in memories.indices {
            if case .state(let steps) = memories[model] { steps.removeAll() }
        }
        batch.removeAll()
    }

    /// Decides on the next messages of a model that were stepped, up to one of another model.
    private mutating func decide(on model: Int, in steps: StepBatch, time: Int64, into decided: inout DecidedBatch) {
        let rule = rules[model]
        while let message = batch.next(of: model) {
            var stream = streams[message.slot]
            let isFirst = stream.sequence == 0
            let end = decide(message, &stream, rule, in: steps, time: time, into: &decided.records)
            putBack(stream, after: message, end: end, time: time)
            if weightsNumbers != nil || end < message.count {
                keep(message, isFirst: isFirst, end: end, values: steps.inputs(of: message.job), time: time)
            }
            decided.end(index.id(of: message.slot))
        }
    }

    /// Decides on each timestep of a message that was stepped.
    ///
    /// - Returns: From which timestep on none were taken: the message's number of timesteps, if its state stayed finite.
    @inline(__always)
    private mutating func decide(
        _ message: MessageBatch.Message, _ stream: inout Stream, _ rule: DecisionRule, in steps: StepBatch, time: Int64,
        into decisions: inout DecisionRecords
    ) -> Int {
        let new = message.numbers.duplicates
        var timestep = new
        while true {
            let end = new + steps.taken(by: message.job)
            while timestep < end {
                stream.sequence = message.numbers.first + UInt64(timestep)
                stream.countStep()
                let isLast = timestep == message.count - 1
                let isFinal = (isLast && message.flags.contains(.end)) || stream.step == rule.lastStep
                stream.decide(
                    on: steps.answer(to: timestep - new, of: message.job), isLast: isLast, isFinal: isFinal, rule,
                    time: time, into: &decisions)
                if isFinal { stream.step = 0 }
                timestep += 1
            }
            guard steps.isFaulty(message.job) else { return timestep }
            // By way of the table: who gave it away by its address could not have it in registers in the loop.
            streams[message.slot] = stream
            quarantine(message.slot, in: steps.pool, time: time)
            stream = streams[message.slot]
            // What follows waits until the last checkpoint's state is there, or goes on from zero.
            if stream.isAsleep { return timestep }
            steps.resume(message.job, untilReset: rule.timestepsLeft(after: stream.step))
        }
    }

    /// Decides on the next message of a model whose streams keep timesteps; they stand in `inputs`.
    private mutating func decide(
        on model: Int, in buffers: TimestepBuffers, time: Int64, into decided: inout DecidedBatch
    ) {
        guard let message = batch.next(of: model) else { return }
        var values: [Float] = []
        swap(&values, &inputs)
        defer { swap(&values, &inputs) }
        var stream = streams[message.slot]
        let isFirst = stream.sequence == 0
        let areAllKept = stream.keep(
            values.span, message.numbers, count: message.count, ends: message.flags.contains(.end), in: buffers,
            rules[model], time: time, into: &decided.records)
        let duplicates = message.numbers.duplicates * (values.count / message.count)
        putBack(stream, after: message, end: message.count, time: time)
        keep(
            message, isFirst: isFirst, end: message.count, values: values.span.extracting(duplicates...), time: time)
        decided.end(index.id(of: message.slot), areAllKept ? nil : .tooLong)
    }

    /// Puts a stream back as it is after a message, of which no timesteps from `end` on were taken.
    @inline(__always)
    private mutating func putBack(_ stream: Stream, after message: MessageBatch.Message, end: Int, time: Int64) {
        var stream = stream
        stream.isInBatch = false
        stream.time = time
        streams[message.slot] = stream
        if !stream.isAsleep { markChanged(message.slot) }
        counters.timesteps += UInt64(end - message.numbers.duplicates)
    }

    /// Records what was taken of a message, where that is wanted, and lets the rest wait.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - isFirst: Its stream is new.
    ///   - end: From this timestep on none were taken; they wait.
    ///   - values: The message's timesteps without the duplicates, shape (n, features).
    ///   - time: Nanoseconds since the Unix epoch.
    private mutating func keep(
        _ message: MessageBatch.Message, isFirst: Bool, end: Int, values: Span<Float>, time: Int64
    ) {
        let features = values.count / (message.count - message.numbers.duplicates)
        let taken = (end - message.numbers.duplicates) * features
        if let weightsNumbers {
            record(
                message, isFirst: isFirst, end: end, values: values.extracting(..<taken), time: time,
                as: weightsNumbers)
        }
        if end < message.count { postpone(message, from: end, values: values.extracting(taken...)) }
    }
}

extension StreamTable.Stream {
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
