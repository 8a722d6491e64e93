/// The step batches of several models, indexed by model.
///
/// Reading an object from an array counts a reference to the object. That would take a third as long as stepping a
/// small model, so this type adds jobs without reference counting.
@safe
public struct StepBatches: ~Copyable {
    // Public because the hot path is in other modules, and Swift does not inline package declarations across modules.

    /// The batches; nil for a model that is not stepped in batches. This array keeps the batches alive.
    private let owned: [StepBatch?]
    /// The same batches, without reference counting.
    @usableFromInline let batches: GrowingBuffer<Unmanaged<StepBatch>?>

    /// Collects the batches.
    ///
    /// - Parameter batches: For each model, its batch; nil if it has none.
    public init(_ batches: [StepBatch?]) {
        owned = batches
        var uncounted = unsafe GrowingBuffer<Unmanaged<StepBatch>?>(capacity: max(1, batches.count))
        for batch in batches { unsafe uncounted.append(batch.map { unsafe Unmanaged.passUnretained($0) }) }
        unsafe self.batches = uncounted
    }

    /// Adds a stream's timesteps to the batch of the model with the index `model`. The other parameters are those of
    /// ``StepBatch/add(_:at:count:hash:untilReset:resetsAtEnd:)``.
    ///
    /// - Returns: The job's index in the batch; nil if the model has no batch.
    @inlinable
    @inline(__always)
    public func add(
        to model: Int, row: Int, at firstValue: Int, count: Int, hash: UInt32, untilReset: Int?, resetsAtEnd: Bool
    ) -> Int? {
        guard let batch = unsafe batches[model] else { return nil }
        return unsafe batch._withUnsafeGuaranteedRef { batch in
            batch.add(
                row, at: firstValue, count: count, hash: hash, untilReset: untilReset, resetsAtEnd: resetsAtEnd)
        }
    }
}
