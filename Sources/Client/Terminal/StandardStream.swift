import Glibc
import Wire

/// Standard output or standard error, written in large pieces. A stream has one owner and one thread.
package struct StandardStream {
    /// The error that is thrown if the reader has closed the output. The command then ends without reporting the error.
    package static let brokenPipe = ClientError(.inputOutput, "nobody reads the output any more")

    private let descriptor: CInt
    private var bytes: [UInt8] = []

    /// Whether the output is a terminal.
    private let showsOnly: Bool

    private init(descriptor: CInt) {
        self.descriptor = descriptor
        showsOnly = isatty(descriptor) == 1
        // Ignore SIGPIPE, so that a write merely fails if the reader has closed the output.
        signal(SIGPIPE, SIG_IGN)
    }

    /// The stream for results.
    package static var output: StandardStream { StandardStream(descriptor: STDOUT_FILENO) }
    /// The stream for progress and errors.
    package static var error: StandardStream { StandardStream(descriptor: STDERR_FILENO) }

    /// Whether the output is a terminal.
    package var isTerminal: Bool { showsOnly }

    /// The terminal's size in characters; nil if the size is unknown.
    package var windowSize: (columns: Int, rows: Int)? {
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return nil }
        let (columns, rows) = (Int(size.ws_col), Int(size.ws_row))
        return columns > 0 && rows > 0 ? (columns, rows) : nil
    }

    /// Appends whole lines, which are written once there are many. Characters that a terminal would not show are
    /// escaped if the output is a terminal. Other programs get the bytes unchanged.
    ///
    /// - Parameter body: A closure that appends the lines.
    /// - Throws: ``brokenPipe``, or another ``ClientError`` if writing fails.
    package mutating func append(_ body: (inout [UInt8]) -> Void) throws(ClientError) {
        if showsOnly {
            var lines: [UInt8] = []
            body(&lines)
            bytes += VisibleText.escaped(String(decoding: lines, as: UTF8.self), keepsLines: true).utf8
        } else {
            body(&bytes)
        }
        if bytes.count >= 1 << 16 { try flush() }
    }

    /// Writes text and a line end immediately.
    ///
    /// - Parameter line: The text, which may have several lines. Characters that a terminal would not show are escaped.
    /// - Throws: ``brokenPipe``, or another ``ClientError`` if writing fails.
    package mutating func writeLine(_ line: String) throws(ClientError) {
        bytes.append(contentsOf: VisibleText.escaped(line, keepsLines: true).utf8)
        bytes.append(UInt8(ascii: "\n"))
        try flush()
    }

    /// Writes text that may contain terminal controls, immediately.
    ///
    /// - Parameter text: The text, which must not contain untrusted data.
    /// - Throws: ``brokenPipe``, or another ``ClientError`` if writing fails.
    package mutating func write(_ text: String) throws(ClientError) {
        bytes.append(contentsOf: text.utf8)
        try flush()
    }

    /// Writes everything appended so far.
    ///
    /// - Throws: ``brokenPipe``, or another ``ClientError`` if writing fails.
    package mutating func flush() throws(ClientError) {
        defer { bytes.removeAll(keepingCapacity: true) }
        var start = 0
        while start < bytes.count {
            let count = unsafe bytes.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress?.advanced(by: start), $0.count - start)
            }
            if count >= 0 {
                start += count
            } else if errno == EPIPE {
                throw Self.brokenPipe
            } else if errno == EAGAIN {
                var item = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&item, 1, -1)
            } else if errno != EINTR {
                throw ClientError(.inputOutput, "cannot write: \(unsafe String(cString: strerror(errno)))")
            }
        }
    }
}
