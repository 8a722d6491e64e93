/// Computes idle times that are not affected by jumps of the wall clock.
extension StreamTable {
    /// The total jump of the wall clock since a stream's last timestep.
    struct ClockShift: BitwiseCopyable {
        /// The time of the stream's last timestep. A later timestep makes the shift obsolete.
        var time: Int64
        var nanoseconds: Int64
    }

    /// Adjusts the idle times of all streams after the wall clock has jumped, or after the streams were loaded at
    /// startup.
    ///
    /// - Parameters:
    ///   - nanoseconds: The size of the jump; positive if the clock jumped forward.
    ///   - time: The current wall-clock time. A stream whose last timestep seems to lie in the future counts as idle
    ///     from now on.
    public mutating func noteClock(steppedBy nanoseconds: Int64, to time: Int64) {
        for slot in 0..<index.slots.count where index.isTaken(slot) {
            let last = streams[slot].time
            let shift = clockShift(of: slot) &+ nanoseconds
            let ahead = last > time &- shift ? time &- last : shift
            guard ahead != 0 else { continue }
            while clockShifts.count <= slot { clockShifts.append(ClockShift(time: 0, nanoseconds: 0)) }
            clockShifts[slot] = ClockShift(time: last, nanoseconds: ahead)
        }
    }

    /// The time since a stream's last timestep, in nanoseconds.
    func idleTime(of slot: Int, at time: Int64) -> Int64 {
        max(0, time &- streams[slot].time &- clockShift(of: slot))
    }

    private func clockShift(of slot: Int) -> Int64 {
        guard slot < clockShifts.count, clockShifts[slot].time == streams[slot].time else { return 0 }
        return clockShifts[slot].nanoseconds
    }
}
