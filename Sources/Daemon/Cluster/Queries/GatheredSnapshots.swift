#if Cluster
import Cluster
import Wire

/// The answer to `snapshots`: those snapshots that all partitions have stored. Partition 0 decides which there are.
struct GatheredSnapshots: GatheredAnswer {
    private var partitions: Range<Int>
    private var lists: [[PartitionSnapshot]]

    init(partitions: Int) {
        self.partitions = 0..<partitions
        lists = Array(repeating: [], count: partitions)
    }

    mutating func takeQuestions() -> [PartitionQuestion] {
        defer { partitions = 0..<0 }
        return partitions.map { PartitionQuestion(partition: $0, command: .snapshots) }
    }

    mutating func take(_ reply: [UInt8], of partition: Int) throws(ControlError) {
        lists[partition] = try result(PartitionSnapshotList.self, in: reply).snapshots
    }

    /// The random word of the snapshot with a name.
    ///
    /// - Throws: ``ControlError`` if there is none.
    func id(of name: String) throws(ControlError) -> String {
        guard let found = lists[0].first(where: { $0.name == name }) else {
            throw ControlError(.noSuchSnapshot, "no snapshot '\(name)'; run 'sluice snapshots' to list snapshots")
        }
        return found.id
    }

    /// The parts of a snapshot; nil if a partition has not stored it.
    func parts(of id: String) -> [PartitionSnapshot]? {
        let parts = lists.compactMap { list in list.first { $0.id == id } }
        return parts.count == lists.count ? parts : nil
    }

    func end(id: JSONValue) -> GatheredEnd {
        let snapshots = lists[0].compactMap { first in parts(of: first.id).map { SnapshotStatus($0) } }
        return .reply(WrittenReply(.success(SnapshotList(snapshots: snapshots)), id: id))
    }
}

extension SnapshotStatus {
    /// Adds up the parts of a snapshot, partition 0 first.
    init(_ parts: [PartitionSnapshot]) {
        self.init(
            name: parts[0].name, streams: parts.reduce(0) { $0 + $1.streams }, bytes: parts.reduce(0) { $0 + $1.bytes },
            time: parts[0].time, models: Set(parts.flatMap(\.models)).sorted())
    }
}

/// A change that concerns an existing snapshot. The name is looked up first.
struct FoundSnapshot: GatheredAnswer {
    private let name: String
    private let needsAllParts: Bool
    private var snapshots: GatheredSnapshots
    private let change: @Sendable (String) -> PartitionChange

    /// Creates the look-up.
    ///
    /// - Parameters:
    ///   - name: The snapshot's name.
    ///   - snapshots: The question for all snapshots.
    ///   - needsAllParts: Whether all partitions must have stored the snapshot.
    ///   - change: Makes the change of the snapshot with an id.
    init(
        _ name: String, in snapshots: GatheredSnapshots, needsAllParts: Bool,
        change: @escaping @Sendable (String) -> PartitionChange
    ) {
        self.name = name
        self.snapshots = snapshots
        self.needsAllParts = needsAllParts
        self.change = change
    }

    mutating func takeQuestions() -> [PartitionQuestion] { snapshots.takeQuestions() }

    mutating func take(_ reply: [UInt8], of partition: Int) throws(ControlError) {
        try snapshots.take(reply, of: partition)
    }

    func end(id: JSONValue) throws(ControlError) -> GatheredEnd {
        let snapshot = try snapshots.id(of: name)
        guard !needsAllParts || snapshots.parts(of: snapshot) != nil else {
            throw ControlError(
                .refusedInMode,
                "the snapshot '\(name)' is not complete yet; wait until 'sluice snapshots' lists it, or delete it")
        }
        return .change(change(snapshot))
    }
}

/// A snapshot of one stream, which must exist.
struct SnapshotOfStream: GatheredAnswer {
    private var stream: SingleAnswer<StreamStatus>
    private let change: PartitionChange

    init(_ question: PartitionQuestion, _ change: PartitionChange) {
        stream = SingleAnswer(question)
        self.change = change
    }

    mutating func takeQuestions() -> [PartitionQuestion] { stream.takeQuestions() }

    mutating func take(_ reply: [UInt8], of partition: Int) throws(ControlError) {
        try stream.take(reply, of: partition)
    }

    func end(id: JSONValue) -> GatheredEnd { .change(change) }
}

/// The changes of snapshots.
extension PartitionChange {
    /// The time for which the owners may store or read images.
    private static let patienceForImages: Int64 = 55_000_000_000

    /// Takes a snapshot. Partition 0 decides whether the name is free.
    static func taking(_ name: String, _ selection: ControlCommand.Selection, partitions: Int) -> PartitionChange {
        var record = ControlRecord()
        let id = String(UInt64.random(in: .min ... .max), radix: 16)
        record.snapshot = SnapshotRecord(name: name, id: id, streams: selection)
        return PartitionChange(
            record: record, partitions: Array(0..<partitions), beginsAtFirst: true, patience: patienceForImages
        ) { answers, id in
            let parts = answers.sorted { $0.partition < $1.partition }.compactMap(\.snapshot)
            return WrittenReply(.success(SnapshotStatus(parts)), id: id)
        }
    }

    /// Restores streams of a snapshot.
    static func restoring(
        _ name: String, id: String, _ selection: ControlCommand.Selection, in partitions: [Int]
    ) -> PartitionChange {
        var record = ControlRecord()
        record.restore = SnapshotRecord(name: name, id: id, streams: selection)
        return PartitionChange(record: record, partitions: partitions, patience: patienceForImages) {
            WrittenReply(.success(RestoreResult(restored: $0.reduce(0) { $0 + $1.count })), id: $1)
        }
    }

    /// Deletes a snapshot.
    static func deleting(_ name: String, id: String, partitions: Int) -> PartitionChange {
        var record = ControlRecord()
        record.deleteSnapshot = SnapshotRecord(name: name, id: id, streams: .all)
        return PartitionChange(record: record, partitions: Array(0..<partitions), beginsAtFirst: true) {
            WrittenReply(.success(DeleteSnapshotResult(deleted: true)), id: $1)
        }
    }
}
#endif
