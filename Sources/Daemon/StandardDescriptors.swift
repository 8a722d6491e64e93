import Glibc

/// The descriptors 0 to 2, which a parent may have closed before it started the daemon.
public enum StandardDescriptors {
    /// Gives those that are closed to `/dev/null`. Otherwise the next file or socket that is opened gets the number, and
    /// the log is written into it. To be called before anything is opened.
    public static func occupy() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest number that is free: this one.
            _ = unsafe open("/dev/null", O_RDWR)
        }
    }
}
