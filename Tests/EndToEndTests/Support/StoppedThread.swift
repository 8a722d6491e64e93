import Foundation
import Testing

/// A stopped thread of a process whose other threads continue to run. The thread continues when this object is
/// released. Use the object on one thread only, as ptrace(2) requires.
final class StoppedThread {
    private typealias Trace = @convention(c) (CLong, pid_t, UInt, UInt) -> CLong

    private let thread: pid_t
    private let trace: Trace

    /// Stops a thread.
    ///
    /// - Parameters:
    ///   - name: The thread's name.
    ///   - process: The id of the process.
    /// - Throws: An error if there is no such thread, or if it cannot be stopped.
    init(_ name: String, of process: pid_t) throws {
        let threads = try ProcessThread.all(of: process)
        thread = try #require(threads.first { $0.name == name }, "there is no thread \(name): \(threads)").id
        // Look up the function at run time, because Swift does not import variadic functions.
        let symbol = unsafe try #require(unsafe dlsym(nil, "ptrace"))
        trace = unsafe unsafeBitCast(symbol, to: Trace.self)
        let seize = 0x4206
        let interrupt = 0x4207
        try #require(trace(seize, thread, 0, 0) == 0, "\(unsafe String(cString: strerror(errno)))")
        try #require(trace(interrupt, thread, 0, 0) == 0, "\(unsafe String(cString: strerror(errno)))")
        let anyThread: CInt = 0x4000_0000
        var status: CInt = 0
        try #require(unsafe waitpid(thread, &status, anyThread) == thread)
    }

    deinit {
        let detach = 17
        _ = trace(detach, thread, 0, 0)
    }
}
