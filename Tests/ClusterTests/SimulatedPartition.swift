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
    private(set) var chain: [Stored] = []
    private(set) var chunks: [UInt64: [UInt8]] = [:]
    private var chunkCount: UInt64 = 0
    /// Whether a write to the chain must expect the last message.
    var isFenced = true

    var logEnd: UInt64 { log.last?.sequence ?? 0 }
    var chainEnd: UInt64 { chain.last?.sequence ?? 0 }
    var firstInLog: UInt64 { log.first?.sequence ?? logEnd + 1 }

    func appendToLog(_ bytes: [UInt8]) {
        let sequence = logEnd + 1
        log.append(Stored(sequence: sequence, time: 1_000_000 * Int64(sequence), bytes: bytes))
    }

    /// Returns whether the write was stored.
    func write(_ write: Chain.Write) -> Bool {
        guard !isFenced || write.expectedLast == chainEnd else { return false }
        chain.append(Stored(sequence: chainEnd + 1, time: 0, bytes: write.bytes))
        return true
    }

    func storeChunk(_ bytes: [UInt8]) -> UInt64 {
        chunkCount += 1
        chunks[chunkCount] = bytes
        return chunkCount
    }

    func purgeLog(below sequence: UInt64) {
        // The last message stays, so that the log knows its end.
        let end = logEnd
        log.removeAll { $0.sequence < min(sequence, end) }
    }

    func purgeChunks(below sequence: UInt64) {
        chunks = chunks.filter { $0.key >= sequence }
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
    private var pending: [PartitionEffect] = []
    private var next: UInt64?
    private(set) var now: Int64 = 0
    /// The number of questions for the end of the log.
    var endQuestions = 0

    init(_ partition: SimulatedPartition, node: String, offer: ServeOffer) {
        self.partition = partition
        owner = PartitionOwner(
            partition: 0, claim: ChainClaim(node: node, incarnation: 1), offer: offer, now: 0)
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
        while left > 0, owner.wantsLog, let next, next <= partition.logEnd, let message = find(next) {
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
        case .readChunks(let sequences):
            for sequence in sequences { owner.chunk(sequence, partition.chunks[sequence] ?? []) }
        case .follow(let sequence): next = sequence
        case .stopFollowing: next = nil
        case .readLogEnd:
            endQuestions += 1
            owner.logEnd(first: partition.firstInLog, last: partition.logEnd)
        case .storeChunks(let chunks):
            for chunk in chunks { owner.chunkStored(partition.storeChunk(chunk)) }
        case .purge(let logBelow, let chunksBelow, _):
            partition.purgeLog(below: logBelow)
            if let chunksBelow { partition.purgeChunks(below: chunksBelow) }
        case .answer(let answered): answers.append(answered)
        }
    }
}
