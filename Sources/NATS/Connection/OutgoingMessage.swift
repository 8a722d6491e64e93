#if Cluster
import CNATS

/// A message of libnats with a copy of the payload and the headers.
@safe
struct OutgoingMessage: ~Copyable {
    let pointer: OpaquePointer

    init(
        _ subject: String, _ payload: Span<UInt8>, reply: String?, headers: [(String, String)]
    ) throws(NATSError) {
        for (name, value) in headers { try Subject.check(header: name, value, for: "publish") }
        var created: OpaquePointer?
        try checked("publish to", subject) {
            unsafe payload.withUnsafeBufferPointer { bytes in
                unsafe bytes.withMemoryRebound(to: CChar.self) {
                    unsafe natsMsg_Create(&created, subject, reply, $0.baseAddress, CInt($0.count))
                }
            }
        }
        guard let message = unsafe created else {
            throw NATSError(.failed, operation: "publish to", context: subject)
        }
        for (name, value) in headers {
            let status = unsafe natsMsgHeader_Add(message, name, value)
            guard status == NATS_OK else {
                unsafe natsMsg_Destroy(message)
                throw NATSError(status, operation: "publish to", context: subject)
            }
        }
        unsafe pointer = message
    }

    deinit {
        unsafe natsMsg_Destroy(pointer)
    }
}
#endif
