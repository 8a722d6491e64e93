#if Cluster
import Cluster
import FoundationEssentials
import Wire

/// The answer to a control request, put together from the answers of partitions' owners.
protocol GatheredAnswer: Sendable {
    /// Returns the questions to ask now. A partition is asked the next question when it has answered the last one.
    mutating func takeQuestions() -> [PartitionQuestion]

    /// Takes the reply of a partition's owner.
    ///
    /// - Throws: ``ControlError`` if the owner refuses the question. The whole request is refused then.
    mutating func take(_ reply: [UInt8], of partition: Int) throws(ControlError)

    /// Ends the request, once all partitions have answered.
    ///
    /// - Throws: ``ControlError`` if the answers refuse the request.
    func end(id: JSONValue) throws(ControlError) -> GatheredEnd
}

/// The end of the questions of a request.
enum GatheredEnd: Sendable {
    case reply(WrittenReply)
    /// The answers allow a change.
    case change(PartitionChange)
}

/// A question to the owner of a partition.
struct PartitionQuestion: Sendable {
    let partition: Int
    let command: ControlCommand

    /// The message to the owner.
    var bytes: [UInt8] { JSONBytes.encode(ControlRequest(id: .null, command: command).json) }
}

extension GatheredAnswer {
    /// Reads the reply of a partition's owner.
    func result<Answer: Codable & Sendable>(_ type: Answer.Type, in reply: [UInt8]) throws(ControlError) -> Answer {
        guard let read = try? JSONDecoder().decode(ControlReply<Answer>.self, from: Data(reply)) else {
            throw ControlError(
                .internal, "the reply of a partition's owner cannot be read; all nodes need the same version of Sluice")
        }
        return try read.outcome.get()
    }
}

/// The answer of the one partition that a request concerns, for `stream` and `export`.
struct SingleAnswer<Answer: Codable & Sendable>: GatheredAnswer {
    private var question: PartitionQuestion?
    private var answer: Answer?

    init(_ question: PartitionQuestion) { self.question = question }

    mutating func takeQuestions() -> [PartitionQuestion] {
        defer { question = nil }
        return [question].compactMap(\.self)
    }

    mutating func take(_ reply: [UInt8], of partition: Int) throws(ControlError) {
        answer = try result(Answer.self, in: reply)
    }

    func end(id: JSONValue) throws(ControlError) -> GatheredEnd {
        guard let answer else { throw ControlError(.internal, "no partition was asked") }
        return .reply(WrittenReply(.success(answer), id: id))
    }
}

/// The answer to `status`: the facts of the node that was asked, with the sums over all partitions.
struct GatheredStatus: GatheredAnswer {
    private let node: DaemonStatus
    private var partitions: Range<Int>
    private var sum = PartitionStatus()

    init(_ node: DaemonStatus, partitions: Int) {
        self.node = node
        self.partitions = 0..<partitions
    }

    mutating func takeQuestions() -> [PartitionQuestion] {
        defer { partitions = 0..<0 }
        return partitions.map { PartitionQuestion(partition: $0, command: .status) }
    }

    mutating func take(_ reply: [UInt8], of partition: Int) throws(ControlError) {
        sum.add(try result(PartitionStatus.self, in: reply))
    }

    func end(id: JSONValue) -> GatheredEnd {
        var status = node
        for (index, fingerprint) in zip(status.models.indices, sum.fingerprints) {
            status.models[index].fingerprint = fingerprint
        }
        status.streams = sum.streams
        status.stuck = sum.stuck
        status.timesteps = sum.timesteps
        status.decisions = sum.decisions
        status.duplicates = sum.duplicates
        status.gaps = sum.gaps
        status.quarantined = sum.quarantined
        status.dropped.merge(sum.dropped, uniquingKeysWith: +)
        return .reply(WrittenReply(.success(status), id: id))
    }
}
#endif
