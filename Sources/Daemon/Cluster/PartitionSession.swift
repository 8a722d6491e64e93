#if Cluster
import Cluster
import NATS
import Wire

/// Carries out the effects of one ownership of a partition over NATS. A ``ClusterWorker`` owns it.
final class PartitionSession {
    /// The purpose of a question, which tells how to read its answer.
    enum Question {
        case chainEnd
        case chainMessage(UInt64)
        case write
        case logEnd
        case chunk(UInt64)
        case storedChunk
        case verification
        /// A request whose answer changes nothing.
        case other
    }

    /// The time for which an answer is awaited.
    static let patience: Int64 = 2_000_000_000
    /// A question and the session that asked it. Answers to questions of an earlier session are dropped.
    struct Asked {
        let partition: Int
        let session: Int
        let question: Question
    }

    /// The number of messages that the chain keeps before its last manifest, for readers that are behind.
    private static let retainedMessages: UInt64 = 100_000

    let partition: Int
    private let id: Int
    private(set) var owner: PartitionOwner
    private let log: StreamFollower
    private var reading = ChunkReading()
    /// The chunks of a checkpoint that are still to be stored, last first.
    private var chunksToStore: [[UInt8]] = []

    /// Begins a claim.
    ///
    /// - Parameters:
    ///   - partition: The partition.
    ///   - id: A number that no other session of the worker has.
    ///   - claim: The node that claims.
    ///   - offer: The models that the node can serve.
    ///   - inbox: The worker's inbox.
    ///   - now: The current time of the ``SteadyClock``.
    init(_ partition: Int, id: Int, claim: ChainClaim, offer: ServeOffer, inbox: Inbox, now: Int64) {
        self.partition = partition
        self.id = id
        owner = PartitionOwner(partition: partition, claim: claim, offer: offer, now: now)
        log = StreamFollower(
            stream: ClusterNames.log(partition), subjects: [ClusterNames.logSubject(partition)], inbox: inbox)
    }

    /// Lets time pass, and carries out what the owner asks for.
    func turn(at now: Int64, by worker: inout ClusterWorker.Sender) {
        owner.tick(now)
        log.turn(at: now, wants: owner.wantsLog)
        carryOutEffects(by: &worker)
    }

    /// No further message is there at the moment.
    func pause(by worker: inout ClusterWorker.Sender) {
        owner.pause()
        carryOutEffects(by: &worker)
    }

    /// Asks the owner to finish and to release the partition.
    func drain(by worker: inout ClusterWorker.Sender) {
        owner.drain()
        carryOutEffects(by: &worker)
    }

    /// Compares the end of the chain with the last write, because another node holds the partition, too.
    func verify(by worker: inout ClusterWorker.Sender) {
        ask(.verification, JetStream.streamInformation(ClusterNames.chain(partition)), by: &worker)
    }

    /// The measures of the partition.
    var measures: PartitionMeasures {
        PartitionMeasures(
            partition: partition, position: owner.position, logEnd: owner.logEnd, streams: owner.streamCount,
            timesteps: owner.timesteps, checkpoint: owner.manifest?.position ?? 0)
    }

    /// Takes a message of the log.
    func deliver(_ message: Message, _ delivery: Delivery, at now: Int64) {
        guard case .message = log.take(message, delivery, at: now) else { return }
        owner.logMessage(delivery.sequence, time: delivery.time, message.payload)
    }

    /// Takes a status of the log's consumer.
    ///
    /// - Returns: False if the status belongs to another consumer.
    func takeStatus(_ message: Message, at now: Int64) -> Bool { log.take(message, nil, at: now) != .foreign }

    /// An answer did not come in time.
    func expire(_ asked: Asked) {
        guard asked.session == id else { return }
        switch asked.question {
        case .chainEnd, .chainMessage, .write, .chunk: owner.unanswered()
        case .storedChunk: failChunks()
        case .logEnd, .verification, .other: break
        }
    }

    /// An answer arrived.
    func answer(_ asked: Asked, _ message: Message, by worker: inout ClusterWorker.Sender) {
        guard asked.session == id else { return }
        do throws(JetStreamError) {
            switch asked.question {
            case .chainEnd: owner.chainEnd(try StreamInformation(message).lastSequence)
            case .chainMessage(let sequence): owner.chainMessage(sequence, try StoredMessage(message).payload)
            case .write: owner.stored(try PublishAcknowledgement(message).sequence)
            case .logEnd:
                let log = try StreamInformation(message)
                owner.logEnd(first: log.firstSequence, last: log.lastSequence)
            case .chunk(let sequence):
                reading.arrived(sequence, try StoredMessage(message).payload)
                while let (sequence, bytes) = reading.next() { owner.chunk(sequence, bytes) }
                askForChunks(by: &worker)
            case .storedChunk:
                owner.chunkStored(try PublishAcknowledgement(message).sequence)
                storeChunk(by: &worker)
            case .verification:
                let end = try StreamInformation(message).lastSequence
                if let chain = owner.chain, !chain.isBusy, end > chain.last { owner.refused() }
            case .other: break
            }
        } catch {
            refuse(asked.question, error)
        }
        carryOutEffects(by: &worker)
    }

