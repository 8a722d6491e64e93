import Streams
package import Wire

/// A question about the streams of a partition: one of the control requests `status`, `streams`, `stream`, `history`,
/// `export` and `snapshots`.
package struct PartitionQuery: Sendable {
    /// The maximum number of streams in one answer, so that it fits in a message and is written quickly. The asker asks
    /// for more.
    package static let maximumStreams = 200
    /// The maximum number of bytes in one answer. NATS' default limit is 1 MiB.
    static let maximumBytes = (1 << 20) - 4096
    /// The maximum number of points of all histories in one answer. A point takes about 30 bytes.
    package static let maximumPoints = 25_000

    /// A search through the streams, which is continued from step to step.
    enum Search {
        case page(StreamPageSearch)
        case history(HistorySearch, HistoryRequest)
    }

    /// The question.
    let command: ControlCommand
    /// The subject for the answer.
    let reply: String
    /// The search; nil if the question needs none, or has none yet.
    var search: Search?

    /// Creates a question.
    ///
    /// - Parameters:
    ///   - command: The control request.
    ///   - reply: The subject for the answer.
    package init(_ command: ControlCommand, reply: String) {
        self.command = command
        self.reply = reply
        if case .streams(let prefix, let after, let limit) = command {
            search = .page(StreamPageSearch(prefix: prefix, after: after, limit: min(limit, Self.maximumStreams)))
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
        if query.search == nil, case .history(let request) = query.command { query.search = search(for: request) }
        // The search is moved, so that Swift does not copy the results found so far.
        guard let search = query.search.take() else {
            return Answered(reply: query.reply, json: answer(query.command, time: time))
        }
        switch consume search {
        case .page(var page):
            guard streams.goOn(with: &page, slots: Self.slotsPerStep) else {
                query.search = .page(page)
                return nil
            }
            return Answered(reply: query.reply, json: written(.success(streams.page(of: page, time: time))))
        case .history(var recent, let request):
            guard streams.goOn(with: &recent, count: Self.slotsPerStep) else {
                query.search = .history(recent, request)
                return nil
            }
            let copies = streams.histories(of: recent, limit: points(for: request), time: time)
            return Answered(reply: query.reply, json: written(.success(copies.answer(since: request.since))))
        }
    }

    /// Returns the search for the streams that decided most recently; nil if the request names streams, or a model that
    /// this node does not have.
    private func search(for request: HistoryRequest) -> PartitionQuery.Search? {
        guard case .recent(let count, let text, let name) = request.streams else { return nil }
        guard let name else { return .history(HistorySearch(text: text, model: nil, limit: count), request) }
        guard let model = streams.models.firstIndex(where: { $0.name == name }) else { return nil }
        return .history(HistorySearch(text: text, model: model, limit: count), request)
    }

    private func points(for request: HistoryRequest) -> Int {
        let count =
            switch request.streams {
            case .named(let ids): ids.count
            case .recent(let count, _, _): count
            }
        return min(request.points ?? .max, max(1, PartitionQuery.maximumPoints / max(1, count)))
    }

    private func answer(_ command: ControlCommand, time: Int64) -> [UInt8] {
        switch command {
        case .status: return written(.success(status))
        case .namedStreams(let ids):
            let known = streams.statuses(of: Array(ids.prefix(PartitionQuery.maximumStreams)), time: time)
            return written(.success(StreamPage(streams: known, next: nil)))
        case .stream(let id):
            return written(result { () throws(StreamsError) in try streams.status(of: id, time: time) })
        case .history(let request):
            let ids = if case .named(let ids) = request.streams { ids } else { [] as [String] }
            let copies = streams.histories(of: ids, limit: points(for: request), time: time)
            return written(.success(copies.answer(since: request.since)))
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
                "an owner answers status, streams, stream, history, export and snapshots, and not '\(command.method.rawValue)'"
            )
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
