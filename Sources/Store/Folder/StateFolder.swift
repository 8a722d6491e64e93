import Glibc

/// The state folder itself: who may read it, and that its entries are durable.
enum StateFolder {
    /// The mode of folders that the daemon makes.
    static let folderMode: mode_t = 0o700
    /// The mode of files that the daemon makes.
    static let fileMode: mode_t = 0o600

    /// The system's words for the last error.
    static var systemError: String { unsafe String(cString: strerror(errno)) }

    /// Creates a folder, and those that it is in, where they are missing: for their owner alone, whatever the umask.
    ///
    /// - Throws: ``StoreError`` with the code `cannotOpen`.
    static func create(_ folder: String) throws(StoreError) {
        guard make(folder) else {
            throw StoreError(.cannotOpen, "cannot create the state folder \(folder): \(systemError)")
        }
    }

    /// - Returns: Whether the folder is there; if not, `errno` says why.
    private static func make(_ folder: String) -> Bool {
        var status = stat()
        if unsafe stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return true }
        let parent = parent(of: folder)
        if !folder.isEmpty, parent != folder, unsafe stat(parent, &status) != 0, errno == ENOENT {
            guard make(parent) else { return false }
        }
        guard unsafe mkdir(folder, folderMode) == 0, unsafe chmod(folder, folderMode) == 0 else { return false }
        // Without its entry in the parent the folder would not be durable, whatever is synced within. A file system that
        // cannot sync a folder gives an error that nothing can be done about.
        try? sync(parent)
        return true
    }

    /// Creates an empty file where it is missing, for its owner alone, whatever the umask. SQLite gives the files beside it the
    /// same mode.
    static func createFile(_ path: String) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, fileMode)
        // SQLite says better why a file cannot be made.
        guard descriptor >= 0 else { return }
        _ = fchmod(descriptor, fileMode)
        _ = close(descriptor)
    }

    /// Lets nobody but its owner read or write a file. By its name: closing a descriptor would end SQLite's locks on it.
    static func makePrivate(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & 0o777 != fileMode else { return }
        // Somebody else's file stays as its owner has it.
        _ = unsafe chmod(path, fileMode)
    }

    /// The permissions of a folder or file; nil where it is missing.
    static func mode(of path: String) -> mode_t? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
    }

    /// The length of a file in bytes; nil where it is missing.
    static func size(of path: String) -> Int? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Makes the entry of a file in its folder durable.
    ///
    /// - Throws: ``StoreError`` where it may not be.
    static func sync(folderOf path: String) throws(StoreError) { try sync(parent(of: path)) }

    /// Makes the entries of a folder durable.
    ///
    /// - Throws: ``StoreError`` where they may not be.
    static func sync(_ folder: String) throws(StoreError) {
        let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw StoreError(.failed, "cannot sync \(folder): \(systemError)") }
        defer { _ = close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw StoreError(.failed, "cannot sync \(folder): \(systemError)")
        }
    }

    static func parent(of path: String) -> String {
        var parts = path.split(separator: "/", omittingEmptySubsequences: true)
        let isAbsolute = path.hasPrefix("/")
        guard !parts.isEmpty else { return isAbsolute ? "/" : "." }
        parts.removeLast()
        let joined = parts.joined(separator: "/")
        return isAbsolute ? "/" + joined : joined.isEmpty ? "." : joined
    }
}
