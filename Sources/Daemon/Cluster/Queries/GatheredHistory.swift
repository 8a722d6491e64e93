#if Cluster
import Cluster
import Wire

/// The answer to `history`. For the streams that decided most recently, it first asks all partitions for theirs with one
/// point each, and then asks for the points of the most recent ones of all.
struct GatheredHistory: GatheredAnswer {
    private let request: HistoryRequest
    private let partitions: Int
    /// The streams of the answer; none while they are searched for.
    private var streams: GatheredByID<StreamHistory>
    /// The partitions that have not told their most recent streams.
    private var searching: Set<Int> = []
    private var isSearchAsked = false
    /// The most recent streams of the partitions, with the times of their last decisions in seconds since the Unix epoch.
    private var candidates: [(id: String, time: Double)] = []
    /// The last answer of each partition, without its streams.
    private var answers: [Int: HistoryAnswer] = [:]

    /// - Parameters:
    ///   - request: The streams, and the number and the age of their points.
    ///   - partitions: The number of partitions.
    init(_ request: HistoryRequest, partitions: Int) {
        self.request = request
        self.partitions = partitions
        var ids: [String] = []
        if case .named(let named) = request.streams { ids = named } else { searching = Set(0..<partitions) }
        streams = Self.histories(of: ids, partitions: partitions)
    }

    private static func histories(of ids: [String], partitions: Int) -> GatheredByID<StreamHistory> {
        GatheredByID(ids, partitions: partitions, limit: HistoryRequest.maximumNamed)
    }

    mutating func takeQuestions() -> [PartitionQuestion] {
        guard searching.isEmpty else {
            defer { isSearchAsked = true }
            guard !isSearchAsked else { return [] }
            return searching.map { question(to: $0, HistoryRequest(request.streams, points: 1)) }
        }
        return streams.takeIDs().map { partition, ids in
            question(to: partition, HistoryRequest(.named(ids), points: request.points, since: request.since))
        }
    }

    private func question(to partition: Int, _ request: HistoryRequest) -> PartitionQuestion {
        PartitionQuestion(partition: partition, command: .history(request))
    }

    mutating func take(_ reply: [UInt8], of partition: Int) throws(ControlError) {
        var answer = try result(HistoryAnswer.self, in: reply)
        let told = answer.streams
        answer.streams = []
        answers[partition] = answer
        guard searching.remove(partition) != nil else { return streams.take(told, of: partition, id: \.stream) }
        let now = Double(WallClock.now()) / 1e9
        candidates += told.map { ($0.stream, $0.times.last ?? now - $0.idleSeconds) }
        guard searching.isEmpty, case .recent(let count, _, _) = request.streams else { return }
        candidates.sort { ($1.time, $0.id) < ($0.time, $1.id) }
        streams = Self.histories(of: candidates.prefix(count).map(\.id), partitions: partitions)
    }

    func end(id: JSONValue) -> GatheredEnd {
        var answer = HistoryAnswer(points: 0, streams: streams.found, held: 0, bytes: 0, limitBytes: 0)
        for part in answers.values {
            answer.points = max(answer.points, part.points)
            answer.held += part.held
            answer.bytes += part.bytes
            answer.limitBytes += part.limitBytes
        }
        return .reply(WrittenReply(.success(answer), id: id))
    }
}
#endif
