#if Cluster
import Cluster
import Wire

/// The answer to `streams`: one page of all streams, ordered by the bytes of their ids. It merges pages of the
/// partitions, which have the same order, and asks a partition for its next page when the last one is used up.
struct GatheredPage: GatheredAnswer {
    /// The streams of one partition on their way to the page.
    private struct Part {
        /// The streams that are not on the page yet.
        var streams: ArraySlice<StreamStatus> = []
        /// The id behind which the partition's next page begins; nil for its first page.
        var after: String?
        /// Whether the partition has streams that it has not told yet.
        var hasMore = true
        var isAsked = false
    }

    private let prefix: String?
    private let limit: Int
    /// The number of streams to ask for: on average, a partition has its share of the page, and some have more.
    private let limitOfPart: Int
    private var parts: [Part]
    private var page = StreamPage<StreamStatus>(streams: [], next: nil)

    init(prefix: String?, after: String?, limit: Int, partitions: Int) {
        self.prefix = prefix
        self.limit = limit
        limitOfPart = min(limit, 2 * limit / partitions + 10, PartitionQuery.maximumStreams)
        parts = Array(repeating: Part(after: after), count: partitions)
    }

    mutating func takeQuestions() -> [PartitionQuestion] {
        merge()
        guard page.streams.count < limit else { return [] }
        return parts.indices.compactMap { partition in
            let part = parts[partition]
            guard part.streams.isEmpty, part.hasMore, !part.isAsked else { return nil }
            parts[partition].isAsked = true
            return PartitionQuestion(
                partition: partition, command: .streams(prefix: prefix, after: part.after, limit: limitOfPart))
        }
    }

    mutating func take(_ reply: [UInt8], of partition: Int) throws(ControlError) {
        let answer = try result(StreamPage<StreamStatus>.self, in: reply)
        parts[partition] = Part(streams: answer.streams[...], after: answer.next, hasMore: answer.next != nil)
    }

    /// Moves streams to the page as long as the next stream of each partition is known.
    private mutating func merge() {
        while page.streams.count < limit, !parts.contains(where: { $0.streams.isEmpty && $0.hasMore }) {
            let next = parts.indices.filter { !parts[$0].streams.isEmpty }.min { precedes($0, $1) }
            guard let next, let stream = parts[next].streams.popFirst() else { return }
            page.streams.append(stream)
        }
        let isFull = page.streams.count == limit
        page.next = isFull && parts.contains { !$0.streams.isEmpty || $0.hasMore } ? page.streams.last?.stream : nil
    }

    private func precedes(_ one: Int, _ other: Int) -> Bool {
        let ids = [one, other].map { parts[$0].streams.first?.stream ?? "" }
        return ids[0].utf8.lexicographicallyPrecedes(ids[1].utf8)
    }

    func end(id: JSONValue) -> GatheredEnd { .reply(WrittenReply(.success(page), id: id)) }
}

/// The answer to `streams` with `ids`: the streams in the order of the ids, without unknown ones.
struct NamedStreams: GatheredAnswer {
    private var streams: GatheredByID<StreamStatus>

    init(_ ids: [String], partitions: Int) {
        streams = GatheredByID(ids, partitions: partitions, limit: PartitionQuery.maximumStreams)
    }

    mutating func takeQuestions() -> [PartitionQuestion] {
        streams.takeIDs().map { PartitionQuestion(partition: $0, command: .namedStreams($1)) }
    }

    mutating func take(_ reply: [UInt8], of partition: Int) throws(ControlError) {
        let answer = try result(StreamPage<StreamStatus>.self, in: reply)
        streams.take(answer.streams, of: partition, id: \.stream)
    }

    func end(id: JSONValue) -> GatheredEnd {
        .reply(WrittenReply(.success(StreamPage(streams: streams.found, next: nil)), id: id))
    }
}

/// The answers of the partitions' owners about named streams, in the order of the names. A partition is asked about the next
/// of its streams when it has answered about the last ones.
struct GatheredByID<Entry: Sendable>: Sendable {
    private let ids: [String]
    /// The maximum number of ids in one question.
    private let limit: Int
    /// For each partition, the ids to ask for.
    private var unasked: [Int: ArraySlice<String>]
    /// The partitions that have not answered.
    private var asked: Set<Int> = []
    // The keys are bytes, because `String` treats two Unicode spellings of the same character as equal, although they
    // name different streams.
    private var entries: [[UInt8]: Entry] = [:]

    init(_ ids: [String], partitions: Int, limit: Int) {
        self.ids = ids
        self.limit = limit
        unasked = Dictionary(grouping: ids) { Partitioning.partition(of: $0.utf8.span, count: partitions) }
            .mapValues { $0[...] }
    }

    /// Takes the next ids to ask for, by partition.
    mutating func takeIDs() -> [(partition: Int, ids: [String])] {
        unasked.keys.sorted().compactMap { partition in
            guard let rest = unasked[partition], !rest.isEmpty, asked.insert(partition).inserted else { return nil }
            unasked[partition] = rest.dropFirst(limit)
            return (partition, Array(rest.prefix(limit)))
        }
    }

    /// Takes an answer.
    mutating func take(_ answer: [Entry], of partition: Int, id: (Entry) -> String) {
        asked.remove(partition)
        for entry in answer { entries[Array(id(entry).utf8)] = entry }
    }

    /// The entries of the streams that are known.
    var found: [Entry] { ids.compactMap { entries[Array($0.utf8)] } }
}
#endif
