import Foundation

/// The names that top and its like show for the daemon's threads.
enum ThreadName {
    /// Gives the calling thread a name. A name that its maker gives to Foundation's `Thread` is lost where the new thread is
    /// quicker, and the thread then has its maker's.
    ///
    /// - Parameter name: At most 15 bytes.
    static func take(_ name: String) {
        // A thread without its own name works as well.
        try? Data(name.utf8).write(to: URL(filePath: "/proc/thread-self/comm"))
    }
}
