/// Schedules the search for idle streams, a few slots at a time. The hot loop owns the schedule.
struct IdleSweep {
    /// The number of slots that one turn checks. The check takes a fraction of a millisecond if none of their streams
    /// is idle.
    static let slotsPerTurn = 4096
    /// The time after which failed work is retried.
    static let retryInterval = Duration.seconds(1)

    /// The idle time, in nanoseconds, after which a stream hibernates; nil for never.
    let idleAfter: Int64?
    /// The idle time, in nanoseconds, after which a stream is forgotten; nil for never.
    let forgetAfter: Int64?
    /// The maximum time that one check adds to ``watched``, in nanoseconds. Without this limit, the time during which
    /// the machine or the process was suspended would count as idle time.
    private static let longestLook: Int64 = 5_000_000_000

    private let interval: Duration
    private var due: Deadline

    /// The total time that the daemon has watched its streams so far, in nanoseconds. This total measures how long a
    /// stream has been idle.
    private var watched: Int64 = 0
    private var lastLook: Int64?
    /// The first slot of the next check. At 0, a new round begins.
    private(set) var next = 0
    /// The number of requests in progress that need streams to stay awake.
    var wakers = 0
    /// The ids of streams that could not be read from the store.
    var unread: [String] = []

    /// - Parameters:
    ///   - idleAfter: The idle time, in seconds, after which a stream hibernates; nil for never.
    ///   - forgetAfter: The idle time, in seconds, after which a stream is forgotten; nil for never.
    init(idleAfter: Double?, forgetAfter: Double?) {
        self.idleAfter = idleAfter.map { Int64($0 * 1e9) }
        self.forgetAfter = forgetAfter.map { Int64($0 * 1e9) }
        let shortest = [idleAfter, forgetAfter].compactMap(\.self).min() ?? 1
        interval = .seconds(min(1, max(0.01, shortest / 4)))
        due = Deadline(in: interval)
    }

    /// The time until the next check in milliseconds; nil if there is nothing to check.
    var millisecondsUntilDue: Int? {
        guard idleAfter != nil || forgetAfter != nil || !unread.isEmpty else { return nil }
        return due.millisecondsLeft
    }

    var isDue: Bool { millisecondsUntilDue != nil && due.isPast }

    /// Begins a check of some streams.
    ///
    /// - Parameter now: The current time of the ``SteadyClock``.
    /// - Returns: The total time that streams have been watched so far, in nanoseconds.
    mutating func look(at now: Int64) -> Int64 {
        watched += min(Self.longestLook, now - (lastLook ?? now))
        lastLook = now
        return watched
    }

    /// Schedules the next check. It continues at `slot` after a millisecond or, if `slot` is nil, begins a new round
    /// after the full interval.
    mutating func goOn(at slot: Int?) {
        next = slot ?? 0
        due = Deadline(in: slot == nil ? interval : .milliseconds(1))
    }

    /// Schedules another check of the same slots.
    mutating func postpone() { due = Deadline(in: interval) }
}
