import Wire

/// Finds the stream that a person probably meant by an unknown id, with few requests however many streams there are.
extension ControlClient {
    /// The number of streams up to which a wrong id is compared with all of them.
    private static let mostCompared = 1_000
    /// The most requests that ask for ids with one change.
    private static let mostRequests = 8

    /// Returns the error of a refused command, with a similar stream if the stream is unknown.
    ///
    /// - Parameters:
    ///   - refusal: The daemon's error.
    ///   - command: The command.
    /// - Returns: The daemon's error if there is no similar stream.
    func error(_ refusal: ControlError, of command: ControlCommand) -> ClientError {
        guard refusal.code == .noSuchStream, let id = command.namedStream, let similar = try? stream(like: id) else {
            return ClientError(refusal)
        }
        let problem =
            if case .restore(let name, _) = command { "the snapshot '\(name)' has no stream" } else { "no stream" }
        return ClientError(ControlError(.noSuchStream, "\(problem) '\(id)'; did you mean '\(similar)'?"))
    }

    private func stream(like id: String) throws(ClientError) -> String? {
        if try call(.status).streams <= Self.mostCompared {
            let page = try call(.streams(prefix: nil, after: nil, limit: Self.mostCompared))
            return Suggestion.nearest(to: id, among: page.streams.map(\.stream))
        }
        var candidates = Suggestion.withOneChange(id).prefix(Self.mostRequests * ControlCommand.maximumNamed)
        while !candidates.isEmpty {
            let some = Array(candidates.prefix(ControlCommand.maximumNamed))
            if let first = try streams(some).first { return first.stream }
            candidates = candidates.dropFirst(some.count)
        }
        return nil
    }
}

extension ControlCommand {
    /// The id of the one stream that the command names; nil if the command is for other streams or none.
    fileprivate var namedStream: String? {
        switch self {
        case .stream(let id), .export(let id), .reset(.stream(let id)), .remove(.stream(let id)),
            .pause(.stream(let id)), .resume(.stream(let id)), .snapshot(_, .stream(let id)),
            .restore(_, .stream(let id)):
            id
        default: nil
        }
    }
}
