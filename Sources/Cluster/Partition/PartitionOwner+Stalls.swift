package import Streams
import Wire

/// Reads what messages of the log need: the images of snapshots, and weights that this node does not have.
extension PartitionOwner {
    /// The time between two attempts to find an image, in nanoseconds.
    private static let retryInterval: Int64 = 1_000_000_000
    /// The number of attempts to find an image. A leader of NATS that another has deposed may not know it yet.
    private static let maximumAttempts = 5

    /// A message of the log that waits for data, and the messages behind it.
    struct Stall {
        let need: PartitionTable.Need
        var messages: [HeldMessage]
        var place: StoredFile?
        var chunks: [[UInt8]] = []
        var attempts = 1
        var retryAt: Int64?
    }

    /// A message of the log that is not applied yet.
    struct HeldMessage {
        let sequence: UInt64
        let time: Int64
        let bytes: [UInt8]
    }

    /// Waits for the data that a message needs.
    ///
    /// - Returns: Whether the message must wait.
    mutating func stalls(_ sequence: UInt64, time: Int64, _ bytes: Span<UInt8>) -> Bool {
        guard let table, let need = table.need(of: bytes) else { return false }
        if case .image(let snapshot) = need, table.loadUnstored(snapshot) { return false }
        stall = Stall(
            need: need, messages: [HeldMessage(sequence: sequence, time: time, bytes: Array(copying: bytes))])
        switch need {
        case .image(let snapshot): effects.append(.readPlace(snapshot.position))
        case .weights(let weights): effects.append(.readWeights(weights))
        }
        return true
    }

    /// Keeps a message that arrives while an earlier one waits.
    mutating func hold(_ sequence: UInt64, time: Int64, _ bytes: Span<UInt8>) {
        guard let last = stall?.messages.last, sequence == last.sequence + 1 else { return }
        stall?.messages.append(HeldMessage(sequence: sequence, time: time, bytes: Array(copying: bytes)))
    }

    /// Applies the message that has waited, and those behind it.
    private mutating func resume() {
        guard let ready = stall else { return }
        stall = nil
        for message in ready.messages { logMessage(message.sequence, time: message.time, message.bytes.span) }
    }

    /// Repeats what has failed.
    mutating func tickStall() {
        guard let stall, case .image(let snapshot) = stall.need, let retryAt = stall.retryAt, now >= retryAt else {
            return
        }
        self.stall?.retryAt = nil
        self.stall?.attempts += 1
        effects.append(.readPlace(snapshot.position))
    }

    // MARK: Weights

    /// Weights were read.
    ///
    /// - Parameters:
    ///   - weights: The weights.
    ///   - result: The model, or the reason why this node cannot serve it.
    package mutating func weightsRead(_ weights: Weights, _ result: Result<ServedModel, PartitionError>) {
        guard !hasEnded else { return }
        switch result {
        case .success(let served):
            offer.add(served, as: weights)
            table?.offer.add(served, as: weights)
        case .failure(let error): return end(.failed(error))
        }
        if let manifest = waitingManifest {
            waitingManifest = nil
            beginRestoration(manifest)
        } else if stall?.need == .weights(weights) {
            resume()
        }
    }

    // MARK: Images

    /// The place of an image was read.
    ///
    /// - Parameters:
    ///   - position: The position of the snapshot.
    ///   - bytes: The ``StoredFile``; nil if there is none.
    package mutating func snapshotPlace(_ position: UInt64, _ bytes: [UInt8]?) {
        guard let stall, case .image(let snapshot) = stall.need, snapshot.position == position, stall.place == nil
        else { return }
        guard let bytes, let place = try? JSONBytes.decode(StoredFile.self, from: unsafe bytes.span.bytes) else {
            guard stall.attempts < Self.maximumAttempts else {
                return end(
                    .failed(
                        PartitionError(
                            .damaged,
                            "the image of the snapshot '\(snapshot.name)' of partition \(partition) is missing in NATS"
                        )))
            }
            self.stall?.retryAt = now + Self.retryInterval
            return
        }
        self.stall?.place = place
        if place.chunks.isEmpty { useImage() } else { effects.append(.readChunks(place.chunks, .snapshot(position))) }
    }

    mutating func snapshotChunk(_ sequence: UInt64, _ bytes: [UInt8]) {
        guard let place = stall?.place, let count = stall?.chunks.count, place.chunks[count] == sequence else { return }
        stall?.chunks.append(bytes)
        if count + 1 == place.chunks.count { useImage() }
    }

    /// Applies the message that has waited for the image.
    private mutating func useImage() {
        guard let ready = stall, case .image(let snapshot) = ready.need, let table, let place = ready.place,
            let first = ready.messages.first
        else { return }
        do throws(PartitionError) {
            try table.load(ready.chunks, sha256: place.sha256, of: snapshot)
            try apply(first.sequence, time: first.time, first.bytes.span)
        } catch {
            return end(.failed(error))
        }
        stall?.messages.removeFirst()
        resume()
    }
}

extension [UInt8] {
    /// Copies the elements of a span.
    init(copying span: Span<UInt8>) {
        self = unsafe span.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
