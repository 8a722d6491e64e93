/// When streams are looked through for those that are idle, some at a time. Owned by the hot loop.
struct IdleSweep {
    /// Slots looked at in one go: a fraction of a millisecond, where none of them is idle.
    static let slotsPerTurn = 4096
    /// How soon what could not be done is tried again.
    static let retryInterval = Duration.seconds(1)

    /// Nanoseconds without a timestep after which a stream falls asleep; nil: never.
    let idleAfter: Int64?
    /// Nanoseconds without a timestep after which a stream is forgotten; nil: never.
    let forgetAfter: Int64?
    /// The most that one look adds to ``watched``: a machine that slept, or a daemon that was stopped, saw nothing meanwhile.
    private static let longestLook: Int64 = 5_000_000_000

    private let interval: Duration
    private var due: Deadline

    /// Nanoseconds for which streams were watched so far: the clock by which they are idle.
    private var watched: Int64 = 0
    private var lastLook: Int64?
    /// The first slot of the next look; 0: a new round.
    private(set) var next = 0
    /// Requests that need streams awake until they are carried out.
    var wakers = 0
    /// Streams that could not be read from the store.
    var unread: [String] = []

    /// - Parameters:
    ///   - idleAfter: Seconds until a stream falls asleep.
    ///   - forgetAfter: Seconds until it is forgotten.
    init(idleAfter: Double?, forgetAfter: Double?) {
        self.idleAfter = idleAfter.map { Int64($0 * 1e9) }
        self.forgetAfter = forgetAfter.map { Int64($0 * 1e9) }
        let shortest = [idleAfter, forgetAfter].compactMap(\.self).min() ?? 1
        interval = .seconds(min(1, max(0.01, shortest / 4)))
        due = Deadline(in: interval)
    }

    /// How long the hot loop may wait for other things to do; nil: as long as it likes.
    var millisecondsUntilDue: Int? {
        guard idleAfter != nil || forgetAfter != nil || !unread.isEmpty else { return nil }
        return due.millisecondsLeft
    }

    var isDue: Bool { millisecondsUntilDue != nil && due.isPast }

    /// Notes that streams are looked at.
    ///
    /// - Parameter now: A moment of the ``SteadyClock``.
    /// - Returns: Nanoseconds for which they were watched since the start.
    mutating func look(at now: Int64) -> Int64 {
        watched += min(Self.longestLook, now - (lastLook ?? now))
        lastLook = now
        return watched
    }

    /// Goes on at a slot, soon; or, where that is nil, begins a new round later.
    mutating func goOn(at slot: Int?) {
        next = slot ?? 0
        due = Deadline(in: slot == nil ? interval : .milliseconds(1))
    }

    /// Looks at the same slots again later.
    mutating func postpone() { due = Deadline(in: interval) }
}
