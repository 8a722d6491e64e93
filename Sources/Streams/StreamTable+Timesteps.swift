import Wire

/// Streams that keep timesteps, since their decisions need a whole sequence or a window at once.
extension StreamTable.Stream {
    /// Keeps the new timesteps of a message, and decides on what is kept wherever a window is due or a sequence ends.
    ///
    /// A sequence that has become longer than it may be is given up: nothing of it is kept any more, and it is not decided
    /// on. Its step goes on until its end, so that what follows is not taken for a part of it.
    ///
    /// - Parameters:
    ///   - inputs: The message's timesteps, shape (count, features).
    ///   - numbers: Which of them are new.
    ///   - count: How many they are.
    ///   - ends: The sequence ends with the last of them.
    ///   - buffers: Where the stream's timesteps are kept.
    ///   - rule: How the model is served.
    ///   - time: Nanoseconds since the Unix epoch.
    ///   - decisions: The records are added here.
    /// - Returns: Whether all were kept; if not, their sequence is too long.
    mutating func keep(
        _ inputs: Span<Float>, _ numbers: SequenceNumbers, count: Int, ends: Bool, in buffers: TimestepBuffers,
        _ rule: DecisionRule, time: Int64, into decisions: inout DecisionRecords
    ) -> Bool {
        var areAllKept = true
        for timestep in numbers.duplicates..<count {
            let isWhole = rule.basis.canGrow(buffers.count(of: row), to: step &+ 1)
            sequence = numbers.first + UInt64(timestep)
            countStep()
            if isWhole {
                buffers.append(row, inputs: inputs, index: timestep)
            } else {
                buffers.reset(row)
                areAllKept = false
            }
            let isFinal = (ends && timestep == count - 1) || step == rule.lastStep
            if isWhole && (isFinal || rule.basis.isDue(at: step)) {
                buffers.answer(row)
                let outputs = buffers.outputs(of: row)
                // The message's last decision: neither its end nor the next stride falls into what is left of it.
                let isLast = isFinal || (!ends && count - timestep <= rule.basis.stride)
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
