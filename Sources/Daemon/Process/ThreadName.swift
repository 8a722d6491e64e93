import Foundation

/// Names the daemon's threads for `top` and similar tools.
enum ThreadName {
    /// Names the calling thread. Foundation's `Thread.name` is not used, because the parent thread sets that name, and
    /// the name is lost if the new thread starts first.
    ///
    /// - Parameter name: The name, at most 15 bytes.
    static func take(_ name: String) {
        // An error is harmless, because a thread also works without a name.
        try? Data(name.utf8).write(to: URL(filePath: "/proc/thread-self/comm"))
    }
}
