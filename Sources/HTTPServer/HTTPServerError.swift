/// The reason why a server cannot listen at its endpoint.
package struct HTTPServerError: Error, Sendable, CustomStringConvertible {
    /// The kind of error.
    package enum Code: Sendable {
        /// Another program uses the address.
        case inUse
        /// Any other reason why the server cannot listen.
        case cannotCreate
    }

    /// The kind of error.
    package let code: Code
    /// The endpoint and the problem.
    package let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
