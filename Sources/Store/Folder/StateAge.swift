import Glibc

/// How old a state folder is and who may read it, for people.
public enum StateAge {
    /// The mode of a folder that others than its owner may read or search, in octal; nil where they may not.
    public static func openMode(of folder: String) -> String? {
        guard let mode = StateFolder.mode(of: folder), mode & 0o077 != 0 else { return nil }
        return String(mode, radix: 8)
    }

    /// The time since an instant, in its greatest unit.
    ///
    /// - Parameter time: Nanoseconds since the Unix epoch.
    /// - Returns: Such as `3 h`; `no time` where the clock stood later then.
    public static func text(since time: Int64) -> String {
        var now = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &now)
        let seconds = Int64(now.tv_sec) - time / 1_000_000_000
        let units: [(length: Int64, name: String)] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")]
        guard seconds > 0, let unit = units.first(where: { seconds >= $0.length }) else { return "no time" }
        return "\(seconds / unit.length) \(unit.name)"
    }
}
