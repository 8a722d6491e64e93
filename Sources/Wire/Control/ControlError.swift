/// Why a control request was not done: the `error` member of a JSON-RPC 2.0 reply.
public struct ControlError: Error, Equatable, Codable, Sendable, CustomStringConvertible {
    /// What kind of error it is, by the number on the wire.
    public enum Code: Int, Codable, Sendable {
        /// The message is not JSON.
        case parse = -32700
        /// It is JSON, but no request.
        case invalidRequest = -32600
        /// There is no such method.
        case methodNotFound = -32601
        /// A parameter is missing, unknown or out of range.
        case invalidParams = -32602
        /// The daemon could not carry it out for a reason of its own.
        case `internal` = -32603
        /// No stream has that id.
        case noSuchStream = 1001
        /// No snapshot has that name.
        case noSuchSnapshot = 1002
        /// The state belongs to other weights.
        case fingerprintDiffers = 1003
        /// The store failed.
        case storeFailed = 1004
        /// The daemon does not do that in the mode in which it runs.
        case refusedInMode = 1005
        /// The model's file cannot be read, or not be served.
        case modelFailed = 1006
    }

    /// What kind of error it is.
    public let code: Code
    /// What was wrong and what to do.
    public let message: String

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - code: What kind of error it is.
    ///   - message: What was wrong and what to do.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The message with its code.
    public var description: String { "\(message) (\(code.rawValue))" }
}

extension String {
    /// The text, or its beginning where it is longer than any name: an error does not repeat a request of 1 MiB.
    public var shortened: String { utf8.count <= 300 ? self : "\(prefix(100))…" }
}
