/// A moment at which something is due. The hot loop asks in every turn: it is a number, read from the kernel's page.
struct Deadline {
    /// A moment of the ``SteadyClock``.
    private let time: Int64

    /// - Parameter wait: How long it is until then.
    init(in wait: Duration) {
        let (seconds, attoseconds) = wait.components
        time = SteadyClock.now() + seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    var isPast: Bool { SteadyClock.now() >= time }

    /// At least 1, so that whoever waits for something due that cannot be done yet does not spin.
    var millisecondsLeft: Int { max(1, Int((time - SteadyClock.now()) / 1_000_000) + 1) }
}
