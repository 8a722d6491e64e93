/// When to ask whether the other side of a connection is still there, and when to give the connection up. Whatever comes is an
/// answer.
struct Liveness {
    /// The next thing to do.
    enum Act {
        case wait, ask, giveUp
    }

    private let interval: Duration
    private let timeout: Duration
    /// When something came last, or when the question was asked that is not answered yet; nil: there is no connection.
    private var since: ContinuousClock.Instant?
    private var isAsked = false

    /// - Parameters:
    ///   - interval: How long nothing may come before the other side is asked.
    ///   - timeout: How long the answer may take.
    init(
        interval: Duration = .milliseconds(Heartbeat.intervalMilliseconds),
        timeout: Duration = .milliseconds(Heartbeat.timeoutMilliseconds)
    ) {
        (self.interval, self.timeout) = (interval, timeout)
    }

    /// When there is something to do next; nil without a connection.
    var due: ContinuousClock.Instant? { since.map { $0 + (isAsked ? timeout : interval) } }

    func act(at now: ContinuousClock.Instant) -> Act {
        guard let due, now >= due else { return .wait }
        return isAsked ? .giveUp : .ask
    }

    /// Something came.
    mutating func noteSign(at now: ContinuousClock.Instant) { (since, isAsked) = (now, false) }

    /// The other side was asked.
    mutating func noteQuestion(at now: ContinuousClock.Instant) { (since, isAsked) = (now, true) }

    /// There is no connection any more.
    mutating func noteLoss() { (since, isAsked) = (nil, false) }
}
