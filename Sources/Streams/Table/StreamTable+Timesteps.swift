import Wire

/// Decides streams that keep timesteps, because their decisions need a whole sequence or window at once.
extension StreamTable.Stream {
    /// Keeps the new timesteps of a message, and decides wherever a window is due or a sequence ends.
    ///
    /// A sequence that becomes too long is dropped: its timesteps are discarded and it gets no decision. The stream's
    /// step keeps counting until the sequence ends, so that the rest of the sequence is not mistaken for a new one.
    ///
    /// - Parameters:
    ///   - inputs: The new timesteps of the message, shape (new, features).
    ///   - message: The message.
    ///   - buffers: The buffers of the stream's timesteps.
    ///   - rule: The decision rule of the model.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The records are appended here.
    /// - Returns: Whether all timesteps were kept. If not, their sequence is too long.
    mutating func keep(
        _ inputs: Span<Float>, of message: MessageBatch.Message, in buffers: TimestepBuffers, _ rule: DecisionRule,
        time: Int64, into decisions: inout DecisionRecords
    ) -> Bool {
        let ends = message.flags.contains(.end)
        let endsLater = message.flags.contains(.endsLater)
        var areAllKept = true
        for timestep in 0..<message.new {
            let isWhole = rule.basis.canGrow(buffers.count(of: row), to: step &+ 1)
            sequence = message.first + UInt64(message.duplicates + timestep)
            countStep()
            if isWhole {
                buffers.append(row, inputs: inputs, index: timestep)
            } else {
                buffers.reset(row)
                areAllKept = false
            }
            let isFinal = (ends && timestep == message.new - 1) || step == rule.lastStep
            if isWhole && (isFinal || rule.basis.isDue(at: step)) {
                buffers.answer(row)
                let outputs = buffers.outputs(of: row)
                // This is the last decision of the message if the rest contains neither an end nor another due
                // decision.
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
        return areAllKept
    }
}
