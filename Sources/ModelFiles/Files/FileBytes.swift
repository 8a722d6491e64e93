import Glibc

/// A regular file that is open for reading.
///
/// All parts of a model are read from the same open file. Even if the file is replaced during the read, the header of
/// one model is therefore never combined with the weights of another.
package final class FileBytes: Sendable {
    /// The maximum size of a model file, 1 GiB.
    static let maximumSize = 1 << 30

    let descriptor: Int32
    /// The file's size in bytes when it was opened.
    package let size: Int
    private let version: Version

    /// Opens a file.
    ///
    /// - Throws: ``Defect`` with the code `notFound`, or `unreadable` with the system's reason.
    package convenience init(_ path: String) throws(Defect) {
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
        let isKnown = unsafe fstat(descriptor, &status) == 0
        size = Int(status.st_size)
        version = Version(status)
        guard isKnown else { throw Defect(.unreadable, SystemError.text) }
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
        try values(0..<min(count, size))
    }

    /// Returns the whole file.
    ///
    /// - Throws: ``Defect`` with the code `unreadable`.
    package func all() throws(Defect) -> [UInt8] { try prefix(size) }

    /// Reads a part of the file straight into an array.
    ///
    /// - Parameter range: The positions of the bytes.
    /// - Returns: The values; fewer if the file has become shorter.
    /// - Throws: ``Defect`` with the code `unreadable`.
    func values<Value: BitwiseCopyable>(_ range: Range<Int>) throws(Defect) -> [Value] {
        var failure: Defect?
        let count = range.count / MemoryLayout<Value>.stride
        let values = unsafe [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
            let buffer = UnsafeMutableRawBufferPointer(buffer)
            var filled = 0
            while filled < range.count {
                let length = unsafe pread(
                    descriptor, buffer.baseAddress.map { unsafe $0 + filled }, range.count - filled,
                    off_t(range.lowerBound + filled))
                if length < 0 && errno == EINTR { continue }
                if length < 0 { failure = Defect(.unreadable, SystemError.text) }
                if length <= 0 { break }
                filled += length
            }
            initialized = filled / MemoryLayout<Value>.stride
        }
        if let failure { throw failure }
        return values
    }

    /// Maps the file into memory while `body` runs. A file that the system cannot map is copied.
    ///
    /// If another program shortens the file meanwhile, reading the span ends this process. Map a file only in a process
    /// that may end.
    ///
    /// - Throws: ``Defect`` with the code `unreadable`, or any error that `body` throws.
    package func withMapping<Result>(
        _ body: (Span<UInt8>) throws(Defect) -> Result
    ) throws(Defect) -> Result {
        let start = unsafe mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let start = unsafe start, unsafe start != MAP_FAILED else {
            let copy = try all()
            return try body(copy.span)
        }
        defer { unsafe munmap(start, size) }
        return try body(unsafe Span(_unsafeBytes: UnsafeRawBufferPointer(start: start, count: size)))
    }

    /// Throws if the file has been written since it was opened.
    ///
    /// - Throws: ``Defect`` with the code `unreadable`.
    func requireUnchanged() throws(Defect) {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, Version(status) == version else {
            throw Defect(.unreadable, "was written while it was read; try again")
        }
    }

    /// The parts of a file's status that change when the file is written.
    private struct Version: Equatable {
        let size: Int
        let seconds: Int
        let nanoseconds: Int

        init(_ status: stat) {
            size = Int(status.st_size)
            seconds = status.st_mtim.tv_sec
            nanoseconds = status.st_mtim.tv_nsec
        }
    }
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
