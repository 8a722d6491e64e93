/// The reason why the daemon could not start or did not stop cleanly: one line of text, and an exit status from
/// `sysexits.h`.
public struct DaemonError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The exit statuses of the daemon.
    public enum Code: Int32, Sendable {
        /// The command line is invalid.
        case usage = 64
        /// A model or stored state cannot be used.
        case badData = 65
        /// A file is missing or cannot be read.
        case noInput = 66
        /// The daemon itself failed.
        case software = 70
        /// A socket or a folder cannot be created.
        case cannotCreate = 73
        /// State could not be written.
        case inputOutput = 74
        /// An endpoint or a state folder is in use.
        case inUse = 75
        /// The configuration is invalid.
        case configuration = 78
    }

    /// The exit status.
    public let code: Code
    /// The problem, where it occurred, and the remedy.
    public let description: String

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - code: The exit status.
    ///   - description: The problem, where it occurred, and the remedy.
    public init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
