#if Cluster
import Cluster
import NATS
import Streams
import Wire

/// A change of streams, and its way through the logs.
struct PartitionChange: Sendable {
    /// Writes the reply to a request from the answers of all partitions.
    typealias Reply = @Sendable ([ControlAnswer], JSONValue) -> WrittenReply

    let record: ControlRecord
    /// The partitions whose logs get the record.
    let partitions: [Int]
    /// Whether partition 0 must accept the change before the other partitions get the record.
    var beginsAtFirst = false
    /// The time for which the owners' answers are awaited. A take-over takes less.
    var patience: Int64 = 15_000_000_000
    let reply: Reply
}

extension PartitionChange {
    /// Exchanges the weights of a model. Partition 0 decides whether they can be exchanged.
    static func reloading(_ served: ServedModel, resets: Bool, partitions: Int) -> PartitionChange {
        var record = ControlRecord()
        record.reload = ControlRecord.ReloadRecord(
            model: served.name, fingerprint: served.fingerprint, resets: resets)
        return PartitionChange(
            record: record, partitions: Array(0..<partitions), beginsAtFirst: true, patience: 55_000_000_000
        ) {
            let carried = $0.reduce(0) { $0 + $1.count }
            return WrittenReply(.success(ReloadResult(fingerprint: served.fingerprint, carried: carried)), id: $1)
        }
    }
}

/// The changes of streams on their way through the partitions' logs: each is a record in the log of each partition that
/// it concerns. The partitions' owners answer once their chains have it.
struct PartitionChanges {
    /// The time after which a record is written again if NATS has not confirmed it. JetStream recognizes the repetition
    /// by its name, so the log has the record once.
    private static let repetition: Int64 = 1_000_000_000

    /// The progress of a change in one partition.
    private enum Progress {
        /// NATS has not confirmed the record. It is written again at this time.
        case writing(again: Int64)
        /// The log has the record, and the owner has not answered.
        case stored
    }

    /// A change whose answers are awaited.
    private struct Change {
        let address: ControlServer.ReturnAddress
        var record: ControlRecord
        /// The partitions whose owners have not answered.
        var waiting: [Int: Progress]
        /// The last refusal of a write to a log.
        var problem: JetStreamError?
        var answers: [ControlAnswer] = []
        /// The partitions that get the record when those before have answered.
        var later: [Int]
        let deadline: Int64
        let reply: PartitionChange.Reply
    }

    private let inbox: Inbox
    /// The changes by the subject to which owners answer.
    private var changes: [String: Change] = [:]
    /// The change and the partition of each write that NATS has not confirmed.
    private var writes: [UInt64: (change: String, partition: Int)] = [:]
    private var ended: [(WrittenReply, ControlServer.ReturnAddress)] = []

    init(_ inbox: Inbox) { self.inbox = inbox }

    /// Whether changes wait for answers.
    var isWaiting: Bool { !changes.isEmpty }

    /// Takes the replies to changes that have ended.
    mutating func takeEnded() -> [(WrittenReply, ControlServer.ReturnAddress)] {
        defer { ended = [] }
        return ended
    }

    /// Writes the record of a change to the logs.
    mutating func begin(
        _ change: PartitionChange, for address: ControlServer.ReturnAddress, at now: Int64
    ) throws(ControlError) {
        var record = change.record
        let subject = inbox.newSubject()
        record.reply = subject
        let length = LogMessage.control(json: JSONBytes.encode(record)).count
        guard length <= ChainEntry.maximumLength else {
            throw ControlError(
                .invalidParams,
                "the request makes a record of \(length) bytes, and a log takes at most "
                    + "\(ChainEntry.maximumLength) bytes")
        }
        let first = change.beginsAtFirst ? Array(change.partitions.prefix(1)) : change.partitions
        changes[subject] = Change(
            address: address, record: record, waiting: [:],
            later: Array(change.partitions.dropFirst(first.count)), deadline: now + change.patience,
            reply: change.reply)
        for partition in first { write(subject, to: partition, at: now) }
    }

