#if Cluster
import CNATS

/// A subscription, which ends when its last reference is released. It has no thread of its own: messages wait until
/// they are taken. Their number is not limited, so callers bound what they ask for.
///
/// `@unchecked Sendable`: any thread may use a subscription of libnats.
@safe
public final class Subscription: @unchecked Sendable {
    private let pointer: OpaquePointer
    /// The subject, which may have wildcards.
    public let subject: String
    /// Keeps the connection open for as long as the subscription exists.
    private let connection: Connection

    init(_ subject: String, queueGroup: String?, on connection: Connection) throws(NATSError) {
        let subject = try Subject.checked(subject, for: "subscribe to")
        var pointer: OpaquePointer?
        try checked("subscribe to", subject) {
            if let queueGroup {
                unsafe natsConnection_QueueSubscribeSync(&pointer, connection.pointer, subject, queueGroup)
            } else {
                unsafe natsConnection_SubscribeSync(&pointer, connection.pointer, subject)
            }
        }
        guard let pointer = unsafe pointer else {
            throw NATSError(.failed, operation: "subscribe to", context: subject, problem: "libnats gives no reason")
        }
        unsafe natsSubscription_SetPendingLimits(pointer, -1, -1)
        unsafe self.pointer = pointer
        self.subject = subject
        self.connection = connection
    }

    deinit {
        unsafe natsSubscription_Destroy(pointer)
    }

    /// Takes the next message.
    ///
    /// - Parameter milliseconds: The maximum time to wait; 0 to take only a message that has arrived.
    /// - Returns: The message; nil if none arrived in time, also because the connection was down.
    /// - Throws: ``NATSError`` if the connection is closed; with the code `noResponders` if nobody listens to the
    ///   subject of a request whose answer this subscription should receive.
    public func next(timeoutMilliseconds milliseconds: Int) throws(NATSError) -> Message? {
        try next(timeoutMilliseconds: milliseconds, inbox: nil)
    }

    /// Takes the next message, and reads its token if its subject begins with the inbox's prefix.
    func next(timeoutMilliseconds milliseconds: Int, inbox: String?) throws(NATSError) -> Message? {
        var message: OpaquePointer?
        let status = unsafe natsSubscription_NextMsg(&message, pointer, Int64(milliseconds))
        if status == NATS_TIMEOUT { return nil }
        try checked("receive from", subject) { status }
        return unsafe message.map { unsafe Message($0, inbox: inbox) }
    }

    /// The number of messages that wait to be taken.
    public var pendingCount: Int {
        var count: CInt = 0
        var bytes: CInt = 0
        return unsafe natsSubscription_GetPending(pointer, &count, &bytes) == NATS_OK ? Int(count) : 0
    }
}
#endif
