import CZeroMQ
import Glibc

/// A libzmq context, which owns sockets and the threads that transfer their bytes. A context ends when the last of its
/// sockets has been closed.
///
/// `@unchecked Sendable`: libzmq's contexts may be used from any thread
/// (<https://libzmq.readthedocs.io/en/latest/zmq_ctx_new.html>).
@safe
public final class Context: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer

    /// Creates a context.
    ///
    /// - Parameter ioThreads: The number of threads that transfer bytes. libzmq recommends one per gigabyte per second.
    /// - Throws: ``ZeroMQError`` if the process has reached its limit of open files.
    public init(ioThreads: Int = 1) throws(ZeroMQError) {
        guard let pointer = unsafe zmq_ctx_new() else { throw .last("create a ZeroMQ context") }
        unsafe zmq_ctx_set(pointer, ZMQ_IO_THREADS, CInt(ioThreads))
        unsafe self.pointer = pointer
    }

    deinit {
        // Waits until all lingering messages have been sent. Repeats the call after a signal.
        while unsafe zmq_ctx_term(pointer) == -1, zmq_errno() == EINTR {}
    }
}
