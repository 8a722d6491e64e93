#if Cluster
import CNATS

/// The failure of a NATS operation. Distinguish errors by ``code``, never by text.
public struct NATSError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Equatable, Sendable {
        /// A server's URL or another option is not usable.
        case badOption
        /// No server of the list answers.
        case unreachable
        /// The server does not accept the login, or the login is missing.
        case refusedLogin
        /// The TLS handshake failed, or only one side wants TLS.
        case tls
        /// The connection is down for the moment. libnats reconnects. The message was not sent.
        case disconnected
        /// The connection is closed for good.
        case closed
        /// The payload exceeds the server's maximum.
        case tooLarge
        /// A subject, a header or a name has characters that NATS does not allow.
        case badSubject
        /// No answer arrived in time.
        case timeout
        /// Nobody listens to the subject of a request.
        case noResponders
        /// The server sent something that is not the protocol.
        case badAnswer
        /// Any other failure of libnats.
        case failed
    }

    /// The kind of failure.
    public let code: Code
    /// The operation, such as "connect to".
    public let operation: String
    /// The object of the operation, such as a server's URL without its password; empty if there is none.
    public let context: String
    /// The problem, and the remedy if there is one.
    public let problem: String

    /// Creates an error. Each parameter sets the property of the same name.
    package init(_ code: Code, operation: String, context: String = "", problem: String) {
        self.code = code
        self.operation = operation
        self.context = context
        self.problem = problem
    }

    /// Creates the error for a status of libnats.
    init(_ status: natsStatus, operation: String, context: String) {
        let code = Code(status)
        self.init(code, operation: operation, context: context, problem: code.problem ?? Self.text(of: status))
    }

    /// The error in one line.
    public var description: String {
        context.isEmpty ? "cannot \(operation): \(problem)" : "cannot \(operation) \(context): \(problem)"
    }

    /// Returns libnats' text for a status.
    static func text(of status: natsStatus) -> String {
        unsafe String(cString: natsStatus_GetText(status)).lowercased()
    }

    /// The text of libnats' last error on this thread; nil if it has none.
    static var lastText: String? {
        guard let pointer = unsafe nats_GetLastError(nil), unsafe pointer.pointee != 0 else { return nil }
        let text = unsafe String(cString: pointer)
        // The text begins with a place in libnats' source, such as `(conn.c:733): `.
        guard text.first == "(", let end = text.firstRange(of: "): ") else { return text }
        return String(text[end.upperBound...])
    }
}

extension NATSError.Code {
    init(_ status: natsStatus) {
        self =
            switch status {
            case NATS_CONNECTION_CLOSED, NATS_INVALID_SUBSCRIPTION, NATS_DRAINING: .closed
            case NATS_INSUFFICIENT_BUFFER, NATS_CONNECTION_DISCONNECTED, NATS_STALE_CONNECTION, NATS_IO_ERROR:
                .disconnected
            case NATS_NO_SERVER: .unreachable
            case NATS_CONNECTION_AUTH_FAILED, NATS_NOT_PERMITTED: .refusedLogin
            case NATS_SSL_ERROR, NATS_SECURE_CONNECTION_WANTED, NATS_SECURE_CONNECTION_REQUIRED: .tls
            case NATS_MAX_PAYLOAD: .tooLarge
            case NATS_INVALID_SUBJECT, NATS_INVALID_QUEUE_NAME: .badSubject
            case NATS_TIMEOUT: .timeout
            case NATS_NO_RESPONDERS: .noResponders
            case NATS_ADDRESS_MISSING: .badOption
            case NATS_PROTOCOL_ERROR, NATS_LINE_TOO_LONG: .badAnswer
            default: .failed
            }
    }

    /// The usual problem of this kind; nil if libnats' own text says more.
    var problem: String? {
        switch self {
        case .disconnected: "the connection to NATS is down; it is being restored"
        case .closed: "the connection to NATS is closed"
        case .timeout: "no answer in time"
        case .noResponders: "nobody listens to this subject"
        default: nil
        }
    }
}

/// Makes a call to libnats that can fail. Use this function for every call whose failure matters.
///
/// - Parameters:
///   - operation: The operation, for the error.
///   - context: The object of the operation, for the error.
///   - call: The call.
/// - Throws: ``NATSError`` if the call failed.
@inline(__always)
func checked(
    _ operation: StaticString, _ context: @autoclosure () -> String = "", _ call: () -> natsStatus
) throws(NATSError) {
    let status = call()
    if status != NATS_OK { throw NATSError(status, operation: "\(operation)", context: context()) }
}
#endif
