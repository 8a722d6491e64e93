import Recurrent
import Wire

/// The hot path within the table: ``take(frames:id:payload:header:)`` for each message that is there, ``stepBatch()`` once for
/// all of them, ``decideNext(time:into:)`` for each again.
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
        var message = MessageBatch.Message(slot: slot, numbers: numbers, flags: flags, count: count)
        switch memories[model] {
        case .state(let steps):
            let new = count - numbers.duplicates
            message.job = steps.add(
                streams[slot].row, inputs.span.extracting((numbers.duplicates * steps.features)...), count: new,
                hash: hash, untilReset: rule.timestepsLeft(after: streams[slot].step), resetsAtEnd: flags.contains(.end))
            batch.append(message, parameters: rule.parameters)
        case .timesteps:
            // They stay in `inputs`, so nothing can come after them.
            batch.appendLast(message)
        }
    }

    /// Takes all timesteps in the batch: streams of one model side by side.
    public mutating func stepBatch() {
        for model in memories.indices {
            if case .state(let steps) = memories[model] { steps.run() }
        }
    }

    /// Decides on the next message of the batch, in the order in which they were taken. ``stepBatch()`` was called.
    ///
    /// - Parameters:
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decided: Replaced by the message.
    /// - Returns: Whether there was one; if not, the batch is empty again.
    public mutating func decideNext(time: Int64, into decided: inout DecidedMessage) -> Bool {
        guard let message = batch.next() else {
            for model in memories.indices {
                if case .state(let steps) = memories[model] { steps.removeAll() }
            }
            batch.removeAll()
            return false
        }
        let slot = message.slot
        decided.begin(index.id(of: slot))
        var stream = streams[slot]
        stream.isInBatch = false
        var end = message.count
        var areAllKept = true
        switch memories[stream.model] {
        case .state(let steps):
            end = decide(message, &stream, in: steps, time: time, into: &decided.decisions)
            if weightsNumbers != nil || end < message.count {
                keep(message, end: end, values: steps.inputs(of: message.job), time: time)
            }
        case .timesteps(let buffers):
            var values: [Float] = []
            swap(&values, &inputs)
            areAllKept = stream.keep(
                values.span, message.numbers, count: message.count, ends: message.flags.contains(.end), in: buffers,
                rules[stream.model], time: time, into: &decided.decisions)
            let duplicates = message.numbers.duplicates * (values.count / message.count)
            keep(message, end: end, values: values.span.extracting(duplicates...), time: time)
            swap(&values, &inputs)
        }
        stream.time = time
        streams[slot] = stream
        if !stream.isAsleep { markChanged(slot) }
        counters.timesteps += UInt64(end - message.numbers.duplicates)
        counters.decisions += UInt64(decided.decisions.count)
        if !areAllKept { decided.drop = .tooLong }
        return true
    }

    /// Decides on each timestep of a message that was stepped.
    ///
    /// - Returns: From which timestep on none were taken: the message's number of timesteps, if its state stayed finite.
    private mutating func decide(
        _ message: MessageBatch.Message, _ stream: inout Stream, in steps: StepBatch, time: Int64,
        into decisions: inout DecisionRecords
    ) -> Int {
        let rule = rules[stream.model]
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
            quarantine(message.slot, &stream, in: steps.pool, time: time)
            // What follows waits until the last checkpoint's state is there, or goes on from zero.
            if stream.isAsleep { return timestep }
            steps.resume(message.job, untilReset: rule.timestepsLeft(after: stream.step))
        }
    }

    /// Records what was taken of a message, where that is wanted, and lets the rest wait. The table has the stream still as it
    /// was before the message.
    ///
    /// - Parameters:
    ///   - message: The message.
    ///   - end: From this timestep on none were taken; they wait.
    ///   - values: The message's timesteps without the duplicates, shape (n, features).
    ///   - time: Nanoseconds since the Unix epoch.
    private mutating func keep(_ message: MessageBatch.Message, end: Int, values: Span<Float>, time: Int64) {
        let features = values.count / (message.count - message.numbers.duplicates)
        let taken = (end - message.numbers.duplicates) * features
        if let weightsNumbers {
            record(message, end: end, values: values.extracting(..<taken), time: time, as: weightsNumbers)
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
