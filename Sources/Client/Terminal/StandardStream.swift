import Glibc
import Wire

/// Standard output or standard error, written in large pieces. One owner, one thread.
public struct StandardStream {
    /// Nobody reads any more: the command is over, and that is no error.
    public static let brokenPipe = ClientError(.inputOutput, "nobody reads the output any more")

    private let descriptor: CInt
    private var bytes: [UInt8] = []

    /// Whether a terminal takes what is written.
    private let showsOnly: Bool

    private init(descriptor: CInt) {
        self.descriptor = descriptor
        showsOnly = isatty(descriptor) == 1
        // A reader who went away is met as an error, in order.
        signal(SIGPIPE, SIG_IGN)
    }

    /// The stream for results.
    public static var output: StandardStream { StandardStream(descriptor: STDOUT_FILENO) }
    /// The stream for progress and errors.
    public static var error: StandardStream { StandardStream(descriptor: STDERR_FILENO) }

    /// Whether a person looks at it.
    public var isTerminal: Bool { showsOnly }

    /// The terminal's size in characters; nil where it has none.
    public var windowSize: (columns: Int, rows: Int)? {
        var size = winsize()
        guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 else { return nil }
        let (columns, rows) = (Int(size.ws_col), Int(size.ws_row))
        return columns > 0 && rows > 0 ? (columns, rows) : nil
    }

    /// Lets a closure append bytes of whole lines, and writes when they have become many. On a terminal, what it would not show
    /// is escaped; a program gets the bytes as they are.
    ///
    /// - Parameter body: Appends.
    /// - Throws: ``brokenPipe``, or another ``ClientError`` where writing failed.
    public mutating func append(_ body: (inout [UInt8]) -> Void) throws(ClientError) {
        if showsOnly {
            var lines: [UInt8] = []
            body(&lines)
            bytes += VisibleText.escaped(String(decoding: lines, as: UTF8.self), keepsLines: true).utf8
        } else {
            body(&bytes)
        }
        if bytes.count >= 1 << 16 { try flush() }
    }

    /// Writes a text and a line end, at once.
    ///
    /// - Parameter line: The text, of several lines perhaps; what a terminal would not show is escaped.
    /// - Throws: ``brokenPipe``, or another ``ClientError`` where writing failed.
    public mutating func writeLine(_ line: String) throws(ClientError) {
        bytes.append(contentsOf: VisibleText.escaped(line, keepsLines: true).utf8)
        bytes.append(UInt8(ascii: "\n"))
        try flush()
    }

    /// Writes a text, at once, with the controls of a terminal in it.
    ///
    /// - Parameter text: The text, nothing of which others chose.
    /// - Throws: ``brokenPipe``, or another ``ClientError`` where writing failed.
    public mutating func write(_ text: String) throws(ClientError) {
        bytes.append(contentsOf: text.utf8)
        try flush()
    }

    /// Writes what was appended.
    ///
    /// - Throws: ``brokenPipe``, or another ``ClientError`` where writing failed.
    public mutating func flush() throws(ClientError) {
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
