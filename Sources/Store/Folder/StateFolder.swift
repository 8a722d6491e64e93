import Glibc

/// Creates folders and files with private access, and makes their directory entries durable.
enum StateFolder {
    /// The mode of folders that the daemon creates.
    static let folderMode: mode_t = 0o700
    /// The mode of files that the daemon creates.
    static let fileMode: mode_t = 0o600

    /// The system's description of the last error.
    static var systemError: String { unsafe String(cString: strerror(errno)) }

    /// Creates a folder and any missing parents. Only the owner has access, regardless of the umask.
    ///
    /// - Throws: ``StoreError`` with the code `cannotOpen`.
    static func create(_ folder: String) throws(StoreError) {
        guard make(folder) else {
            let problem =
                switch errno {
                case EEXIST: "a file has this name"
                case ENOTDIR: "a folder above it is a file"
                case EACCES, EPERM: "permission denied; let the user of sluiced write to \(parent(of: folder))"
                default: systemError
                }
            throw StoreError(
                .cannotOpen,
                "cannot create the state folder \(folder): \(problem); name another one with --state-dir")
        }
    }

    /// - Returns: Whether the folder exists now. If not, `errno` holds the reason.
    private static func make(_ folder: String) -> Bool {
        var status = stat()
        if unsafe stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return true }
        let parent = parent(of: folder)
        if !folder.isEmpty, parent != folder, unsafe stat(parent, &status) != 0, errno == ENOENT {
            guard make(parent) else { return false }
        }
        guard unsafe mkdir(folder, folderMode) == 0, unsafe chmod(folder, folderMode) == 0 else { return false }
        // A folder is durable only if its entry in the parent is durable. Some file systems cannot sync a folder, so
        // ignore the error.
        try? sync(parent)
        return true
    }

    /// Creates an empty file if it does not exist. Only the owner has access, regardless of the umask. SQLite gives its
    /// auxiliary files the same mode.
    static func createFile(_ path: String) {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, fileMode)
        // If this failed, SQLite will report the reason in more detail when it opens the file.
        guard descriptor >= 0 else { return }
        _ = fchmod(descriptor, fileMode)
        _ = close(descriptor)
    }

    /// Restricts access to a file to its owner. The mode is changed by path, because closing a descriptor of the file
    /// would release SQLite's locks.
    static func makePrivate(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0, status.st_mode & 0o777 != fileMode else { return }
        // If another user owns the file, this fails and the mode does not change.
        _ = unsafe chmod(path, fileMode)
    }

    /// The permissions of a folder or file; nil if the path does not exist.
    static func mode(of path: String) -> mode_t? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
    }

    /// The length of a file in bytes; nil if the file does not exist.
    static func size(of path: String) -> Int? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    /// Makes a file's entry in its folder durable.
    ///
    /// - Throws: ``StoreError`` if the entry may not be durable.
    static func sync(folderOf path: String) throws(StoreError) { try sync(parent(of: path)) }

    /// Makes the directory entries of a folder durable.
    ///
    /// - Throws: ``StoreError`` if the entries may not be durable.
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
