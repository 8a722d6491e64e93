/// Why a command of the tool was not done, and the exit status that says so to scripts.
public struct ClientError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of error.
    public let status: ExitStatus
    /// The problem and the remedy, in one line.
    public let message: String

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - status: What kind of error it is.
    ///   - message: What was wrong and what to do, in one line.
    public init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The message.
    public var description: String { message }
}

/// The exit statuses of the tool: 0 only when everything asked for was done, else one of `sysexits.h`, so that a script
/// can tell what to repair from what to try again.
public enum ExitStatus: Int32, CaseIterable, Sendable {
    /// The daemon refused: the state belongs to other weights, or its mode does not allow it.
    case refused = 1
    /// The command line, or a parameter, is wrong.
    case usage = 64
    /// The input, a row or a model file, is wrong.
    case data = 65
    /// There is no such file, stream or snapshot.
    case noInput = 66
    /// The daemon cannot be reached.
    case unavailable = 69
    /// The daemon, or the tool, failed for a reason of its own.
    case software = 70
    /// A file is not written over, or cannot be created.
    case cannotCreate = 73
    /// Reading or writing failed, as the daemon's store.
    case inputOutput = 74
    /// The daemon did not answer or did not consume in time; trying again may help.
    case temporary = 75
    /// The answer is not Sluice's protocol, or of another version.
    case `protocol` = 76
}
