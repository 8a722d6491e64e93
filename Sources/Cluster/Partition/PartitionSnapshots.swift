import Streams
package import Wire

/// The snapshots of a partition. Which there are is a function of the partition's log; whether their images are stored
/// is not.
package struct PartitionSnapshots: Equatable, Sendable {
    /// An image that is not stored yet.
    struct Taken: Equatable, Sendable {
        let snapshot: PartitionSnapshot
        let chunks: [[UInt8]]
        /// The subject for the answer to the snapshot's record; nil if nobody waits.
        let reply: String?
    }

    /// The maximum number of snapshots. A manifest names all of them.
    static let maximum = 100

    /// The snapshots, oldest first.
    private(set) var all: [PartitionSnapshot] = []
    /// The positions of deleted snapshots. A log that is replayed from the last manifest may still need their images.
    private(set) var deleted: [UInt64] = []
    /// The images that are still to be stored, oldest first. No manifest is written before they are.
    private(set) var unstored: [Taken] = []
    /// The streams in the image that the next record restores.
    private var loaded: (position: UInt64, images: [StreamImage])?

    init() {}

    /// The snapshots in a checkpoint.
    init(_ manifest: CheckpointManifest) {
        all = manifest.snapshots
        deleted = manifest.deletedSnapshots
    }

    /// The snapshots whose images are stored, oldest first.
    var complete: [PartitionSnapshot] {
        all.filter { snapshot in !unstored.contains { $0.snapshot.position == snapshot.position } }
    }

    /// The snapshot that a record means; nil if there is none.
    func snapshot(of record: SnapshotRecord) -> PartitionSnapshot? {
        all.first { $0.name == record.name && $0.id == record.id }
    }

    /// Whether a snapshot has this name.
    func contains(name: String) -> Bool { all.contains { $0.name == name } }

    /// Adds a snapshot. It takes the place of one with the same name.
    mutating func add(_ taken: Taken) {
        for old in all where old.name == taken.snapshot.name { delete(old) }
        all.append(taken.snapshot)
        unstored.append(taken)
    }

    mutating func delete(_ snapshot: PartitionSnapshot) {
        all.removeAll { $0.position == snapshot.position }
        deleted.append(snapshot.position)
    }

    /// Notes that an image is stored.
    mutating func store(_ position: UInt64) { unstored.removeAll { $0.snapshot.position == position } }

    /// Forgets deleted snapshots whose images are no longer needed.
    mutating func forget(_ positions: [UInt64]) { deleted.removeAll { positions.contains($0) } }

    mutating func load(_ images: [StreamImage], of position: UInt64) { loaded = (position, images) }

    mutating func takeLoaded(_ position: UInt64) -> [StreamImage]? {
        defer { loaded = nil }
        return loaded?.position == position ? loaded?.images : nil
    }

    package static func == (one: PartitionSnapshots, other: PartitionSnapshots) -> Bool {
        one.all == other.all && one.deleted == other.deleted && one.unstored == other.unstored
    }
}

/// Takes, restores and deletes snapshots.
extension PartitionTable {
    /// Takes a snapshot. Its record is answered when the image is stored.
    ///
    /// Partition 0 decides whether the name is free, as the record reaches it first. In other partitions, a snapshot
    /// with the same name is one that partition 0 has deleted.
    func take(_ record: SnapshotRecord, time: Int64, reply: String?) throws(ControlError) {
        if partition == 0 {
            guard !snapshots.contains(name: record.name) else {
                throw ControlError(
                    .invalidParams,
                    "a snapshot '\(record.name)' is there already; delete it first, or choose another name")
            }
            guard snapshots.all.count < PartitionSnapshots.maximum else {
                throw ControlError(
                    .refusedInMode,
                    "a cluster keeps at most \(PartitionSnapshots.maximum) snapshots; delete some with 'sluice "
                        + "delete-snapshot'")
            }
        }
        // A stream that this partition does not have is in another partition.
        let slice = (try? streams.copy(record.streams.selection ?? .all)) ?? StreamSlice([])
        let weights = streams.models.map(\.imageFingerprint)
        let models = Set(slice.entries.map { weights[$0.weights] }).sorted()
        let snapshot = PartitionSnapshot(
            name: record.name, id: record.id, position: position, time: time, streams: slice.entries.count,
            bytes: slice.byteCount, weights: weights, models: models)
        snapshots.add(.init(snapshot: snapshot, chunks: Self.chunks(of: slice), reply: reply))
    }

    /// Data that a message of the log needs.
    package enum Need: Equatable, Sendable {
        /// The image of a snapshot. ``load(_:sha256:of:)`` takes it.
        case image(PartitionSnapshot)
        /// Weights. ``ServeOffer/add(_:as:)`` takes them.
        case weights(Weights)
    }

