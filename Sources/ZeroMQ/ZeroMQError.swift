import CZeroMQ
import Glibc

/// What libzmq refused to do. Told apart by ``code``, never by text.
public struct ZeroMQError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The value of `errno` after the call.
    public let code: Int32
    /// What was to be done, as "bind".
    public let operation: String
    /// What it was to be done with, as an endpoint; empty where there is nothing to add.
    public let context: String

    /// Another socket has that address already.
    public var isAddressInUse: Bool { code == EADDRINUSE }

    /// The error in one line.
    public var description: String {
        let reason = unsafe String(cString: zmq_strerror(code))
        return context.isEmpty ? "cannot \(operation): \(reason)" : "cannot \(operation) \(context): \(reason)"
    }

    /// The error that the last libzmq call on this thread left.
    static func last(_ operation: String, _ context: String = "") -> ZeroMQError {
        ZeroMQError(code: zmq_errno(), operation: operation, context: context)
    }
}

/// Every call into libzmq that can fail goes through here: an interrupted call is repeated, "would block" is a value,
/// and anything else is an error.
///
/// - Parameters:
///   - operation: What the call does, for the error.
///   - context: What it does it with, for the error.
///   - call: The call; −1 means that it failed.
/// - Returns: The call's value, or nil where it would have to wait.
/// - Throws: ``ZeroMQError`` where it failed otherwise.
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
