import Cluster
import Recurrent
import Streams
import TestSupport
import Wire

/// The JetStream streams of one partition in memory, with their rules: a message is stored behind the expected last
/// message or refused. Tests decide when a message arrives.
final class SimulatedPartition {
    struct Stored {
        let sequence: UInt64
        let time: Int64
        let bytes: [UInt8]
    }

    private(set) var log: [Stored] = []
    /// All messages of the log, also those that are purged.
    private(set) var history: [Stored] = []
    private(set) var chain: [Stored] = []
    private(set) var chunks: [UInt64: [UInt8]] = [:]
    private var chunkCount: UInt64 = 0
    /// The chunks and the place of each snapshot's image.
    private(set) var images: [UInt64: (chunks: [UInt64: [UInt8]], place: [UInt8]?)] = [:]
    /// The random word of each snapshot's record, by name.
    var snapshotIDs: [String: String] = [:]
    /// Whether a write to the chain must expect the last message.
    var isFenced = true

    var logEnd: UInt64 { log.last?.sequence ?? 0 }
    var chainEnd: UInt64 { chain.last?.sequence ?? 0 }
    var firstInLog: UInt64 { log.first?.sequence ?? logEnd + 1 }

    func appendToLog(_ bytes: [UInt8]) {
        let sequence = logEnd + 1
        log.append(Stored(sequence: sequence, time: 1_000_000 * Int64(sequence), bytes: bytes))
        history.append(log[log.count - 1])
    }

    /// Returns whether the write was stored.
    func write(_ write: Chain.Write) -> Bool {
        guard !isFenced || write.expectedLast == chainEnd else { return false }
        chain.append(Stored(sequence: chainEnd + 1, time: 0, bytes: write.bytes))
        return true
    }

    func storeChunk(_ bytes: [UInt8], _ place: ChunkPlace) -> UInt64 {
        chunkCount += 1
        switch place {
        case .checkpoint: chunks[chunkCount] = bytes
        case .snapshot(let position): images[position, default: ([:], nil)].chunks[chunkCount] = bytes
        }
        return chunkCount
    }

    func chunk(_ sequence: UInt64, _ place: ChunkPlace) -> [UInt8] {
        switch place {
        case .checkpoint: chunks[sequence] ?? []
        case .snapshot(let position): images[position]?.chunks[sequence] ?? []
        }
    }

    func storePlace(_ position: UInt64, _ bytes: [UInt8]) { images[position, default: ([:], nil)].place = bytes }

    func deleteImage(_ position: UInt64) { images[position] = nil }

    func purgeLog(below sequence: UInt64) {
        // The last message stays, so that the log knows its end.
        let end = logEnd
        log.removeAll { $0.sequence < min(sequence, end) }
    }

    func purgeChunks(below sequence: UInt64) {
        chunks = chunks.filter { $0.key >= sequence }
    }

    /// The last message of the log whose decisions are in the chain.
    func through() throws -> UInt64 {
        try chain.last.map { try unsafe ChainEntry($0.bytes.span.bytes).through } ?? 0
    }

    /// The items of all decisions in the chain, in order.
    func items() throws -> [UInt8] {
        var items: [UInt8] = []
        var partial: [UInt8] = []
        for message in chain {
            let entry = try unsafe ChainEntry(message.bytes.span.bytes)
            switch entry.kind {
            case .claim: partial = []
            case .manifest: break
            case .decisions:
                partial += message.bytes.dropFirst(ChainEntry.headLength)
                if !entry.isPartial {
                    items += partial
                    partial = []
                }
            }
        }
        return items
    }
}

/// A driver that carries out the effects of one ownership in a ``SimulatedPartition``. Effects and their answers can be
/// delayed or lost.
final class SimulatedDriver {
    let partition: SimulatedPartition
    private(set) var owner: PartitionOwner
    private(set) var answers: [PartitionTable.Answered] = []
    private let weights: ServedModel
    private var pending: [PartitionEffect] = []
    private var next: UInt64?
    private(set) var now: Int64 = 0
    /// The number of questions for the end of the log.
    var endQuestions = 0
    /// The number of checkpoints read.
    private(set) var restorations = 0

