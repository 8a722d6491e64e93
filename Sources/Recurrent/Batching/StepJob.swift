/// One stream's timesteps in a ``StepBatch``.
///
/// The fields are as narrow as possible, so that the jobs of a batch stay in the L1 cache.
@usableFromInline
struct StepJob: BitwiseCopyable {
    /// The number of timesteps until the state resets to zero at the end of a sequence; `Int.max` if it never resets.
    @usableFromInline var untilReset: Int
    @usableFromInline let rowNumber: UInt32
    @usableFromInline let firstTimestep: UInt32
    @usableFromInline let firstInput: UInt32
    @usableFromInline let timesteps: UInt32
    @usableFromInline var steppedTimesteps: UInt32 = 0
    /// Whether the state resets to zero after the job's last timestep.
    @usableFromInline let resetsAtEnd: Bool
    /// Whether the last step made the state non-finite.
    @usableFromInline var isFaulty = false

    @inlinable
    @inline(__always)
    init(row: Int, first: Int, firstValue: Int, count: Int, untilReset: Int, resetsAtEnd: Bool) {
        rowNumber = UInt32(row)
        firstTimestep = UInt32(first)
        firstInput = UInt32(firstValue)
        timesteps = UInt32(count)
        self.untilReset = untilReset
        self.resetsAtEnd = resetsAtEnd
    }

    /// The stream's row in the pool.
    var row: Int { Int(rowNumber) }
    /// The index of the job's first timestep among the batch's timesteps.
    @inlinable var first: Int { Int(firstTimestep) }
    /// The index of the job's first value among the batch's values.
    var firstValue: Int { Int(firstInput) }
    /// The number of timesteps in the job.
    var count: Int { Int(timesteps) }
    /// The number of timesteps that were stepped.
    @inlinable var stepped: Int {
        get { Int(steppedTimesteps) }
        set { steppedTimesteps = UInt32(newValue) }
    }

    /// Whether all timesteps were stepped, or the job is faulty.
    var hasEnded: Bool { stepped == count || isFaulty }

    /// Whether the job is a single timestep with no reset after it.
    var isSingleStep: Bool { count == 1 && untilReset > 1 && !resetsAtEnd }

    /// Records that a job whose ``isSingleStep`` is true has been stepped.
    mutating func finishSingleStep(isFaulty: Bool) {
        stepped = 1
        if untilReset != .max { untilReset -= 1 }
        self.isFaulty = isFaulty
    }

    /// The number of timesteps until the job or a sequence ends.
    var stepsUntilChange: Int { min(count - stepped, untilReset) }

    /// Records that the job's next `steps` timesteps have been stepped.
    ///
    /// - Parameters:
    ///   - steps: The number of timesteps, at most ``stepsUntilChange``.
    ///   - sequenceLength: The number of timesteps in a sequence.
    /// - Returns: Whether a sequence ended with the last of these timesteps. If so, the caller must reset the state.
    mutating func advance(by steps: Int, sequenceLength: Int) -> Bool {
        stepped += steps
        if untilReset != .max { untilReset -= steps }
        guard untilReset == 0 || (resetsAtEnd && stepped == count) else { return false }
        untilReset = sequenceLength
        return true
    }
}
