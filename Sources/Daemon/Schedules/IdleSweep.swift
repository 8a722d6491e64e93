/// Schedules the search for idle streams, a few slots at a time. Owned by the hot loop.
struct IdleSweep {
    /// The number of slots that one turn checks. If no stream in them is idle, the check takes a fraction of a
    /// millisecond.
    static let slotsPerTurn = 4096
    /// The time after which failed work is tried again.
    static let retryInterval = Duration.seconds(1)

    /// Nanoseconds without a timestep after which a stream hibernates; nil for never.
    let idleAfter: Int64?
    /// Nanoseconds without a timestep after which a stream is forgotten; nil for never.
    let forgetAfter: Int64?
    /// The maximum number of nanoseconds that one check adds to ``watched``. Because of this limit, time during which
    /// the machine or process was suspended does not count as idle time.
    private static let longestLook: Int64 = 5_000_000_000

    private let interval: Duration
    private var due: Deadline

    /// Nanoseconds for which the daemon has watched its streams. The idle time of a stream is measured by this clock.
    private var watched: Int64 = 0
    private var lastLook: Int64?
    /// The first slot of the next check; 0 begins a new round.
    private(set) var next = 0
    /// The number of requests that need awake streams until they are done.
    var wakers = 0
    /// The ids of streams that could not be read from the store.
    var unread: [String] = []

    /// - Parameters:
    ///   - idleAfter: Seconds until an idle stream hibernates.
    ///   - forgetAfter: Seconds until an idle stream is forgotten.
    init(idleAfter: Double?, forgetAfter: Double?) {
        self.idleAfter = idleAfter.map { Int64($0 * 1e9) }
        self.forgetAfter = forgetAfter.map { Int64($0 * 1e9) }
        let shortest = [idleAfter, forgetAfter].compactMap(\.self).min() ?? 1
        interval = .seconds(min(1, max(0.01, shortest / 4)))
        due = Deadline(in: interval)
    }

    /// The milliseconds until the next check; nil if there is nothing to check.
    var millisecondsUntilDue: Int? {
        guard idleAfter != nil || forgetAfter != nil || !unread.isEmpty else { return nil }
        return due.millisecondsLeft
    }

    var isDue: Bool { millisecondsUntilDue != nil && due.isPast }

    /// Begins a check of some streams.
    ///
    /// - Parameter now: A moment of the ``SteadyClock``.
    /// - Returns: Nanoseconds for which streams were watched since the start.
    mutating func look(at now: Int64) -> Int64 {
        watched += min(Self.longestLook, now - (lastLook ?? now))
        lastLook = now
        return watched
    }

    /// Schedules the next check: at `slot` in a millisecond, or, if `slot` is nil, a new round after the full interval.
    mutating func goOn(at slot: Int?) {
        next = slot ?? 0
        due = Deadline(in: slot == nil ? interval : .milliseconds(1))
    }

    /// Schedules another check of the same slots.
    mutating func postpone() { due = Deadline(in: interval) }
}
