package import ModelFiles

/// The reason why a command failed, and the exit status that reports it to scripts.
package struct ClientError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kind of error.
    package let status: ExitStatus
    /// The problem and its remedy, on one line.
    package let message: String

    /// Creates an error.
    ///
    /// - Parameters:
    ///   - status: The kind of error.
    ///   - message: The problem and its remedy, on one line.
    package init(_ status: ExitStatus, _ message: String) {
        self.status = status
        self.message = message
    }

    /// The message.
    package var description: String { message }
}

/// The exit statuses of the tool. A command exits with 0 only if everything succeeded. Most other statuses come from
/// `sysexits.h`. The status tells a script whether to repair something or to retry.
package enum ExitStatus: Int32, CaseIterable, Sendable {
    /// The daemon refused the command because the state belongs to other weights, or because the mode does not allow
    /// the command.
    case refused = 1
    /// The command line or a parameter is invalid.
    case usage = 64
    /// An input, such as a row or a model file, is invalid.
    case data = 65
    /// A file, stream or snapshot does not exist.
    case noInput = 66
    /// The daemon cannot be reached.
    case unavailable = 69
    /// The daemon or the tool failed internally.
    case software = 70
    /// A file already exists and may not be overwritten, or it cannot be created.
    case cannotCreate = 73
    /// Reading or writing failed, for example in the daemon's store.
    case inputOutput = 74
    /// The daemon did not answer, or did not consume the timesteps, in time. A retry may help.
    case temporary = 75
    /// A message does not follow Sluice's protocol or belongs to another version.
    case `protocol` = 76
}

extension ClientError {
    /// Creates an error with the status that corresponds to a model file's error.
    package init(_ error: ModelFileError) {
        let status: ExitStatus =
            switch error.code {
            case .notFound, .unreadable: .noInput
            case .notAModel, .corrupt, .unsupported: .data
            case .exists, .notWritten: .cannotCreate
            }
        self.init(status, "\(error)")
    }
}
