/// All that one stream knows, as a value: what a checkpoint and a snapshot keep.
public struct StreamImage: Equatable, Sendable {
    /// The stream's id.
    public var id: String
    /// What the values belong to: the fingerprint of the weights that the state came from. Where timesteps are kept in
    /// place of a state, `:sequence` or `:window:LENGTH` follows.
    public var fingerprint: String
    /// The number of the last timestep consumed, over the stream's life; 0: none yet.
    public var sequence: UInt64
    /// Timesteps since the last reset.
    public var step: UInt64
    /// Nanoseconds since the Unix epoch when the last timestep was consumed.
    public var time: Int64
    /// The label of the last decision; nil before the first.
    public var label: UInt8?
    /// A jump ahead was seen that no published decision has told of yet.
    public var gapPending: Bool
    /// The state of each layer, then the last outputs: shape (stateSize + outputs). Where timesteps are kept in place of
    /// a state: those since the last reset, or the last of them that a window has, the oldest first, then the last outputs:
    /// shape (kept × features + outputs).
    public var values: [Float]

    /// Creates an image; each parameter is the property of its name.
    public init(
        id: String, fingerprint: String, sequence: UInt64, step: UInt64, time: Int64, label: UInt8?, gapPending: Bool,
        values: [Float]
    ) {
        self.id = id
        self.fingerprint = fingerprint
        self.sequence = sequence
        self.step = step
        self.time = time
        self.label = label
        self.gapPending = gapPending
        self.values = values
    }

    /// Whether the state, or the timesteps kept in its place, are finite. Outputs need not be: a mean of no timesteps is NaN.
    ///
    /// - Parameter outputs: How many of the values are outputs.
    /// - Returns: False where one of the others is NaN or infinite.
    func isSound(outputs: Int) -> Bool { values.dropLast(outputs).allSatisfy(\.isFinite) }

    /// Bytes of state.
    public var byteCount: Int { values.count * MemoryLayout<Float>.size }
}
