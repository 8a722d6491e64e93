/// Why the daemon did not start, or did not end well: one line for a person, and the exit status of `sysexits.h`.
public struct DaemonError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The exit statuses that the daemon ends with.
    public enum Code: Int32, Sendable {
        /// The command line makes no sense.
        case usage = 64
        /// A model or stored state cannot be used.
        case badData = 65
        /// A file is not there.
        case noInput = 66
        /// Something within the daemon itself failed.
        case software = 70
        /// A socket or a folder cannot be created.
        case cannotCreate = 73
        /// State could not be written.
        case inputOutput = 74
        /// An endpoint or a state folder is in use.
        case inUse = 75
        /// The configuration makes no sense.
        case configuration = 78
    }

    /// The exit status.
    public let code: Code
    /// What was wrong, where, and what to do.
    public let description: String

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - code: The exit status.
    ///   - description: What was wrong, where, and what to do.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