    private func refuse(_ question: Question, _ error: JetStreamError) {
        switch question {
        case .write where error.isWrongLastSequence: owner.refused()
        case .storedChunk: failChunks()
        case .logEnd, .verification, .other: break
        case .chainEnd, .chainMessage, .write, .chunk: owner.unanswered()
        }
    }

    private func failChunks() {
        chunksToStore = []
        owner.chunkFailed()
    }
}

/// The owner's effects.
extension PartitionSession {
    private func carryOutEffects(by worker: inout ClusterWorker.Sender) {
        for effect in owner.takeEffects() { carryOut(effect, by: &worker) }
    }

    private func carryOut(_ effect: PartitionEffect, by worker: inout ClusterWorker.Sender) {
        switch effect {
        case .readChainEnd: ask(.chainEnd, JetStream.streamInformation(ClusterNames.chain(partition)), by: &worker)
        case .readChain(let sequence):
            ask(
                .chainMessage(sequence), JetStream.message(at: sequence, in: ClusterNames.chain(partition)),
                by: &worker)
        case .write(let write):
            let headers = PublishHeaders(lastSequence: write.expectedLast)
            publish(
                .write, ClusterNames.chainSubject(partition, write.kind), write.bytes, headers, by: &worker)
        case .readChunks(let sequences):
            reading = ChunkReading(sequences)
            askForChunks(by: &worker)
        case .follow(let sequence): log.follow(from: sequence)
        case .stopFollowing: log.stop()
        case .readLogEnd: ask(.logEnd, JetStream.streamInformation(ClusterNames.log(partition)), by: &worker)
        case .storeChunks(let chunks):
            chunksToStore = chunks.reversed()
            for _ in 0..<ChunkReading.maximumUnderWay { storeChunk(by: &worker) }
        case .purge(let logBelow, let chunksBelow, let chainBelow):
            purge(logBelow: logBelow, chunksBelow: chunksBelow, chainBelow: chainBelow, by: &worker)
        case .answer(let answered):
            worker.publish(answered.reply, JSONBytes.encode(answered.answer))
        }
    }

    private func storeChunk(by worker: inout ClusterWorker.Sender) {
        guard let chunk = chunksToStore.popLast() else { return }
        publish(.storedChunk, ClusterNames.chunkSubject(partition), chunk, PublishHeaders(), by: &worker)
    }

    private func askForChunks(by worker: inout ClusterWorker.Sender) {
        while let sequence = reading.nextToAsk() {
            ask(.chunk(sequence), JetStream.message(at: sequence, in: ClusterNames.chunks), by: &worker)
        }
    }

    private func purge(
        logBelow: UInt64, chunksBelow: UInt64?, chainBelow: UInt64, by worker: inout ClusterWorker.Sender
    ) {
        ask(.other, JetStream.purge(ClusterNames.log(partition), before: logBelow), by: &worker)
        if chainBelow > Self.retainedMessages {
            let sequence = chainBelow - Self.retainedMessages
            ask(.other, JetStream.purge(ClusterNames.chain(partition), before: sequence), by: &worker)
        }
        guard let chunksBelow else { return }
        ask(
            .other,
            JetStream.purge(
                ClusterNames.chunks, before: chunksBelow, subject: ClusterNames.chunkSubject(partition)),
            by: &worker)
    }

    private func ask(_ question: Question, _ request: APIRequest, by worker: inout ClusterWorker.Sender) {
        worker.send(asked(question), request.subject, request.body, headers: [])
    }

    private func publish(
        _ question: Question, _ subject: String, _ bytes: [UInt8], _ headers: PublishHeaders,
        by worker: inout ClusterWorker.Sender
    ) {
        worker.send(asked(question), subject, bytes, headers: headers.list)
    }

    private func asked(_ question: Question) -> Asked {
        Asked(partition: partition, session: id, question: question)
    }
}

/// The chunks of a checkpoint on their way from NATS: several are asked for at a time, and passed on in order.
struct ChunkReading {
    static let maximumUnderWay = 8

    private var sequences: [UInt64] = []
    private var asked = 0
    private var passed = 0
    private var arrived: [UInt64: [UInt8]] = [:]

    init(_ sequences: [UInt64] = []) { self.sequences = sequences }

    /// Returns the next chunk to ask for; nil if enough are under way.
    mutating func nextToAsk() -> UInt64? {
        guard asked < sequences.count, asked - passed < Self.maximumUnderWay else { return nil }
        asked += 1
        return sequences[asked - 1]
    }

    mutating func arrived(_ sequence: UInt64, _ bytes: [UInt8]) { arrived[sequence] = bytes }

    /// Returns the next chunk in order, if it has arrived.
    mutating func next() -> (UInt64, [UInt8])? {
        guard passed < asked, let bytes = arrived.removeValue(forKey: sequences[passed]) else { return nil }
        passed += 1
        return (sequences[passed - 1], bytes)
    }
}
#endif
