/// A moment at which something is due. It is a plain number, so that the hot loop can cheaply check it in every turn.
struct Deadline {
    /// A moment of the ``SteadyClock``.
    private let time: Int64

    /// - Parameter wait: The time from now until the deadline.
    init(in wait: Duration) {
        let (seconds, attoseconds) = wait.components
        time = SteadyClock.now() + seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    var isPast: Bool { SteadyClock.now() >= time }

    /// The milliseconds until the deadline. The value is at least 1. A caller whose work is due but not possible yet
    /// therefore does not spin.
    var millisecondsLeft: Int { max(1, Int((time - SteadyClock.now()) / 1_000_000) + 1) }
}
