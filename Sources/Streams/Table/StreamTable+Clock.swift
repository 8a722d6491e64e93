/// How long streams have been idle, whatever steps the time of day makes.
extension StreamTable {
    /// How far the time of day has stepped since a stream's last timestep.
    struct ClockShift: BitwiseCopyable {
        /// The time of that timestep; the shift means nothing once the stream has another.
        var time: Int64
        var nanoseconds: Int64
    }

    /// Notes that the time of day has stepped, or that a start finds streams.
    ///
    /// - Parameters:
    ///   - nanoseconds: How far the time of day stepped ahead.
    ///   - time: The time of day now. A stream whose last timestep seems to be later is idle from now on.
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

    /// Nanoseconds since a stream's last timestep.
    func idleTime(of slot: Int, at time: Int64) -> Int64 {
        max(0, time &- streams[slot].time &- clockShift(of: slot))
    }

    private func clockShift(of slot: Int) -> Int64 {
        guard slot < clockShifts.count, clockShifts[slot].time == streams[slot].time else { return 0 }
        return clockShifts[slot].nanoseconds
    }
}
