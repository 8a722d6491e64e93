import Glibc

/// Lets timesteps go at a steady rate: each has a time of its own, counted from the first, so that a late one makes none
/// of the others late.
struct Pacer {
    /// Further behind than this, the schedule begins anew: the input waited, and a burst is not what was asked for.
    static let tolerance = Duration.seconds(1)

    private let interval: Duration
    private var due: ContinuousClock.Instant

    /// Begins now.
    ///
    /// - Parameter rate: Timesteps a second, above 0.
    init(rate: Double) {
        interval = .seconds(1 / rate)
        due = ContinuousClock.now
    }

    /// Waits until it is the next timesteps' turn.
    ///
    /// - Parameter count: How many go together.
    mutating func wait(for count: Int) {
        let now = ContinuousClock.now
        if due > now {
            Self.sleep(due - now)
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
