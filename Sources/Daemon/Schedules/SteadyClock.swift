import Glibc

/// A clock that nobody sets and that goes on while the machine sleeps: whatever the daemon decides by time, it decides by this
/// one.
enum SteadyClock {
    /// Nanoseconds since some moment before the daemon's start.
    static func now() -> Int64 { nanoseconds(of: CLOCK_BOOTTIME) }
}

/// The hot loop's clocks: it measures by the steady clock, and derives the time of day of a decision from it.
///
/// So a batch reads one clock each time, and a step of the time of day in the middle of a batch changes no duration. The loop
/// calls ``synchronize()`` once a turn.
struct LoopClock {
    /// A step of the time of day that is worth telling: what it changes slowly adds up to one as well.
    private static let leastStep: Int64 = 100_000_000

    /// Time of day minus steady clock.
    private var offset: Int64 = 0
    /// The ``offset`` at the last step that was told.
    private var toldOffset: Int64 = 0

    init() {
        synchronize()
        toldOffset = offset
    }

    /// Follows the time of day.
    mutating func synchronize() { offset = WallClock.now() - SteadyClock.now() }

    /// A step of the time of day that was not told yet, in nanoseconds; nil: none.
    mutating func takeStep() -> Int64? {
        let step = offset - toldOffset
        guard step.magnitude >= Self.leastStep else { return nil }
        toldOffset = offset
        return step
    }

    /// The time of day, as far as ``synchronize()`` has followed it.
    var now: Int64 { time(at: SteadyClock.now()) }

    /// The time of day at a moment of the ``SteadyClock``, in nanoseconds since the Unix epoch.
    func time(at moment: Int64) -> Int64 { moment + offset }
}
