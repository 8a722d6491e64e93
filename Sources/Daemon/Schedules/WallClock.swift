import Glibc

/// The time of day, for display and for the records of decisions.
enum WallClock {
    /// Nanoseconds since the Unix epoch.
    static func now() -> Int64 { nanoseconds(of: CLOCK_REALTIME) }
}

/// Reads a clock of the system, in nanoseconds.
func nanoseconds(of clock: clockid_t) -> Int64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
