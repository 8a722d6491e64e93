import Foundation

/// Names the daemon's threads for `top` and similar tools.
enum ThreadName {
    /// Names the calling thread. Foundation's `Thread.name` is set by the parent thread, and is lost if the new thread
    /// starts first.
    ///
    /// - Parameter name: At most 15 bytes.
    static func take(_ name: String) {
        // A thread without a name works as well, so an error is harmless.
        try? Data(name.utf8).write(to: URL(filePath: "/proc/thread-self/comm"))
    }
}
