import CZeroMQ
import Glibc

/// A libzmq context, which owns sockets and the threads that transfer their bytes. The context ends when its last
/// socket has been closed.
///
/// `@unchecked Sendable`: any thread may use a libzmq context
/// (<https://libzmq.readthedocs.io/en/latest/zmq_ctx_new.html>).
@safe
public final class Context: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer

    /// Creates a context.
    ///
    /// - Parameter ioThreads: The number of threads that transfer bytes. libzmq recommends one thread per gigabyte per
    ///   second.
    /// - Throws: ``ZeroMQError`` if the process has reached its limit on open files.
    public init(ioThreads: Int = 1) throws(ZeroMQError) {
        guard let pointer = unsafe zmq_ctx_new() else { throw .last("create a ZeroMQ context") }
        unsafe zmq_ctx_set(pointer, ZMQ_IO_THREADS, CInt(ioThreads))
        unsafe self.pointer = pointer
    }

    deinit {
        // The call waits until all lingering messages have been sent. Repeat the call if a signal interrupts it.
        while unsafe zmq_ctx_term(pointer) == -1, zmq_errno() == EINTR {}
    }
}
