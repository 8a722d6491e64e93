import Glibc

/// Prepares the file descriptors of the process: occupies the standard descriptors 0 to 2, and makes room for one
/// descriptor per connection.
public enum StandardDescriptors {
    /// Raises the limit on descriptors to the system's maximum. Every connection needs a descriptor, and the usual
    /// limit of 1,024 exists only for programs that use `select`. Call this once.
    public static func raiseLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        // If the system refuses, the old limit remains in force.
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Opens `/dev/null` for each standard descriptor that the parent process had closed. Otherwise, the next file or
    /// socket would get the number of that descriptor, and the log might be written to that file or socket. Call this
    /// before anything is opened.
    public static func occupy() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
            // `open` returns the lowest free number, which is `descriptor`.
            _ = unsafe open("/dev/null", O_RDWR)
        }
    }
}
