import CZeroMQ
import Glibc

/// The failure of a libzmq operation. Distinguish errors by ``code``, never by text.
public struct ZeroMQError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The value of `errno` after the call.
    public let code: Int32
    /// The operation, such as "bind".
    public let operation: String
    /// The object of the operation, such as an endpoint; empty if there is none.
    public let context: String

    /// Creates an error. Each parameter sets the property of the same name.
    package init(code: Int32, operation: String, context: String) {
        self.code = code
        self.operation = operation
        self.context = context
    }

    /// The reasons for which there is a specific remedy.
    public enum Reason: Sendable {
        /// The user lacks permission to use a socket's file or a low port.
        case noPermission
        /// A socket's file or its folder does not exist.
        case noFile
        /// No network interface of this machine has the address or the name.
        case noSuchAddress
        /// Another socket uses the address.
        case inUse
    }

    /// The reason; nil if there is no specific remedy.
    public var reason: Reason? {
        switch code {
        case EACCES, EPERM: .noPermission
        case ENOENT, ENOTDIR: .noFile
        case ENODEV, EADDRNOTAVAIL: .noSuchAddress
        case EADDRINUSE: .inUse
        default: nil
        }
    }

    /// Whether ``PlainSocket`` cannot try the address, for example because its host is a name.
    public var isUntried: Bool { code == ENOTSUP }

    /// The problem without the operation and its object, such as `permission denied`.
    public var problem: String {
        switch reason {
        case .noPermission: "permission denied"
        case .noSuchAddress: "no network interface of this machine has this address"
        case .inUse: "the address is in use by another program"
        case .noFile, nil: unsafe String(cString: zmq_strerror(code)).lowercased()
        }
    }

    /// The error in one line.
    public var description: String {
        context.isEmpty ? "cannot \(operation): \(problem)" : "cannot \(operation) \(context): \(problem)"
    }

    /// Returns the error of the last libzmq call on this thread.
    static func last(_ operation: String, _ context: String = "") -> ZeroMQError {
        ZeroMQError(code: zmq_errno(), operation: operation, context: context)
    }
}

/// Makes a libzmq call that can fail. An interrupted call is repeated, a call that would block returns nil, and any
/// other failure is thrown. Use this function for every call whose failure matters.
///
/// - Parameters:
///   - operation: The operation, for the error.
///   - context: The object of the operation, for the error.
///   - call: The call. It returns −1 if it fails.
/// - Returns: The call's value, or nil if the call would block.
/// - Throws: ``ZeroMQError`` if the call failed for any other reason.
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
