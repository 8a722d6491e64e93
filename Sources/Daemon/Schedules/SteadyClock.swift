import Glibc

/// The clock for every decision that depends on time. It cannot be set, and it keeps running while the machine is
/// suspended.
enum SteadyClock {
    /// The time in nanoseconds since a fixed point before the daemon's start.
    static func now() -> Int64 { nanoseconds(of: CLOCK_BOOTTIME) }
}

/// The hot loop's clock. It measures durations with the steady clock, and derives the wall-clock time of a decision
/// from the same reading.
///
/// Because each batch reads only one clock, a jump of the wall clock during a batch does not change any duration. The
/// loop calls ``synchronize()`` once per turn.
struct LoopClock {
    /// The smallest jump of the wall clock that is reported, in nanoseconds. Slow drift adds up until it counts as a
    /// jump.
    private static let leastStep: Int64 = 100_000_000

    /// Wall-clock time minus steady-clock time, in nanoseconds.
    private var offset: Int64 = 0
    /// The value of ``offset`` at the last jump that was reported.
    private var toldOffset: Int64 = 0

    init() {
        synchronize()
        toldOffset = offset
    }

    /// Adjusts the offset to the current wall-clock time.
    mutating func synchronize() { offset = WallClock.now() - SteadyClock.now() }

    /// Returns the jump of the wall clock since the last report, in nanoseconds; nil if there was none.
    mutating func takeStep() -> Int64? {
        guard (offset - toldOffset).magnitude >= Self.leastStep else { return nil }
        // The thread may have been suspended between the two readings in ``synchronize()``, so measure again.
        synchronize()
        let step = offset - toldOffset
        guard step.magnitude >= Self.leastStep else { return nil }
        toldOffset = offset
        return step
    }

    /// The wall-clock time in nanoseconds since the Unix epoch, based on the last ``synchronize()``.
    var now: Int64 { time(at: SteadyClock.now()) }

    /// Converts a time of the ``SteadyClock`` to nanoseconds since the Unix epoch.
    func time(at moment: Int64) -> Int64 { moment + offset }
}
