import CZeroMQ
import Glibc

/// An operation that libzmq refused. Distinguish errors by ``code``, never by text.
public struct ZeroMQError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The value of `errno` after the call.
    public let code: Int32
    /// The operation, such as "bind".
    public let operation: String
    /// The object of the operation, such as an endpoint; empty if there is none.
    public let context: String

    /// Whether another socket has the address already.
    public var isAddressInUse: Bool { code == EADDRINUSE }

    /// The error in one line.
    public var description: String {
        let reason = unsafe String(cString: zmq_strerror(code))
        return context.isEmpty ? "cannot \(operation): \(reason)" : "cannot \(operation) \(context): \(reason)"
    }

    /// Returns the error of the last libzmq call on this thread.
    static func last(_ operation: String, _ context: String = "") -> ZeroMQError {
        ZeroMQError(code: zmq_errno(), operation: operation, context: context)
    }
}

/// Checks a libzmq call that can fail. An interrupted call is repeated, "would block" is nil, and anything else is an
/// error. Use this function for every call whose failure matters.
///
/// - Parameters:
///   - operation: The operation, for the error.
///   - context: The object of the operation, for the error.
///   - call: The call; −1 means that it failed.
/// - Returns: The call's value, or nil if the call would have to wait.
/// - Throws: ``ZeroMQError`` if the call failed otherwise.
@inline(__always)
func checked(
    _ operation: StaticString, _ context: @autoclosure () -> String = "", _ call: () -> CInt
) throws(ZeroMQError) -> CInt? {
    while true {
        let result = call()
        if result != -1 { return result }
        switch zmq_errno() {
        case EINTR: continue
        case EAGAIN: return nil
        default: throw .last("\(operation)", context())
        }
    }
}
