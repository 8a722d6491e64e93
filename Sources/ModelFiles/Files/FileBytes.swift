import Glibc

/// A regular file that is open for reading.
///
/// All parts of a model are read from the same open file. Even if the file is replaced during the read, the header of
/// one model is therefore never combined with the weights of another.
package struct FileBytes: ~Copyable {
    /// The maximum size of a model file, 1 GiB.
    static let maximumSize = 1 << 30

    let descriptor: Int32
    /// The file's size in bytes when it was opened.
    package let size: Int

    /// Opens a file.
    ///
    /// - Throws: ``Defect`` with the code `notFound`, or `unreadable` with the system's reason.
    package init(_ path: String) throws(Defect) {
        // Without O_NONBLOCK, opening a FIFO would block until a writer opens it.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code: ModelFileError.Code = errno == ENOENT || errno == ENOTDIR ? .notFound : .unreadable
            throw Defect(code, SystemError.text)
        }
        try self.init(descriptor)
    }

    /// Takes over an open descriptor.
    ///
    /// - Throws: ``Defect`` with the code `unreadable` if the descriptor does not refer to a regular file, or if the
    ///   file is too large.
    package init(_ descriptor: Int32) throws(Defect) {
        self.descriptor = descriptor
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            size = 0
            throw Defect(.unreadable, SystemError.text)
        }
        size = Int(status.st_size)
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Defect(.unreadable, "is not a regular file; give a file")
        }
        guard size <= Self.maximumSize else {
            throw Defect(.unreadable, "has \(size) bytes; supported: at most \(Self.maximumSize)")
        }
    }

    deinit {
        _ = close(descriptor)
    }

    /// Returns the beginning of the file.
    ///
    /// - Parameter count: The maximum number of bytes.
    /// - Returns: The bytes; fewer if the file is shorter.
    /// - Throws: ``Defect`` with the code `unreadable`.
    package func prefix(_ count: Int) throws(Defect) -> [UInt8] {
        let count = min(count, size)
        var failure: Defect?
        let descriptor = descriptor
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            while filled < count {
                let length = unsafe pread(
                    descriptor, buffer.baseAddress.map { unsafe $0 + filled }, count - filled, off_t(filled))
                if length < 0 && errno == EINTR { continue }
                if length < 0 { failure = Defect(.unreadable, SystemError.text) }
                if length <= 0 { break }
                filled += length
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Returns the whole file.
    ///
    /// - Throws: ``Defect`` with the code `unreadable`.
    package func all() throws(Defect) -> [UInt8] { try prefix(size) }
}

/// The system's reason for the last failed call, with a remedy if there is one.
package enum SystemError {
    /// The reason and the remedy.
    package static var text: String {
        switch errno {
        case ENOENT, ENOTDIR: "no such file or folder; check the path"
        case EACCES, EPERM: "permission denied; let this user read or write it, or give another path"
        case EROFS: "the file system is read-only; give another path"
        case EISDIR: "it is a folder; give a file"
        default: unsafe String(cString: strerror(errno))
        }
    }
}
