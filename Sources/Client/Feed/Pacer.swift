import Glibc

/// Paces timesteps at a steady rate. Each due time is counted from the first timestep, so a late timestep does not
/// delay later ones.
struct Pacer {
    /// The delay after which the schedule starts afresh. Without this limit, a pause in the input would be followed by
    /// a burst that exceeds the rate.
    static let tolerance = Duration.seconds(1)

    private let interval: Duration
    private let interruption: Interruption
    private var due: ContinuousClock.Instant

    /// Starts the schedule.
    ///
    /// - Parameters:
    ///   - rate: Timesteps per second, above 0.
    ///   - interruption: The interruption that ends a wait early.
    init(rate: Double, interruption: Interruption) {
        self.interruption = interruption
        interval = .seconds(1 / rate)
        due = ContinuousClock.now
    }

    /// Whether the next timesteps are not due yet.
    var mustWait: Bool { due > ContinuousClock.now }

    /// Waits until the next timesteps are due or an interruption arrives.
    ///
    /// - Parameter count: The number of timesteps to send together.
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
