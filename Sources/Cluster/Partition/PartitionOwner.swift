package import Wire

/// One ownership of a partition, from its claim to its end: restore, replay, serve, drain. It does no input or output:
/// it takes events and returns effects, which a driver carries out over NATS.
///
///     claiming ──▶ restoring ──▶ replaying ──▶ serving ──▶ draining ──▶ ended
///
/// While it follows the log, the owner steps every message. It publishes only decisions behind `through`: those before
/// are in the chain already.
///
/// A warm standby is an owner that has not claimed yet: it restores and replays first, and claims when it is told to.
package struct PartitionOwner: ~Copyable {
    /// The phase of the ownership, for `status`.
    package enum Phase: Equatable, Sendable {
        case claiming, restoring, replaying, serving, draining
        /// A warm standby restores, then steps the log up to what its owner has decided on.
        case standingBy
        /// The ownership has ended.
        case ended(End)
    }

    /// The reason why an ownership ended.
    package enum End: Equatable, Sendable {
        /// All decisions on what was applied are in the chain.
        case drained
        /// Another node has written to the chain.
        case fenced
        /// NATS did not answer. What is stored is unknown, and another node may own the partition by now. Whoever claims
        /// next reads it.
        case unanswered
        /// This node cannot serve the log, or its data is damaged.
        case failed(PartitionError)
    }

    /// The time between two checkpoints, in nanoseconds.
    static let checkpointInterval: Int64 = 10_000_000_000
    /// The number of timesteps after which a checkpoint begins early.
    static let checkpointTimesteps: UInt64 = 2_000_000
    /// The time without a message of the log, in nanoseconds, after which the owner compares its position with the log's
    /// end.
    static let silence: Int64 = 1_000_000_000

    /// The progress of a drain.
    enum DrainState {
        case none
        /// A checkpoint is being written, while the log is followed as usual.
        case checkpointing
        /// The log is no longer followed. The last writes are under way.
        case settling
    }

    let partition: Int
    let claimant: ChainClaim
    var offer: ServeOffer
    let history: HistoryLimits

    /// The phase.
    package internal(set) var phase: Phase
    /// The chain's end; nil while claiming.
    package internal(set) var chain: Chain?
    /// The streams; nil until they are restored.
    var table: PartitionTable?
    var restoration: CheckpointRestoration?
    /// Whether the node claims the partition, or did so before the end. A standby does not.
    package internal(set) var claims: Bool
    /// The part of the log that must not be stepped yet; nil unless this is a standby, or was one until its claim.
    var standby: Standby?
    var checkpoint: RunningCheckpoint?
    /// The last manifest in the chain.
    package internal(set) var manifest: CheckpointManifest?
    /// The effects that the driver has not taken yet.
    var effects: [PartitionEffect] = []
    /// The decisions that wait to be written.
    var outbox = Outbox()
    /// The questions that are not answered yet, oldest first.
    var queries: [PartitionQuery] = []
    /// The image of a snapshot that is being stored.
    var upload: Upload?
    /// The time before which no image is stored, because the last attempt failed.
    var uploadDue: Int64 = 0
    /// The progress of the looks for idle streams.
    var idleLook = IdleLook()
    /// The manifest of the checkpoint to restore, while weights for it are read.
    var waitingManifest: CheckpointManifest?
    /// The message of the log that waits for data.
    var stall: Stall?
    /// The write under way.
    var underWay: Outbox.Message?
    /// The last sequence number of the log, as far as it is known.
    package internal(set) var logEnd: UInt64 = 0
    /// Whether NATS has told the log's end since the streams were restored. Before that, nobody knows what is missing.
    var knowsLogEnd = false
    var drainState = DrainState.none

    var now: Int64
    /// The time of the last message of the log.
    var heardAt: Int64
    /// The time of the last question for the log's end.
    var lookedAt: Int64
    var checkpointDue: Int64
    var timestepsAtCheckpoint: UInt64 = 0
    /// Whether the table counts decisions that this ownership publishes. Before, it replays those of others.
    var isCounting = false
    /// The counts at the end of the ownership.
    var lastCounts = PartitionCounts()

    /// Begins a claim, or follows the partition as a warm standby.
    ///
    /// - Parameters:
    ///   - partition: The partition.
    ///   - claim: The node that claims.
    ///   - offer: The models that the node can serve.
    ///   - history: The limits of the streams' histories.
    ///   - standsBy: Whether to follow only, until ``claim()``.
    ///   - now: The monotonic clock in nanoseconds.
    package init(
        partition: Int, claim: ChainClaim, offer: ServeOffer, history: HistoryLimits = .none, standsBy: Bool = false,
        now: Int64
    ) {
        self.partition = partition
        claimant = claim
        self.offer = offer
        self.history = history
        claims = !standsBy
        phase = standsBy ? .standingBy : .claiming
        standby = standsBy ? Standby() : nil
        self.now = now
        heardAt = now
        lookedAt = now
        checkpointDue = now + Self.checkpointInterval
        effects = [.readChainEnd]
    }

    /// The last sequence number of the log that is applied.
    package var position: UInt64 { table?.position ?? 0 }

    /// The number of streams.
    package var streamCount: Int { table?.streams.count ?? 0 }

    /// The number of streams whose timesteps are all skipped as duplicates.
    package var stuckCount: Int { table?.streams.stuckCount ?? 0 }

    /// Counts the streams by label for each model. Takes linear time.
    package var labelCounts: [[UInt64]] { table?.streams.labelCounts() ?? [] }

    /// The counts of this ownership, without what it has only replayed. They stay after its end.
    package var counts: PartitionCounts { isCounting ? table?.counts ?? lastCounts : lastCounts }

    /// The number of timesteps applied since the counting began.
    package var timesteps: UInt64 { table?.timesteps ?? 0 }

    /// Whether the driver should fetch more messages of the log.
    package var wantsLog: Bool {
        guard table != nil, drainState != .settling, stall == nil else { return false }
        return outbox.hasRoom && standby?.held.isEmpty ?? true
    }

    var isCheckpointed: Bool { manifest?.position == position || position == 0 }

    /// Hands over the effects, in order.
    package mutating func takeEffects() -> [PartitionEffect] {
        defer { effects = [] }
        return effects
    }

    /// A checkpoint whose chunks or manifest are being written.
    struct RunningCheckpoint {
        let image: PartitionImage
        /// The sequence numbers of the chunks that NATS has stored.
        var chunks: [UInt64] = []
        /// The manifest, once all chunks are stored.
        var manifest: CheckpointManifest?
    }
}

