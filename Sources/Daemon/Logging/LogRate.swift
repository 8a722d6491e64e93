/// Limits the number of log lines per second, and counts the lines that are left out.
struct LogRate {
    private static let linesPerSecond = 5
    private static let window: Int64 = 1_000_000_000

    private var windowStart: Int64 = 0
    private var lines = 0
    /// The number of lines left out since the last ``takeUnlogged()``.
    private(set) var unlogged: UInt64 = 0

    /// Decides whether a line may be written now. If not, the line is counted as left out.
    ///
    /// - Parameter time: The current time of the ``SteadyClock``.
    /// - Returns: False if enough lines have been written in the current second.
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

    /// Whether the current second is over.
    func isOver(at time: Int64) -> Bool { time - windowStart >= Self.window }

    /// Returns the number of lines left out since the last call.
    mutating func takeUnlogged() -> UInt64 {
        defer { unlogged = 0 }
        return unlogged
    }
}
