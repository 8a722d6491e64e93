import Wire

/// Decides streams that keep timesteps, because their decisions need a whole sequence or window at once.
extension StreamTable.Stream {
    /// Keeps the new timesteps of a message, and decides whenever a window is due or a sequence ends.
    ///
    /// A sequence that becomes too long is dropped: its timesteps are discarded and it gets no decision. The stream's
    /// step continues to count until the sequence ends, so that the rest of it is not mistaken for a new sequence. A
    /// sequence that ends too early is dropped, too.
    ///
    /// - Parameters:
    ///   - inputs: The new timesteps of the message, shape (new, features).
    ///   - message: The message.
    ///   - buffers: The buffers that hold the stream's timesteps.
    ///   - rule: The decision rule of the model.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The records to append to.
    /// - Returns: The reason why a sequence was dropped; nil if none was.
    mutating func keep(
        _ inputs: Span<Float>, of message: MessageBatch.Message, in buffers: TimestepBuffers, _ rule: DecisionRule,
        time: Int64, into decisions: inout DecisionRecords
    ) -> DropCause? {
        let ends = message.flags.contains(.end)
        let endsLater = message.flags.contains(.endsLater)
        var cause: DropCause?
        for timestep in 0..<message.new {
            let isWhole = rule.basis.canGrow(buffers.count(of: row), to: step &+ 1)
            sequence = message.first + UInt64(message.duplicates + timestep)
            countStep()
            if isWhole {
                buffers.append(row, inputs: inputs, index: timestep)
            } else {
                buffers.reset(row)
                cause = .tooLong
            }
            let isFinal = (ends && timestep == message.new - 1) || step == rule.lastStep
            if isWhole && isFinal && buffers.count(of: row) < rule.shortestSequence {
                cause = .tooShort
            } else if isWhole && isFinal && buffers.count(of: row) > rule.longestSequence {
                cause = .tooLong
            } else if isWhole && isFinal && rule.decidesEveryTimestepAtEnd {
                buffers.answerEvery(row)
                decideEvery(on: buffers.everyOutput, rule, time: time, into: &decisions)
            } else if isWhole && (isFinal || rule.basis.isDue(at: step)) {
                buffers.answer(row)
                let outputs = buffers.outputs(of: row)
                // This is the message's last decision unless, later in the message, a sequence ends or another decision
                // is due.
                let isLast =
                    isFinal || (!ends && !endsLater && message.new - timestep + message.rest <= rule.basis.stride)
                decide(
                    on: outputs.span, isLast: isLast, isFinal: isFinal, rule, time: time, into: &decisions)
            }
            if isFinal {
                buffers.reset(row)
                step = 0
            }
        }
        return cause
    }

    /// Decides all timesteps of a complete sequence.
    ///
    /// The sequence numbers count back from the sequence's end. Therefore, if timesteps are missing within the
    /// sequence, the numbers before the gap are higher than the producer's numbers.
    ///
    /// - Parameters:
    ///   - outputs: The outputs at all timesteps, shape (step, outputs).
    ///   - rule: The decision rule of the model.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The records to append to.
    private mutating func decideEvery(
        on outputs: [Float], _ rule: DecisionRule, time: Int64, into decisions: inout DecisionRecords
    ) {
        let (end, count) = (sequence, step)
        let width = outputs.count / Int(count)
        for index in 0..<Int(count) {
            step = UInt64(index + 1)
            // An imported stream may have a step above its sequence number. The numbers then begin at 0 instead of
            // below it.
            sequence = end - min(end, count - step)
            let isLast = step == count
            decide(
                on: outputs.span.extracting(index * width..<(index + 1) * width), isLast: isLast, isFinal: isLast, rule,
                time: time, into: &decisions)
        }
    }
}