/// Claims the partition.
extension PartitionOwner {
    /// The sequence number of the chain's last message is known.
    package mutating func chainEnd(_ last: UInt64) {
        guard chain == nil else { return }
        if last == 0 { begin(behind: Chain(last: 0, entry: nil)) } else { effects.append(.readChain(last)) }
    }

    /// A message of the chain was read by its sequence number.
    package mutating func chainMessage(_ sequence: UInt64, _ bytes: [UInt8]) {
        do throws(LogFormatError) {
            let entry = try unsafe ChainEntry(bytes.span.bytes)
            if chain == nil {
                begin(behind: Chain(last: sequence, entry: entry))
            } else if phase == .restoring || phase == .standingBy && table == nil, sequence == chain?.manifest {
                guard entry.kind == .manifest else { throw .kind }
                let json = unsafe bytes.span.bytes.extracting(ChainEntry.headLength..<bytes.count)
                beginRestoration(try JSONBytes.decode(CheckpointManifest.self, from: json))
            }
        } catch {
            end(
                .failed(
                    PartitionError(
                        .damaged, "message \(sequence) of the chain of partition \(partition) cannot be read: \(error)")
                ))
        }
    }

    /// Goes on at the end of the chain, with the claim or as a standby.
    private mutating func begin(behind end: Chain) {
        chain = end
        switch phase {
        case .claiming: begin(Outbox.Message(kind: .claim, body: JSONBytes.encode(claimant)))
        case .standingBy: restoreForStandby()
        default: break
        }
    }

    /// Begins a write.
    mutating func begin(_ message: Outbox.Message) {
        guard
            let write = chain?.append(
                message.kind, through: message.through, isPartial: message.isPartial, body: message.body)
        else { return }
        underWay = message
        effects.append(.write(write))
    }

    /// NATS stored the write under way.
    package mutating func stored(_ sequence: UInt64) {
        guard let written = underWay, chain?.confirm(sequence) ?? false else { return end(.unanswered) }
        underWay = nil
        effects += written.answers.map { .answer($0) }
        switch written.kind {
        case .claim: return takeOver()
        case .manifest: finishCheckpoint(at: sequence)
        case .decisions: break
        }
        write()
        endIfDrained()
    }

    /// NATS refused a write, because another node has written to the chain.
    package mutating func refused() { end(.fenced) }

    /// NATS did not answer a write or a question in time.
    package mutating func unanswered() { end(.unanswered) }

    mutating func end(_ reason: End) {
        guard !hasEnded else { return }
        lastCounts = counts
        phase = .ended(reason)
        table = nil
        restoration = nil
        standby?.held = []
        effects.append(.stopFollowing)
    }

    /// Whether the ownership has ended.
    package var hasEnded: Bool { if case .ended = phase { true } else { false } }
}
