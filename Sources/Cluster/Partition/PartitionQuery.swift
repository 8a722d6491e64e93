import Streams
package import Wire

/// A question about the streams of a partition: one of the control requests `status`, `streams`, `stream`, `export` and
/// `snapshots`.
package struct PartitionQuery: Sendable {
    /// The maximum number of streams in one answer, so that it fits in a message and is written quickly. The asker asks
    /// for more.
    package static let maximumStreams = 200
    /// The maximum number of bytes in one answer. NATS' default limit is 1 MiB.
    static let maximumBytes = (1 << 20) - 4096

    /// The question.
    let command: ControlCommand
    /// The subject for the answer.
    let reply: String
    /// The search for a page; nil for another question.
    var search: StreamPageSearch?

    /// Creates a question.
    ///
    /// - Parameters:
    ///   - command: The control request.
    ///   - reply: The subject for the answer.
    package init(_ command: ControlCommand, reply: String) {
        self.command = command
        self.reply = reply
        if case .streams(let prefix, let after, let limit) = command {
            search = StreamPageSearch(prefix: prefix, after: after, limit: min(limit, Self.maximumStreams))
        }
    }
}

extension PartitionTable {
    /// The number of slots that a search looks at in one step.
    private static let slotsPerStep = 1024

    /// Works on a question for a short time.
    ///
    /// - Parameters:
    ///   - query: The question.
    ///   - time: The wall clock in nanoseconds since the Unix epoch, for the streams' idle times.
    /// - Returns: The answer; nil if the search for a page is not finished.
    func workOn(_ query: inout PartitionQuery, time: Int64) -> Answered? {
        guard var search = query.search else {
            return Answered(reply: query.reply, json: answer(query.command, time: time))
        }
        query.search = nil
        guard streams.goOn(with: &search, slots: Self.slotsPerStep) else {
            query.search = search
            return nil
        }
        return Answered(reply: query.reply, json: written(.success(streams.page(of: search, time: time))))
    }

    private func answer(_ command: ControlCommand, time: Int64) -> [UInt8] {
        switch command {
        case .status: return written(.success(status))
        case .namedStreams(let ids):
            let known = streams.statuses(of: Array(ids.prefix(PartitionQuery.maximumStreams)), time: time)
            return written(.success(StreamPage(streams: known, next: nil)))
        case .stream(let id):
            return written(result { () throws(StreamsError) in try streams.status(of: id, time: time) })
        case .export(let id):
            return written(
                result { () throws(StreamsError) in
                    let model = try streams.status(of: id, time: time).model
                    return StreamExport(try streams.copy(.stream(id)).images[0], model: model)
                })
        case .snapshots:
            return written(.success(PartitionSnapshotList(snapshots: snapshots.complete)))
        default:
            let error = ControlError(
                .methodNotFound,
                "an owner answers status, streams, stream, export and snapshots, and not '\(command.method.rawValue)'")
            return written(Result<Bool, ControlError>.failure(error))
        }
    }

    private func result<Answer>(
        _ request: () throws(StreamsError) -> Answer
    ) -> Result<Answer, ControlError> {
        do throws(ControlError) {
            return .success(try answering(request))
        } catch {
            return .failure(error)
        }
    }

    private func written<Answer: Codable & Sendable>(_ outcome: Result<Answer, ControlError>) -> [UInt8] {
        let json = JSONBytes.encode(ControlReply(id: .null, outcome: outcome))
        guard json.count > PartitionQuery.maximumBytes else { return json }
        let error = ControlError(
            .refusedInMode,
            "the answer has \(json.count) bytes, and an answer within a cluster has at most \(PartitionQuery.maximumBytes)"
        )
        return JSONBytes.encode(ControlReply<Answer>(id: .null, outcome: .failure(error)))
    }

    private var status: PartitionStatus {
        let counters = streams.counters
        return PartitionStatus(
            streams: streams.count, stuck: streams.stuckCount, timesteps: counters.timesteps,
            decisions: counters.decisions, duplicates: counters.duplicates, gaps: counters.gaps,
            quarantined: counters.quarantined, fingerprints: streams.models.map(\.fingerprint),
            dropped: Dictionary(uniqueKeysWithValues: counters.dropped.map { ($0.rawValue, $1) }))
    }
}
