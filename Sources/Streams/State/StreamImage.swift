/// All data of one stream as a value, as checkpoints and snapshots store it.
public struct StreamImage: Equatable, Sendable {
    /// The stream's id.
    public var id: String
    /// The fingerprint of the weights that the values belong to. If timesteps are kept instead of a state, the suffix
    /// `:sequence` or `:window:LENGTH` follows.
    public var fingerprint: String
    /// The number of the last timestep consumed, over the stream's life; 0 before the first.
    public var sequence: UInt64
    /// Timesteps since the last reset.
    public var step: UInt64
    /// The time when the last timestep was consumed, in nanoseconds since the Unix epoch.
    public var time: Int64
    /// The label of the last decision; nil before the first.
    public var label: UInt8?
    /// Whether a gap was seen that no published decision has reported yet.
    public var gapPending: Bool
    /// The state of each layer, then the last outputs: shape (stateSize + outputs). If timesteps are kept instead of a
    /// state, those timesteps, the oldest first, then the last outputs: shape (kept × features + outputs). The kept
    /// timesteps are all timesteps since the last reset, or the last ones that fit a window.
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

    /// Whether the state, or the timesteps kept instead, are finite. Outputs may be NaN, because a mean of no timesteps
    /// is NaN.
    ///
    /// - Parameter outputs: The number of outputs at the end of the values.
    /// - Returns: False if any other value is NaN or infinite.
    func isSound(outputs: Int) -> Bool { values.dropLast(outputs).allSatisfy(\.isFinite) }

    /// The size of the values in bytes.
    public var byteCount: Int { values.count * MemoryLayout<Float>.size }
}
