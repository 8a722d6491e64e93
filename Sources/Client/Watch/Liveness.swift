/// Decides when to ask whether a peer is still running, and when to give up the connection to the peer. Every message
/// from the peer counts as an answer.
struct Liveness {
    /// The next action.
    enum Act {
        case wait, ask, giveUp
    }

    private let interval: Duration
    private let timeout: Duration
    /// The time of the last message, or of an unanswered question; nil without a connection.
    private var since: ContinuousClock.Instant?
    private var isAsked = false

    /// Creates a schedule.
    ///
    /// - Parameters:
    ///   - interval: The time without a message after which the peer is asked.
    ///   - timeout: The maximum time for the answer.
    init(
        interval: Duration = .milliseconds(Heartbeat.intervalMilliseconds),
        timeout: Duration = .milliseconds(Heartbeat.timeoutMilliseconds)
    ) {
        (self.interval, self.timeout) = (interval, timeout)
    }

    /// The time of the next action; nil without a connection.
    var due: ContinuousClock.Instant? { since.map { $0 + (isAsked ? timeout : interval) } }

    func act(at now: ContinuousClock.Instant) -> Act {
        guard let due, now >= due else { return .wait }
        return isAsked ? .giveUp : .ask
    }

    /// Records a message from the peer.
    mutating func noteSign(at now: ContinuousClock.Instant) { (since, isAsked) = (now, false) }

    /// Records that the peer was asked.
    mutating func noteQuestion(at now: ContinuousClock.Instant) { (since, isAsked) = (now, true) }

    /// Records the loss of the connection.
    mutating func noteLoss() { (since, isAsked) = (nil, false) }
}
