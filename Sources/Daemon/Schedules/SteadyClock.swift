import Glibc

/// The clock for every decision that depends on time. It cannot be set, and it runs while the machine is suspended.
enum SteadyClock {
    /// Nanoseconds since a fixed moment before the daemon's start.
    static func now() -> Int64 { nanoseconds(of: CLOCK_BOOTTIME) }
}

/// The hot loop's clock. It measures durations with the steady clock, and derives the time of day of a decision from
/// the same reading.
///
/// Each batch reads only one clock. A step of the wall clock within a batch therefore changes no duration. The loop
/// calls ``synchronize()`` once per turn.
struct LoopClock {
    /// The smallest step of the wall clock that is reported, in nanoseconds. Slow drift adds up until it counts as a
    /// step.
    private static let leastStep: Int64 = 100_000_000

    /// Time of day minus steady clock.
    private var offset: Int64 = 0
    /// The ``offset`` at the last step that was reported.
    private var toldOffset: Int64 = 0

    init() {
        synchronize()
        toldOffset = offset
    }

    /// Adjusts to the current time of day.
    mutating func synchronize() { offset = WallClock.now() - SteadyClock.now() }

    /// Returns the step of the wall clock since the last report, in nanoseconds; nil if there was none.
    mutating func takeStep() -> Int64? {
        guard (offset - toldOffset).magnitude >= Self.leastStep else { return nil }
        // The thread may have been suspended between the two readings of ``synchronize()``.
        synchronize()
        let step = offset - toldOffset
        guard step.magnitude >= Self.leastStep else { return nil }
        toldOffset = offset
        return step
    }

    /// The time of day, as of the last ``synchronize()``.
    var now: Int64 { time(at: SteadyClock.now()) }

    /// Converts a moment of the ``SteadyClock`` to nanoseconds since the Unix epoch.
    func time(at moment: Int64) -> Int64 { moment + offset }
}
