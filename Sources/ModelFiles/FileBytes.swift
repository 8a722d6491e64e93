import Glibc

/// The bytes of a whole regular file.
///
/// A model is read into memory once and then taken apart there, so a file that is replaced meanwhile cannot give the
/// head of one model and the weights of another.
enum FileBytes {
    /// The largest model file that is read, 1 GiB.
    static let maximumSize = 1 << 30

    /// Reads a file.
    ///
    /// - Throws: ``Defect``: `notFound`, or `unreadable` with the system's reason.
    static func read(_ path: String) throws(Defect) -> [UInt8] {
        // Without O_NONBLOCK, opening a FIFO would wait for a writer.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let code: ModelFileError.Code = errno == ENOENT || errno == ENOTDIR ? .notFound : .unreadable
            throw Defect(code, reason())
        }
        defer { _ = close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw Defect(.unreadable, reason()) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Defect(.unreadable, "is not a regular file") }
        let size = Int(status.st_size)
        guard size <= maximumSize else {
            throw Defect(.unreadable, "has \(size) bytes; supported: at most \(maximumSize)")
        }
        return try read(descriptor, size: size)
    }

    private static func read(_ descriptor: Int32, size: Int) throws(Defect) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: size)
        var filled = 0
        while filled < size {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe Glibc.read(descriptor, buffer.baseAddress.map { unsafe $0 + filled }, size - filled)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw Defect(.unreadable, reason()) }
            if count == 0 { break }
            filled += count
        }
        return Array(bytes.prefix(filled))
    }

    /// The text of `errno`.
    private static func reason() -> String {
        unsafe String(cString: strerror(errno))
    }
}