    /// Creates a driver.
    ///
    /// - Parameters:
    ///   - partition: The streams in NATS.
    ///   - node: The node that claims.
    ///   - offer: The models that the node can serve.
    ///   - weights: The model to give for all weights that the node reads.
    ///   - standsBy: Whether to follow as a warm standby first.
    init(
        _ partition: SimulatedPartition, node: String, offer: ServeOffer, weights: ServedModel, standsBy: Bool = false
    ) {
        self.partition = partition
        self.weights = weights
        owner = PartitionOwner(
            partition: 0, claim: ChainClaim(node: node, incarnation: 1), offer: offer, standsBy: standsBy, now: 0)
    }

    /// Carries out up to `limit` effects, and passes on up to `messages` messages of the log.
    func step(effects limit: Int = .max, messages: Int = .max) {
        pending += owner.takeEffects()
        var effectsLeft = limit
        while effectsLeft > 0, !pending.isEmpty {
            carryOut(pending.removeFirst())
            pending += owner.takeEffects()
            effectsLeft -= 1
        }
        var left = messages
        // A standby asks for several messages at once, and may be able to step only some of them.
        let wants = owner.wantsLog
        while left > 0, owner.wantsLog || wants && owner.phase == .standingBy, let next, next <= partition.logEnd,
            let message = find(next)
        {
            self.next = next + 1
            owner.logMessage(message.sequence, time: message.time, message.bytes.span)
            left -= 1
            pending += owner.takeEffects()
        }
        owner.pause()
        pending += owner.takeEffects()
    }

    /// Lets time pass.
    func wait(_ nanoseconds: Int64) {
        now += nanoseconds
        owner.tick(now)
    }

    func drain() { owner.drain() }

    /// Asks a question about the streams, and works on it.
    func ask(_ query: PartitionQuery) {
        owner.take(query)
        while owner.hasQueries { owner.workOnQueries(time: 0) }
    }
    func claim() { owner.claim() }

    func advance(through: UInt64) { owner.advance(through: through) }

    /// NATS does not answer the effects that are under way. They are carried out all the same if `areStored`.
    func loseAnswers(areStored: Bool) {
        pending += owner.takeEffects()
        for effect in pending {
            if case .write(let write) = effect, areStored { _ = partition.write(write) }
        }
        pending = []
        owner.unanswered()
    }

    /// Skips messages of the log, as a consumer does that breaks.
    func skipMessages(_ count: UInt64) { next = next.map { $0 + count } }

    var isIdle: Bool {
        pending.isEmpty && owner.chain?.isBusy == false && owner.position == partition.logEnd
    }

    private func find(_ sequence: UInt64) -> SimulatedPartition.Stored? {
        partition.log.first.flatMap { first in
            sequence >= first.sequence ? partition.log[Int(sequence - first.sequence)] : nil
        }
    }

    private func carryOut(_ effect: PartitionEffect) {
        switch effect {
        case .readChainEnd: owner.chainEnd(partition.chainEnd)
        case .readChain(let sequence):
            owner.chainMessage(sequence, partition.chain[Int(sequence) - 1].bytes)
        case .write(let write):
            if partition.write(write) {
                owner.stored(write.sequence)
            } else {
                owner.refused()
            }
        case .readChunks(let sequences, let place):
            if place == .checkpoint { restorations += 1 }
            for sequence in sequences { owner.chunk(sequence, partition.chunk(sequence, place)) }
        case .follow(let sequence): next = sequence
        case .stopFollowing: next = nil
        case .appendToLog(let message): partition.appendToLog(message)
        case .readWeights(let named): owner.weightsRead(named, .success(weights))
        case .readLogEnd:
            endQuestions += 1
            owner.logEnd(first: partition.firstInLog, last: partition.logEnd)
        case .storeChunks(let chunks, let place):
            for chunk in chunks { owner.chunkStored(partition.storeChunk(chunk, place)) }
        case .storePlace(let position, let bytes):
            partition.storePlace(position, bytes)
            owner.placeStored()
        case .readPlace(let position): owner.snapshotPlace(position, partition.images[position]?.place)
        case .deleteImage(let position): partition.deleteImage(position)
        case .purge(let logBelow, let chunksBelow, _):
            partition.purgeLog(below: logBelow)
            if let chunksBelow { partition.purgeChunks(below: chunksBelow) }
        case .answer(let answered): answers.append(answered)
        }
    }
}
