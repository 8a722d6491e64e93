import Glibc

/// Paces timesteps at a steady rate. The time of each timestep is counted from the first one, so a late timestep does
/// not delay later ones.
struct Pacer {
    /// The delay after which the schedule starts afresh. Without it, a burst that exceeds the rate would follow a pause
    /// of the input.
    static let tolerance = Duration.seconds(1)

    private let interval: Duration
    private let interruption: Interruption
    private var due: ContinuousClock.Instant

    /// Starts the schedule.
    ///
    /// - Parameters:
    ///   - rate: Timesteps per second, above 0.
    ///   - interruption: Ends a wait early.
    init(rate: Double, interruption: Interruption) {
        self.interruption = interruption
        interval = .seconds(1 / rate)
        due = ContinuousClock.now
    }

    /// Waits until the next timesteps are due or an interruption arrives.
    ///
    /// - Parameter count: The number of timesteps that are sent together.
    mutating func wait(for count: Int) {
        let now = ContinuousClock.now
        if due > now {
            interruption.sleep(due - now)
        } else if now - due > Self.tolerance {
            due = now
        }
        due += interval * count
    }

    static func sleep(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        var wanted = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        var rest = timespec()
        while unsafe nanosleep(&wanted, &rest) == -1, errno == EINTR { wanted = rest }
    }
}
