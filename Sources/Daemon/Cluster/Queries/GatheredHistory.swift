#if Cluster
import Cluster
import Wire

/// The answer to `history`. For the streams that decided most recently, it first asks all partitions for theirs with one
/// point each, and then asks for the points of the most recent ones of all.
struct GatheredHistory: GatheredAnswer {
    private let request: HistoryRequest
    private let partitions: Int
    /// The streams of the answer; nil while they are searched for.
    private var ids: [String]?
    /// The partitions that have not told their most recent streams.
    private var searching: Set<Int> = []
    private var isSearchAsked = false
    /// The most recent streams of the partitions, with the times of their last decisions in seconds since the Unix epoch.
    private var candidates: [(id: String, time: Double)] = []
    /// For each partition, the ids to ask for.
    private var unasked: [Int: ArraySlice<String>] = [:]
    private var asked: Set<Int> = []
    private var found: [[UInt8]: StreamHistory] = [:]
    /// The last answer of each partition, without its streams.
    private var answers: [Int: HistoryAnswer] = [:]

    /// - Parameters:
    ///   - request: The streams, and the number and the age of their points.
    ///   - partitions: The number of partitions.
    init(_ request: HistoryRequest, partitions: Int) {
        self.request = request
        self.partitions = partitions
        if case .named(let ids) = request.streams { choose(ids) } else { searching = Set(0..<partitions) }
    }

    private mutating func choose(_ ids: [String]) {
        self.ids = ids
        unasked = Dictionary(grouping: ids) { Partitioning.partition(of: $0.utf8.span, count: partitions) }
            .mapValues { $0[...] }
    }

    mutating func takeQuestions() -> [PartitionQuestion] {
        guard searching.isEmpty else {
            defer { isSearchAsked = true }
            guard !isSearchAsked else { return [] }
            return searching.map { question(to: $0, HistoryRequest(request.streams, points: 1)) }
        }
        return unasked.keys.compactMap { partition in
            guard let rest = unasked[partition], !rest.isEmpty, asked.insert(partition).inserted else { return nil }
            unasked[partition] = rest.dropFirst(HistoryRequest.maximumNamed)
            let ids = Array(rest.prefix(HistoryRequest.maximumNamed))
            return question(
                to: partition, HistoryRequest(.named(ids), points: request.points, since: request.since))
        }
    }

    private func question(to partition: Int, _ request: HistoryRequest) -> PartitionQuestion {
        PartitionQuestion(partition: partition, command: .history(request))
    }

    mutating func take(_ reply: [UInt8], of partition: Int) throws(ControlError) {
        var answer = try result(HistoryAnswer.self, in: reply)
        let streams = answer.streams
        answer.streams = []
        answers[partition] = answer
        guard searching.remove(partition) != nil else {
            asked.remove(partition)
            // The keys are bytes, for the reason that ``NamedStreams`` gives.
            for stream in streams { found[Array(stream.stream.utf8)] = stream }
            return
        }
        let now = Double(WallClock.now()) / 1e9
        candidates += streams.map { ($0.stream, $0.times.last ?? now - $0.idleSeconds) }
        guard searching.isEmpty, case .recent(let count, _, _) = request.streams else { return }
        candidates.sort { ($1.time, $0.id) < ($0.time, $1.id) }
        choose(candidates.prefix(count).map(\.id))
    }

    func end(id: JSONValue) -> GatheredEnd {
        var answer = HistoryAnswer(points: 0, streams: [], held: 0, bytes: 0, limitBytes: 0)
        for part in answers.values {
            answer.points = max(answer.points, part.points)
            answer.held += part.held
            answer.bytes += part.bytes
            answer.limitBytes += part.limitBytes
        }
        answer.streams = (ids ?? []).compactMap { found[Array($0.utf8)] }
        return .reply(WrittenReply(.success(answer), id: id))
    }
}
#endif
