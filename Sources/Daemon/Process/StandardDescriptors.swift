import Glibc

/// The descriptors that the process may have: 0 to 2, which a parent may have closed before it started the daemon, and one
/// for each connection.
public enum StandardDescriptors {
    /// Allows as many as the system does: the usual limit of 1,024 is there for programs that cannot count further, and
    /// every connection needs one. To be called once.
    public static func raiseLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        // Where it is refused, the limit that there is holds.
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Gives those that are closed to `/dev/null`. Otherwise the next file or socket that is opened gets the number, and
    /// the log is written into it. To be called before anything is opened.
    public static func occupy() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest number that is free: this one.
            _ = unsafe open("/dev/null", O_RDWR)
        }
    }
}
