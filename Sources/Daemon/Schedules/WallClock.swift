import Glibc

/// The wall clock, for display and for the records of decisions.
enum WallClock {
    /// The time in nanoseconds since the Unix epoch.
    static func now() -> Int64 { nanoseconds(of: CLOCK_REALTIME) }
}

/// Reads one of the system's clocks, in nanoseconds.
func nanoseconds(of clock: clockid_t) -> Int64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
