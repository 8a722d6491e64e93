/// A time at which something is due, stored as a plain number so that the hot loop can check it cheaply in every turn.
struct Deadline {
    /// The deadline, as a time of the ``SteadyClock``.
    private let time: Int64

    /// - Parameter wait: The time from now until the deadline.
    init(in wait: Duration) {
        let (seconds, attoseconds) = wait.components
        time = SteadyClock.now() + seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    var isPast: Bool { SteadyClock.now() >= time }

    /// The time until the deadline in milliseconds, at least 1. The minimum prevents a caller from spinning while its
    /// work is due but not possible yet.
    var millisecondsLeft: Int { max(1, Int((time - SteadyClock.now()) / 1_000_000) + 1) }
}
