import Glibc
import Synchronization

/// Maintains the seal of a folder while its database and journal are open. The database and the journal are used on
/// separate threads, and both record their durable writes in the seal through this object.
///
/// A keeper can be used from any thread.
final class SealKeeper: Sendable {
    private struct Content {
        var seal: Seal
        /// Whether the file still has an older seal, because the last write failed or was prevented by a crash.
        var isBehind = false
    }

    /// The seal's file; nil if the state is in memory.
    let file: SealFile?
    private let content: Mutex<Content>

    /// - Parameters:
    ///   - seal: The seal that the file should have.
    ///   - file: The seal's file; nil if the state is in memory.
    ///   - isBehind: Whether the file still has an older seal, because the daemon ended between a transaction and the
    ///     write of the seal.
    init(_ seal: Seal, file: SealFile?, isBehind: Bool = false) {
        self.file = file
        content = Mutex(Content(seal: seal, isBehind: isBehind))
    }

    /// The seal that the file should have.
    var seal: Seal { content.withLock { $0.seal } }

    /// Creates the file in a folder that has no seal yet.
    ///
    /// - Throws: ``StoreError`` if the file may not be durable.
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

    /// Writes a seal that the last ``update(_:)`` failed to write. Call this before each transaction that raises the
    /// generation, so that the database is never more than one generation ahead.
    ///
    /// - Throws: ``StoreError`` if the write fails again.
    func catchUp() throws(StoreError) {
        guard content.withLock({ $0.isBehind }) else { return }
        try update { _ in }
    }

    /// Changes the seal, and writes it to the file.
    ///
    /// - Throws: ``StoreError`` if the file may not have the new seal. ``catchUp()`` then tries again.
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
