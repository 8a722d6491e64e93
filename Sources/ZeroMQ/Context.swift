import CZeroMQ
import Glibc

/// The home of sockets and of the threads that carry their bytes. Ends when the last socket in it has been closed.
///
/// `@unchecked Sendable`: libzmq's contexts may be used from any thread
/// (<https://libzmq.readthedocs.io/en/latest/zmq_ctx_new.html>).
@safe
public final class Context: @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer

    /// Creates a context.
    ///
    /// - Parameter ioThreads: Threads that carry bytes; one for each gigabyte a second is libzmq's own advice.
    /// - Throws: ``ZeroMQError`` where the process may open no more files.
    public init(ioThreads: Int = 1) throws(ZeroMQError) {
        guard let pointer = unsafe zmq_ctx_new() else { throw .last("create a ZeroMQ context") }
        unsafe zmq_ctx_set(pointer, ZMQ_IO_THREADS, CInt(ioThreads))
        unsafe self.pointer = pointer
    }

    deinit {
        // Waits until what lingers has been sent. Repeated where a signal interrupts it.
        while unsafe zmq_ctx_term(pointer) == -1, zmq_errno() == EINTR {}
    }
}
