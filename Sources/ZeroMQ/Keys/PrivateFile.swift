import Glibc

/// A small text file that may hold a secret.
package struct PrivateFile {
    /// The reason why a file cannot be read or created.
    package struct Failure: Error, Equatable {
        /// The value of `errno`.
        package let code: Int32

        /// The system's description of the error.
        package var text: String { unsafe String(cString: strerror(code)) }
        fileprivate static var last: Failure { Failure(code: errno) }
    }

    /// The maximum size of a file, in bytes. Real files are far smaller; the rest of a larger file is not read.
    private static let maximumBytes = 65_536

    /// The contents.
    package let text: String
    private let status: stat

    /// Reads the text, the owner and the mode through one descriptor, so that all three belong to the same file.
    ///
    /// - Parameter path: The file.
    /// - Throws: ``Failure`` if the file cannot be read.
    package init(_ path: String) throws(Failure) {
        // If the path is a pipe, `O_NONBLOCK` avoids waiting for the other end to be opened.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .last }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .last }
        var bytes = [UInt8](repeating: 0, count: Self.maximumBytes)
        let count = unsafe read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .last }
        text = String(decoding: bytes.prefix(count), as: UTF8.self)
        self.status = status
    }

    /// The mode of the file, in octal, if others can access it; otherwise nil.
    ///
    /// If the current user owns the file, no one else may have access to it. If the file has another owner, as under
    /// systemd or Kubernetes, its group may have read access.
    package var exposedMode: String? {
        let others = status.st_uid == geteuid() ? S_IRWXG | S_IRWXO : S_IWGRP | S_IRWXO
        return status.st_mode & others == 0 ? nil : String(status.st_mode & 0o777, radix: 8)
    }

    /// Creates a file, which must not exist yet. Only the owner can access a secret file, regardless of the umask. The
    /// umask restricts the mode of a public file as usual.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - isSecret: Whether the file holds a secret.
    ///   - text: The contents.
    /// - Throws: ``Failure`` if the file exists or cannot be created or written.
    package static func create(_ path: String, isSecret: Bool, _ text: String) throws(Failure) {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, isSecret ? 0o600 : 0o644)
        guard descriptor >= 0 else { throw .last }
        let bytes = Array(text.utf8)
        let isPrivate = !isSecret || fchmod(descriptor, 0o600) == 0
        let isWritten =
            unsafe isPrivate && Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let failure = Failure.last
        close(descriptor)
        guard isWritten else {
            _ = unsafe unlink(path)
            throw failure
        }
    }
}
