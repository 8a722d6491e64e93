/// Lets a bounded number of lines into the log each second, and counts the others.
struct LogRate {
    private static let linesPerSecond = 5
    private static let window: Int64 = 1_000_000_000

    private var windowStart: Int64 = 0
    private var lines = 0
    /// Lines that were left out since ``takeUnlogged()``.
    private(set) var unlogged: UInt64 = 0

    /// Whether a line may be written now; if not, it is counted.
    ///
    /// - Parameter time: Now, by the ``SteadyClock``.
    /// - Returns: False where there were enough in this second.
    mutating func admits(at time: Int64) -> Bool {
        if isOver(at: time) {
            windowStart = time
            lines = 0
        }
        guard lines < Self.linesPerSecond else {
            unlogged += 1
            return false
        }
        lines += 1
        return true
    }

    /// Whether the second is over in which lines were left out.
    func isOver(at time: Int64) -> Bool { time - windowStart >= Self.window }

    /// How many lines were left out, counted anew from here.
    mutating func takeUnlogged() -> UInt64 {
        defer { unlogged = 0 }
        return unlogged
    }
}
