import Glibc

/// A file, or standard input, open for reading.
package final class InputFile {
    /// The name in messages: the path, or `standard input`.
    package let name: String
    /// The size in bytes of a regular file, else nil.
    package let size: Int?
    let descriptor: CInt
    /// The initial offset in a regular file. Standard input may have been read in part.
    private let start: off_t
    /// Ends waiting for input that is not a regular file; nil to wait until there is some.
    var interruption: Interruption?

    /// Opens a file.
    ///
    /// - Parameter path: The file; `-` for standard input.
    /// - Throws: ``ClientError`` with the status `noInput` if it cannot be opened.
    package init(path: String) throws(ClientError) {
        if path == "-" {
            name = "standard input"
            descriptor = STDIN_FILENO
        } else {
            name = path
            descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { throw ClientError(.noInput, "cannot read \(path): \(Self.lastError)") }
        }
        var information = stat()
        let isRegular =
            unsafe fstat(descriptor, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
        size = isRegular ? Int(information.st_size) : nil
        start = isRegular ? lseek(descriptor, 0, SEEK_CUR) : -1
    }

    /// Whether the file can be read again from the initial offset.
    var isRewindable: Bool { start >= 0 }

    /// Returns to the initial offset.
    func rewind() throws(ClientError) {
        guard lseek(descriptor, start, SEEK_SET) == start else {
            throw ClientError(.inputOutput, "cannot read \(name) again: \(Self.lastError)")
        }
    }

    /// Waits until a read would not block or an interruption arrives.
    ///
    /// - Parameter milliseconds: The maximum time; negative for no limit.
    func waitUntilReadable(milliseconds: Int) {
        var items = [descriptor, interruption?.wakeup.readEnd].compactMap { descriptor in
            descriptor.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        }
        _ = unsafe poll(&items, nfds_t(items.count), CInt(milliseconds))
    }

    /// Whether the input ended with an interruption, so that its last line may lack its end.
    var isInterrupted: Bool { !isRewindable && interruption?.isRequested == true }

    /// Reads from an open descriptor, and closes it at the end.
    ///
    /// - Parameters:
    ///   - descriptor: The descriptor.
    ///   - name: The name in messages.
    package init(descriptor: CInt, name: String) {
        self.descriptor = descriptor
        self.name = name
        size = nil
        start = -1
    }

    deinit {
        if descriptor != STDIN_FILENO { close(descriptor) }
    }

    /// Reads available bytes, and waits if there are none. Returns the number of bytes; 0 at the end or after an
    /// interruption.
    func read(into bytes: inout [UInt8]) throws(ClientError) -> Int {
        while true {
            if interruption != nil, !isRewindable { waitUntilReadable(milliseconds: -1) }
            if isInterrupted { return 0 }
            let count = unsafe Glibc.read(descriptor, &bytes, bytes.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw ClientError(.inputOutput, "cannot read \(name): \(Self.lastError)") }
        }
    }

    /// Reads the rest of the file.
    ///
    /// - Returns: The bytes.
    /// - Throws: ``ClientError`` with the status `inputOutput` if reading fails.
    package func readToEnd() throws(ClientError) -> [UInt8] {
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = try read(into: &bytes)
            guard count > 0 else { return all }
            all += bytes.prefix(count)
        }
    }

    /// Whether a read would not block.
    var isReadable: Bool {
        var item = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&item, 1, 0) != 0
    }

    private static var lastError: String { unsafe String(cString: strerror(errno)) }
}
