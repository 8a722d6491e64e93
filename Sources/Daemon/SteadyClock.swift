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
    /// Time of day minus steady clock.
    private var offset: Int64 = 0

    init() { synchronize() }

    /// Follows the time of day.
    mutating func synchronize() { offset = WallClock.now() - SteadyClock.now() }

    /// The time of day at a moment of the ``SteadyClock``, in nanoseconds since the Unix epoch.
    func time(at moment: Int64) -> Int64 { moment + offset }
}