    private mutating func write(_ subject: String, to partition: Int, at now: Int64) {
        guard let record = changes[subject]?.record else { return }
        let message = LogMessage.control(json: JSONBytes.encode(record))
        changes[subject]?.waiting[partition] = .writing(again: now + Self.repetition)
        let headers = PublishHeaders(messageID: "\(subject).\(partition)").list
        // While the connection is down, nothing is sent; the repetition follows.
        let token = try? inbox.request(ClusterNames.logSubject(partition), message.span, headers: headers)
        if let token { writes[token] = (subject, partition) }
    }

    /// Takes a message of the inbox: NATS' confirmation of a write, or an owner's answer.
    mutating func take(_ message: Message, at now: Int64) {
        if let write = message.token.flatMap({ writes.removeValue(forKey: $0) }) { return confirm(write, message) }
        let subject = message.subject
        guard var change = changes[subject],
            let answer = try? JSONBytes.decode(ControlAnswer.self, from: unsafe message.payload.bytes),
            change.waiting.removeValue(forKey: answer.partition) != nil
        else { return }
        change.answers.append(answer)
        changes[subject] = change
        guard change.waiting.isEmpty else { return }
        if let refusal = change.answers.lazy.compactMap(\.refusal).first {
            finish(subject, .failure(refusal))
        } else if !change.later.isEmpty {
            changes[subject]?.later = []
            // All partitions apply reloads in the order of partition 0.
            changes[subject]?.record.reload?.order = answer.position
            for partition in change.later { write(subject, to: partition, at: now) }
        } else {
            finish(subject, .success(change.answers))
        }
    }

    private mutating func confirm(_ write: (change: String, partition: Int), _ message: Message) {
        guard changes[write.change]?.waiting[write.partition] != nil else { return }
        do throws(JetStreamError) {
            _ = try PublishAcknowledgement(message)
            changes[write.change]?.waiting[write.partition] = .stored
        } catch {
            // The log may be full for a moment. The write is repeated.
            changes[write.change]?.problem = error
        }
    }

    /// Repeats writes, and gives up changes whose time is over.
    mutating func tick(_ now: Int64) {
        for (subject, change) in changes {
            if now >= change.deadline {
                finish(subject, .failure(explanation(of: change)))
                continue
            }
            for case (let partition, .writing(let time)) in change.waiting where now >= time {
                write(subject, to: partition, at: now)
            }
        }
    }

    private func explanation(of change: Change) -> ControlError {
        let unwritten = change.waiting.filter { if case .writing = $0.value { true } else { false } }.keys.sorted()
        guard unwritten.isEmpty else {
            let reason = change.problem.map { ": \($0)" } ?? ""
            return ControlError(
                .storeFailed,
                "NATS has not confirmed the change in the log of \(Self.list(unwritten))\(reason); it may still take effect "
                    + "there, and has taken effect in all other partitions that it concerns")
        }
        return ControlError(
            .partitionSilent,
            "the change is stored, but not yet made by the owner of \(Self.list(change.waiting.keys.sorted())); it takes "
                + "effect when the owner reaches it in the log. 'sluice cluster' shows the owners")
    }

    /// The names of partitions in a sentence.
    static func list(_ partitions: [Int]) -> String {
        let names = partitions.prefix(10).map { "\($0)" }.joined(separator: ", ")
        let rest = partitions.count > 10 ? " and \(partitions.count - 10) others" : ""
        return (partitions.count == 1 ? "partition " : "partitions ") + names + rest
    }

    private mutating func finish(_ subject: String, _ outcome: Result<[ControlAnswer], ControlError>) {
        guard let change = changes.removeValue(forKey: subject) else { return }
        writes = writes.filter { $0.value.change != subject }
        let reply =
            switch outcome {
            case .success(let answers): change.reply(answers, change.address.id)
            case .failure(let error):
                WrittenReply(Result<Bool, ControlError>.failure(error), id: change.address.id)
            }
        ended.append((reply, change.address))
    }
}
#endif
