import Glibc

/// The process's limit on open files. Sockets count as files.
enum OpenFiles {
    /// Whether the process can open another file.
    static var canOpenMore: Bool {
        let descriptor = unsafe open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno != EMFILE && errno != ENFILE }
        close(descriptor)
        return true
    }

    /// The maximum number of files that the process may have open.
    static var limit: UInt64 {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return UInt64(limit.rlim_cur)
    }
}
