/// The reason for refusing a control request: the `error` member of a JSON-RPC 2.0 reply.
public struct ControlError: Error, Equatable, Codable, Sendable, CustomStringConvertible {
    /// The kind of error, by its number on the wire.
    public enum Code: Int, Codable, Sendable {
        /// The message is not JSON.
        case parse = -32700
        /// The message is JSON, but not a request.
        case invalidRequest = -32600
        /// The method does not exist.
        case methodNotFound = -32601
        /// A parameter is missing, unknown or out of range.
        case invalidParams = -32602
        /// The daemon failed to carry out the request.
        case `internal` = -32603
        /// No stream has that id.
        case noSuchStream = 1001
        /// No snapshot has that name.
        case noSuchSnapshot = 1002
        /// The state belongs to other weights.
        case fingerprintDiffers = 1003
        /// The store failed.
        case storeFailed = 1004
        /// The daemon's mode does not allow the request.
        case refusedInMode = 1005
        /// The model's file cannot be read or served.
        case modelFailed = 1006
        /// A partition of the cluster has no owner, or its owner does not answer in time. Or a node does not leave in time.
        case partitionSilent = 1007
    }

    /// The kind of error.
    public let code: Code
    /// The problem and its remedy.
    public let message: String

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - code: The kind of error.
    ///   - message: The problem and its remedy.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message with its code.
    public var description: String { "\(message) (\(code.rawValue))" }
}

extension String {
    /// The string, shortened if it is longer than any valid name, so that an error never repeats a request of 1 MiB.
    public var shortened: String { utf8.count <= 300 ? self : "\(prefix(100))…" }
}