    /// The data that must be there before a message is applied.
    ///
    /// - Parameter message: The next message of the log.
    /// - Returns: The data; nil if the message needs none.
    package func need(of message: Span<UInt8>) -> Need? { Self.record(in: message).flatMap { need(of: $0) } }

    private static func record(in message: Span<UInt8>) -> ControlRecord? {
        guard LogMessage.isControl(message), case .control(let json)? = try? unsafe LogMessage(message.bytes) else {
            return nil
        }
        return try? JSONBytes.decode(ControlRecord.self, from: unsafe message.bytes.extracting(json))
    }

    private func need(of record: ControlRecord) -> Need? {
        guard record.isSingle else { return nil }
        if let served = record.serve { return offer.missing(for: served).map { .weights($0) } }
        guard serve != nil else { return nil }
        if let reload = record.reload {
            guard let model = streams.models.firstIndex(where: { $0.name == reload.model }) else { return nil }
            let weights = Weights(model: model, reload.fingerprint)
            return offer.served(weights) == nil ? .weights(weights) : nil
        }
        return record.restore.flatMap { snapshots.snapshot(of: $0) }.map { .image($0) }
    }

    /// Whether a warm standby can apply a message: the message needs no data, and takes no snapshot, which only an owner
    /// stores.
    func isPlain(_ message: Span<UInt8>) -> Bool {
        guard let record = Self.record(in: message) else { return true }
        return record.snapshot == nil && need(of: record) == nil
    }

    /// Takes the image of a snapshot, for the next message.
    ///
    /// - Parameters:
    ///   - chunks: The chunks.
    ///   - sha256: The SHA-256 that all chunks together must have.
    ///   - snapshot: The snapshot.
    /// - Throws: ``PartitionError`` if the image is damaged.
    package func load(
        _ chunks: [[UInt8]], sha256: String, of snapshot: PartitionSnapshot
    ) throws(PartitionError) {
        let images = chunks.map { Self.images(in: $0, weights: snapshot.weights) }
        let known = images.compactMap(\.self).flatMap(\.self)
        guard PartitionImage.sha256(of: chunks) == sha256, known.count == snapshot.streams, !images.contains(nil) else {
            throw PartitionError(
                .damaged, "the image of the snapshot '\(snapshot.name)' of partition \(partition) is damaged")
        }
        snapshots.load(known, of: snapshot.position)
    }

    /// Takes the image of a snapshot that is not stored yet, for the next message.
    ///
    /// - Returns: False if the image is stored, or if there is none.
    package func loadUnstored(_ snapshot: PartitionSnapshot) -> Bool {
        guard let taken = snapshots.unstored.first(where: { $0.snapshot.position == snapshot.position }) else {
            return false
        }
        let images = taken.chunks.compactMap { Self.images(in: $0, weights: snapshot.weights) }
        snapshots.load(images.flatMap(\.self), of: snapshot.position)
        return true
    }

    /// - Returns: The number of restored streams.
    func restore(_ record: SnapshotRecord, time: Int64, into items: inout [UInt8]) throws(ControlError) -> Int {
        guard let snapshot = snapshots.snapshot(of: record), let selection = record.streams.selection else {
            throw noSnapshot(record.name)
        }
        guard var images = snapshots.takeLoaded(snapshot.position) else {
            preconditionFailure("the image of a snapshot is loaded before the record that restores it")
        }
        images.removeAll { !selection.contains($0.id) }
        if case .stream(let id) = selection, images.isEmpty {
            throw ControlError(
                .noSuchStream,
                "the snapshot '\(record.name)' has no stream '\(id.shortened)'; run 'sluice snapshots' to choose another "
                    + "one")
        }
        guard !images.isEmpty else { return 0 }
        try answering { () throws(StreamsError) in try streams.restore(images) }
        var event = StreamEvent(.restored, selection, count: images.count, time: time)
        event.snapshot = record.name
        append(event, to: &items)
        return images.count
    }

    func delete(_ record: SnapshotRecord) throws(ControlError) {
        if let snapshot = snapshots.snapshot(of: record) {
            snapshots.delete(snapshot)
        } else if partition == 0 {
            throw noSnapshot(record.name)
        }
    }

    private func noSnapshot(_ name: String) -> ControlError {
        ControlError(.noSuchSnapshot, "no snapshot '\(name)'; run 'sluice snapshots' to list snapshots")
    }
}

extension ControlCommand.Selection {
    /// Whether a stream is selected. Ids are compared as bytes.
    fileprivate func contains(_ id: String) -> Bool {
        switch self {
        case .stream(let selected): id.utf8.elementsEqual(selected.utf8)
        case .prefix(let prefix): id.utf8.starts(with: prefix.utf8)
        case .all: true
        }
    }
}
