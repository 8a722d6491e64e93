import Wire

/// Finds the stream that the user probably meant by an unknown id. The number of requests is small, no matter how many
/// streams exist.
extension ControlClient {
    /// If the daemon has at most this many streams, an unknown id is compared with all of them.
    private static let mostCompared = 1_000
    /// The maximum number of requests for ids that differ from the unknown id by one edit.
    private static let mostRequests = 8

    /// Returns the error for a refused command. If the command names an unknown stream, the error suggests a similar
    /// one.
    ///
    /// - Parameters:
    ///   - refusal: The daemon's error.
    ///   - command: The command.
    /// - Returns: The error with the suggestion; the daemon's own error if there is no similar stream.
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
    /// The id of the stream that the command names; nil unless the command applies to exactly one stream.
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
