import Glibc

/// Lets any thread wake the thread that waits in a ``Poller``. The signal is a byte in a pipe; its value has no
/// meaning.
public final class Wakeup: Sendable {
    /// The descriptor that ``signal()`` makes readable. It stays readable until ``clear()``.
    package let readEnd: CInt
    private let writeEnd: CInt

    /// Opens the pipe.
    ///
    /// - Throws: ``ZeroMQError`` if the process has reached its limit on open files.
    public init() throws(ZeroMQError) {
        var ends: [CInt] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw .last("open a pipe") }
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
        readEnd = ends[0]
        writeEnd = ends[1]
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// Makes the next wait return at once. If the pipe is full, the write fails, but earlier signals have the same
    /// effect.
    public func signal() {
        var byte: UInt8 = 1
        while unsafe write(writeEnd, &byte, 1) == -1, errno == EINTR {}
    }

    /// Consumes all signals, so that the next wait blocks.
    public func clear() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while true {
            let count = unsafe read(readEnd, &bytes, bytes.count)
            if count > 0 || (count == -1 && errno == EINTR) { continue }
            return
        }
    }
}
