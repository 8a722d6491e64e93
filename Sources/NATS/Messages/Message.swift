#if Cluster
import CNATS
import Glibc

/// A received message.
@safe
public final class Message {
    private let pointer: OpaquePointer
    /// The number of the request that this message answers; nil if an ``Inbox`` did not receive it, or if it is not an
    /// answer, such as a message that a consumer delivers.
    public let token: UInt64?

    /// Takes over a message from libnats.
    init(_ pointer: OpaquePointer, inbox: String? = nil) {
        unsafe self.pointer = pointer
        token = inbox.flatMap { prefix in
            let subject = unsafe String(cString: natsMsg_GetSubject(pointer))
            return subject.hasPrefix(prefix) ? UInt64(subject.dropFirst(prefix.count)) : nil
        }
    }

    deinit {
        unsafe natsMsg_Destroy(pointer)
    }

    /// The subject.
    public var subject: String { unsafe String(cString: natsMsg_GetSubject(pointer)) }

    /// The subject for answers; nil if there is none.
    public var reply: String? { unsafe natsMsg_GetReply(pointer).map { unsafe String(cString: $0) } }

    /// The payload. Bind the message to a name first: Swift 6.3 fails to compile the payload of a temporary message.
    public var payload: Span<UInt8> {
        @_lifetime(borrow self) get {
            let count = unsafe Int(natsMsg_GetDataLength(pointer))
            let start = unsafe UnsafeRawPointer(natsMsg_GetData(pointer))?.assumingMemoryBound(to: UInt8.self)
            let buffer = unsafe UnsafeBufferPointer(start: count == 0 ? nil : start, count: count)
            return unsafe _overrideLifetime(Span(_unsafeElements: buffer), borrowing: self)
        }
    }

    /// A copy of the payload.
    public var bytes: [UInt8] {
        let payload = payload
        return unsafe payload.withUnsafeBufferPointer { unsafe Array($0) }
    }

    /// Returns the first value of a header; nil if the message does not have the header.
    public func header(_ name: String) -> String? {
        var value: UnsafePointer<CChar>?
        guard unsafe natsMsgHeader_Get(pointer, name, &value) == NATS_OK, let value = unsafe value else { return nil }
        return unsafe String(cString: value)
    }

    /// The status that the server sends in place of a message, such as 404 or 409 in answer to a pull; nil for a usual
    /// message.
    public var status: Status? {
        // Only messages without payload have a status, and looking for headers is slow.
        guard payload.isEmpty, let code = header("Status").flatMap({ Int($0) }) else { return nil }
        return Status(code: code, text: header("Description") ?? "")
    }

    /// The place of a message that a consumer of JetStream delivered; nil for other messages.
    public var delivery: Delivery? {
        guard let reply = unsafe natsMsg_GetReply(pointer) else { return nil }
        let start = unsafe UnsafeRawPointer(reply).assumingMemoryBound(to: UInt8.self)
        let buffer = unsafe UnsafeBufferPointer(start: start, count: strlen(reply))
        return unsafe Delivery(reply: Span(_unsafeElements: buffer))
    }
}
#endif
