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
        /// The question about a chunk goes to the leader, as another server did not have it.
        case chunkOfLeader(UInt64)
        case storedChunk
        case storedPlace
        case snapshotPlace(UInt64)
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

    let partition: Int
    private let id: Int
    private let retainedMessages: UInt64
    private(set) var owner: PartitionOwner
    private let log: StreamFollower
    private var reading = ChunkReading()
    /// The stream of the chunks that are being read.
    private var readStream = ClusterNames.chunks
    /// The chunks of a checkpoint or of a snapshot's image that are still to be stored, last first.
    private var chunksToStore: [[UInt8]] = []
    private var lag: LogLag
    private var takeOver: TakeOverTimes
    private var checkpoint: PartitionMeasures.Checkpoint?
    /// The weights that the owner waits for.
    private var awaitedWeights: Weights?
    /// The subject of the chunks that are being stored.
    private var chunkSubject = ""
    /// The subscription to questions about the streams, while the owner answers them.
    private var questions: Subscription?

    /// Begins a claim, or follows the partition as a warm standby.
    ///
    /// - Parameters:
    ///   - partition: The partition.
    ///   - id: A number that no other session of the worker has.
    ///   - settings: The node's settings.
    ///   - standsBy: Whether to follow only, until ``claim(by:)``.
    ///   - inbox: The worker's inbox.
    ///   - now: The current time of the ``SteadyClock``.
    init(
        _ partition: Int, id: Int, settings: OwnershipSettings, standsBy: Bool, inbox: Inbox, now: Int64
    ) {
        self.partition = partition
        self.id = id
        retainedMessages = settings.retainedMessages
        owner = PartitionOwner(
            partition: partition, claim: settings.claim, offer: settings.offer, history: settings.history,
            standsBy: standsBy, now: now)
        lag = LogLag(now: now)
        takeOver = TakeOverTimes(now: now)
        log = StreamFollower(
            stream: ClusterNames.log(partition), subjects: [ClusterNames.logSubject(partition)], inbox: inbox)
    }

    /// Lets time pass, and carries out what the owner asks for.
    func turn(at now: Int64, by worker: inout ClusterWorker.Sender) {
        owner.tick(now)
        log.turn(at: now, wants: owner.wantsLog)
        if let weights = awaitedWeights, let result = worker.library.find(weights) {
            awaitedWeights = nil
            owner.weightsRead(weights, result)
        }
        answerQuestions(by: &worker)
        carryOutEffects(by: &worker)
        lag.note(owner.position, logEnd: owner.logEnd, at: now)
        takeOver.note(owner.phase, at: now)
        noteCheckpoint()
    }

    private func noteCheckpoint() {
        guard let manifest = owner.manifest else { return }
        let isComplete = manifest.position == owner.position
        guard isComplete || checkpoint?.position != manifest.position else { return }
        checkpoint = .init(position: manifest.position, byteCount: manifest.byteCount, time: WallClock.now())
    }

    /// No further message is there at the moment.
    func pause(by worker: inout ClusterWorker.Sender) {
        owner.pause()
        carryOutEffects(by: &worker)
    }

    /// Claims the partition that this session has followed as a standby.
    func claim(by worker: inout ClusterWorker.Sender) {
        takeOver = TakeOverTimes(now: worker.now)
        owner.claim()
        carryOutEffects(by: &worker)
    }

    /// Lets the standby step the log up to a message that the owner has decided on.
    func advance(through: UInt64, by worker: inout ClusterWorker.Sender) {
        owner.advance(through: through)
        carryOutEffects(by: &worker)
    }

    /// Ends a standby.
    func stopStandingBy(by worker: inout ClusterWorker.Sender) {
        owner.stopStandingBy()
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

    /// The durations of the take-over so far.
    var takeOverTimes: TakeOverTimes.Parts { takeOver.parts }

    /// Returns the measures of the partition; nil if the ownership has ended.
    func measures(at now: Int64) -> PartitionMeasures? {
        guard let state = Heartbeat.PartitionState(owner.phase) else { return nil }
        return PartitionMeasures(
            partition: partition, state: state, position: owner.position, logEnd: lag.end,
            lagSeconds: lag.seconds(owner.position, at: now, wallTime: WallClock.now()), streams: owner.streamCount,
            stuck: owner.stuckCount, isWriting: owner.chain?.isBusy ?? false, through: owner.chain?.through ?? 0,
            checkpoint: checkpoint,
            takeOver: takeOver.parts)
    }

    /// Takes a message of the log.
    func deliver(_ message: Message, _ delivery: Delivery, at now: Int64) {
        guard case .message = log.take(message, delivery, at: now) else { return }
        lag.deliver(delivery.sequence, pending: delivery.pendingCount, time: delivery.time)
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
        case .chainEnd, .chainMessage, .write, .chunk, .chunkOfLeader, .snapshotPlace: owner.unanswered()
        case .storedChunk, .storedPlace: failChunks()
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
                guard message.status == nil else {
                    return ask(.chunkOfLeader(sequence), JetStream.message(at: sequence, in: readStream), by: &worker)
                }
                take(message.bytes, of: sequence, by: &worker)
            case .chunkOfLeader(let sequence): take(try StoredMessage(message).payload, of: sequence, by: &worker)
            case .storedChunk:
                owner.chunkStored(try PublishAcknowledgement(message).sequence)
                storeChunk(by: &worker)
            case .storedPlace:
                _ = try PublishAcknowledgement(message)
                owner.placeStored()
            case .snapshotPlace(let position): owner.snapshotPlace(position, try StoredMessage(message).payload)
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

    private func take(_ chunk: [UInt8], of sequence: UInt64, by worker: inout ClusterWorker.Sender) {
        reading.arrived(sequence, chunk)
        while let (sequence, bytes) = reading.next() { owner.chunk(sequence, bytes) }
        askForChunks(by: &worker)
    }

    private func refuse(_ question: Question, _ error: JetStreamError) {
        switch question {
        case .write where error.isWrongLastSequence: owner.refused()
        case .storedChunk, .storedPlace: failChunks()
        case .logEnd, .verification, .other: break
        case .snapshotPlace(let position) where error.isNotFound: owner.snapshotPlace(position, nil)
        case .chainEnd, .chainMessage, .write, .chunk, .chunkOfLeader, .snapshotPlace: owner.unanswered()
        }
    }

    private func failChunks() {
        chunksToStore = []
        owner.chunkFailed()
    }
}

/// Questions about the streams.
extension PartitionSession {
    /// Whether questions wait for their answers.
    var hasQuestions: Bool { owner.hasQueries }

    private func answerQuestions(by worker: inout ClusterWorker.Sender) {
        guard owner.answersQueries else { return questions = nil }
        if questions == nil { questions = worker.subscribe(to: ClusterNames.querySubject(partition)) }
        while owner.takesQueries, let message = try? questions?.next(timeoutMilliseconds: 0) { take(message) }
        while owner.hasQueries, worker.hasTimeForQuestions { owner.workOnQueries(time: WallClock.now()) }
    }

    private func take(_ message: Message) {
        // Without a subject for the answer, nobody waits. A request that is not valid is the asker's mistake.
        guard let reply = message.reply, case .success(let command) = ControlRequest.read([message.bytes]).command
        else { return }
        owner.take(PartitionQuery(command, reply: reply))
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
        case .readChunks(let sequences, let place):
            reading = ChunkReading(sequences)
            readStream = place == .checkpoint ? ClusterNames.chunks : ClusterNames.snapshots
            askForChunks(by: &worker)
        case .follow(let sequence): log.follow(from: sequence)
        case .stopFollowing: log.stop()
        case .appendToLog(let message):
            publish(.other, ClusterNames.logSubject(partition), message, PublishHeaders(), by: &worker)
        case .readLogEnd: ask(.logEnd, JetStream.streamInformation(ClusterNames.log(partition)), by: &worker)
        case .storeChunks(let chunks, let place):
            chunksToStore = chunks.reversed()
            chunkSubject =
                switch place {
                case .checkpoint: ClusterNames.chunkSubject(partition)
                case .snapshot(let position): ClusterNames.snapshotChunkSubject(partition, position)
                }
            for _ in 0..<ChunkReading.maximumUnderWay { storeChunk(by: &worker) }
        case .purge(let logBelow, let chunksBelow, let chainBelow):
            purge(logBelow: logBelow, chunksBelow: chunksBelow, chainBelow: chainBelow, by: &worker)
        case .storePlace(let position, let bytes):
            publish(
                .storedPlace, ClusterNames.snapshotPlaceSubject(partition, position), bytes, PublishHeaders(),
                by: &worker)
        case .readPlace(let position):
            let subject = ClusterNames.snapshotPlaceSubject(partition, position)
            ask(.snapshotPlace(position), JetStream.lastMessage(of: subject, in: ClusterNames.snapshots), by: &worker)
        case .readWeights(let weights): awaitedWeights = weights
        case .deleteImage(let position):
            for subject in [
                ClusterNames.snapshotPlaceSubject(partition, position),
                ClusterNames.snapshotChunkSubject(partition, position),
            ] { ask(.other, JetStream.purge(ClusterNames.snapshots, subject: subject), by: &worker) }
        case .answer(let answered):
            worker.publish(answered.reply, answered.json)
        }
    }

    private func storeChunk(by worker: inout ClusterWorker.Sender) {
        guard let chunk = chunksToStore.popLast() else { return }
        publish(.storedChunk, chunkSubject, chunk, PublishHeaders(), by: &worker)
    }

    private func askForChunks(by worker: inout ClusterWorker.Sender) {
        while let sequence = reading.nextToAsk() {
            ask(.chunk(sequence), JetStream.directMessage(at: sequence, in: readStream), by: &worker)
        }
    }

    private func purge(
        logBelow: UInt64, chunksBelow: UInt64?, chainBelow: UInt64, by worker: inout ClusterWorker.Sender
    ) {
        ask(.other, JetStream.purge(ClusterNames.log(partition), before: logBelow), by: &worker)
        if chainBelow > retainedMessages {
            let sequence = chainBelow - retainedMessages
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
