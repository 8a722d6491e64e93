import Glibc
import Synchronization

/// The seal of a folder while its database and its journal are open: each of the two, on a thread of its own, notes here what
/// it has made durable.
///
/// Safe to use from any thread.
final class SealKeeper: Sendable {
    private struct Content {
        var seal: Seal
        /// The file lacks it: the last write failed, or a crash came before it.
        var isBehind = false
        /// Nothing was written since the start.
        var isOpen = false
    }

    /// Nil in memory.
    let file: SealFile?
    private let content: Mutex<Content>

    /// - Parameters:
    ///   - seal: The seal as it is to be in the file.
    ///   - file: The file; nil in memory.
    ///   - isBehind: Whether the file lacks it: the daemon ended between a transaction and its seal.
    init(_ seal: Seal, file: SealFile?, isBehind: Bool = false) {
        self.file = file
        content = Mutex(Content(seal: seal, isBehind: isBehind))
    }

    /// The seal as it is to be in the file.
    var seal: Seal { content.withLock { $0.seal } }

    /// Makes the file of a folder that has none.
    ///
    /// - Throws: ``StoreError`` where it may not be durable.
    func create() throws(StoreError) {
        let result = content.withLock { content in
            Result { () throws(StoreError) in
                content.seal.time = Self.now()
                try file?.create(&content.seal)
                content.isBehind = false
            }
        }
        try result.get()
    }

    /// Writes what the last ``update(_:)`` could not. Before a transaction that raises the generation, so that the database is
    /// never more than one ahead.
    ///
    /// - Throws: ``StoreError`` where that fails again.
    func catchUp() throws(StoreError) {
        guard content.withLock({ $0.isBehind }) else { return }
        try update { _ in }
    }

    /// Changes the seal and writes it.
    ///
    /// - Throws: ``StoreError`` where the file may not have it; ``catchUp()`` then tries again.
    func update(_ change: (inout Seal) -> Void) throws(StoreError) {
        let result = content.withLock { content in
            Result { () throws(StoreError) in
                change(&content.seal)
                content.seal.serial += 1
                content.seal.time = Self.now()
                content.isBehind = true
                try file?.write(content.seal)
                content.isBehind = false
            }
        }
        try result.get()
    }

    private static func now() -> Int64 {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
