import Synchronization

/// Shows the progress of concurrent training runs on a line of standard error.
final class ComparisonProgress: Sendable {
    private struct Shown: ~Copyable {
        var meter: ProgressMeter
        /// The completed fraction of each training run.
        var parts: [Double]
    }

    private static let scale = 1_000_000

    private let shown: Mutex<Shown>
    private let timesteps: Int

    /// Creates a progress line.
    ///
    /// - Parameters:
    ///   - trainings: The number of training runs.
    ///   - timesteps: The number of timesteps in one training run.
    ///   - isShown: Whether to show anything.
    init(trainings: Int, timesteps: Int, isShown: Bool) {
        self.timesteps = timesteps
        shown = Mutex(
            Shown(
                meter: ProgressMeter(total: trainings * Self.scale, isShown: isShown),
                parts: Array(repeating: 0, count: trainings)))
    }

    /// Records the completed fraction of a training run.
    func update(_ training: Int, part: Double) {
        shown.withLock { shown in
            shown.parts[training] = part
            let sum = shown.parts.reduce(0, +)
            shown.meter.update(
                done: Int(sum * Double(Self.scale)), timesteps: UInt64(sum * Double(timesteps)))
        }
    }

    /// Removes the line.
    func finish() { shown.withLock { $0.meter.finish() } }
}
