import Foundation

/// Names the daemon's threads for `top` and similar tools.
enum ThreadName {
    /// Names the calling thread. With Foundation's `Thread.name`, the parent thread sets the name, which is lost if the
    /// new thread starts first.
    ///
    /// - Parameter name: At most 15 bytes.
    static func take(_ name: String) {
        // An error is harmless, because a thread works without a name too.
        try? Data(name.utf8).write(to: URL(filePath: "/proc/thread-self/comm"))
    }
}
