import Glibc

/// Formats the age and the access rights of a state folder for display.
public enum StateAge {
    /// The folder's mode in octal if anyone but its owner has access to it; otherwise nil.
    public static func openMode(of folder: String) -> String? {
        guard let mode = StateFolder.mode(of: folder), mode & 0o077 != 0 else { return nil }
        return String(mode, radix: 8)
    }

    /// Returns the time since an instant, in the largest unit that fits.
    ///
    /// - Parameter time: The instant, in nanoseconds since the Unix epoch.
    /// - Returns: A string such as `3 h`; `no time` if less than a second has passed or the instant is in the future.
    public static func text(since time: Int64) -> String {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &now)
        let seconds = Int64(now.tv_sec) - time / 1_000_000_000
        let units: [(length: Int64, name: String)] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
        guard seconds > 0, let unit = units.first(where: { seconds >= $0.length }) else { return "no time" }
        return "\(seconds / unit.length) \(unit.name)"
    }
}
