#if Cluster
import CNATS
import Synchronization

/// The errors of a connection that libnats reports apart from a call. libnats' threads find this object by its number,
/// so that a late report cannot reach an object that is gone.
final class ConnectionEvents: Sendable {
    private static let all = Mutex<[UInt: String?]>([:])
    private static let count = Atomic<UInt>(0)

    private let number: UInt

    init() {
        number = Self.count.add(1, ordering: .relaxed).newValue
    }

    /// The last error; nil if there was none.
    var lastError: String? { Self.all.withLock { $0[number] ?? nil } }

    /// Asks libnats to report errors here.
    func register(in options: OpaquePointer?) throws(NATSError) {
        Self.all.withLock { $0[number] = .some(nil) }
        try checked("set up a connection") {
            unsafe natsOptions_SetErrorHandler(
                options,
                { _, subscription, status, number in
                    ConnectionEvents.record(status, number: UInt(bitPattern: number))
                }, UnsafeMutableRawPointer(bitPattern: number))
        }
    }

    /// Drops the errors. Later reports are ignored.
    func forget() {
        Self.all.withLock { _ = $0.removeValue(forKey: number) }
    }

    private static func record(_ status: natsStatus, number: UInt) {
        let text = NATSError.lastText ?? NATSError.text(of: status)
        all.withLock { if $0[number] != nil { $0[number] = text } }
    }
}
#endif
