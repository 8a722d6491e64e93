import Wire

/// Streams that keep timesteps, since their decisions need a whole sequence or a window at once.
extension StreamTable.Stream {
    /// Keeps the new timesteps of a message, and decides on what is kept wherever a window is due or a sequence ends.
    ///
    /// A sequence that has become longer than it may be is given up: nothing of it is kept any more, and it is not decided
    /// on. Its step goes on until its end, so that what follows is not taken for a part of it.
    ///
    /// - Parameters:
    ///   - inputs: The message's new timesteps, shape (new, features).
    ///   - message: The message.
    ///   - buffers: Where the stream's timesteps are kept.
    ///   - rule: How the model is served.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The records are added here.
    /// - Returns: Whether all were kept; if not, their sequence is too long.
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
                // The message's last decision: neither its end nor the next stride falls into what is left of it.
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
