/// All data of one stream as a value, in the form that checkpoints and snapshots store.
public struct StreamImage: Equatable, Sendable {
    /// The stream's id.
    public var id: String
    /// The fingerprint of the weights that the values belong to. If the values are timesteps instead of a state, the
    /// suffix `:sequence` or `:window:LENGTH` follows.
    public var fingerprint: String
    /// The sequence number of the last timestep consumed, counted over the stream's life; 0 before the first.
    public var sequence: UInt64
    /// The number of timesteps since the last reset.
    public var step: UInt64
    /// The time at which the last timestep was consumed, in nanoseconds since the Unix epoch.
    public var time: Int64
    /// The label of the last decision; nil before the first.
    public var label: UInt8?
    /// Whether the stream has a gap that no published decision has reported yet.
    public var gapPending: Bool
    /// The state of each layer, followed by the last outputs; shape (stateSize + outputs). If the stream keeps
    /// timesteps instead of a state, the values are the kept timesteps, oldest first, followed by the last outputs;
    /// shape (kept × features + outputs). The kept timesteps are all timesteps since the last reset, or the last ones
    /// that fit in a window.
    public var values: [Float]

    /// Creates an image. Each parameter sets the property of the same name.
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

    /// Returns whether all values except the outputs are finite. The outputs may be NaN, because the mean over zero
    /// timesteps is NaN.
    ///
    /// - Parameter outputs: The number of outputs at the end of the values.
    /// - Returns: False if the state, or any kept timestep, contains a NaN or an infinity.
    func isSound(outputs: Int) -> Bool { values.dropLast(outputs).allSatisfy(\.isFinite) }

    /// The size of the values in bytes.
    public var byteCount: Int { values.count * MemoryLayout<Float>.size }
}
