import Store
import Streams
import Wire

/// A snapshot in progress. The store receives copies while further copies are made. Owned by the hot loop.
struct RunningSnapshot {
    /// The number of slices that may wait for the store. While the store writes one slice, another is ready. The limit
    /// is no higher, because a stream that must be read waits for all of these slices.
    private static let unansweredSlices = 2

    let snapshot: StagedSnapshot
    /// Whether the store knows of the snapshot.
    var isBegun = false
    /// The number of slices that the store has not answered yet.
    var unanswered = 0

    /// Whether further copies may be made.
    var hasRoom: Bool { unanswered < Self.unansweredSlices }
}

/// Writes and deletes snapshots in slices. Two copies of a million streams are never in memory at once.
extension HotLoop {
    /// The number of rows of a deleted snapshot that one job deletes, so that the store can run other jobs in between.
    private static let leftoversPerJob = 4096

    /// Copies streams as they are now. The copies go to the store slice by slice, and the snapshot becomes visible with
    /// the last slice.
    mutating func snapshot(
        _ name: String, _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        let snapshot = StagedSnapshot(name, time: WallClock.now())
        operation.snapshot = RunningSnapshot(snapshot: snapshot)
        do throws(ControlError) {
            try begin(.copy, on: selection) { loop, _ in loop.finish(snapshot, for: address) }
        } catch {
            operation.snapshot = nil
            throw error
        }
    }

    /// Hands the copies made so far to the store. The store copies hibernating streams from its own rows. These rows
    /// change only with the next checkpoint, which the store writes later.
    mutating func handOverCopies() {
        guard let snapshot = operation.snapshot?.snapshot, let isBegun = operation.snapshot?.isBegun else { return }
        let (slice, asleep) = table.takeCopies()
        operation.snapshot?.isBegun = true
        operation.snapshot?.unanswered += 1
        startWriteJob { store throws(StoreError) in
            if !isBegun { try store.begin(snapshot) }
            try store.stage(slice, of: snapshot)
            try store.stage(asleep, of: snapshot)
        } then: { loop, _ in
            // If a slice fails, the store reports the error once more at the end of the snapshot.
            if loop.operation.snapshot?.snapshot == snapshot { loop.operation.snapshot?.unanswered -= 1 }
        }
    }

    private mutating func finish(_ snapshot: StagedSnapshot, for address: ControlServer.ReturnAddress) {
        handOverCopies()
        operation.snapshot = nil
        startWriteJob { store throws(StoreError) in
            try store.finish(snapshot)
        } then: { loop, result in
            loop.reply(result.mapError { ControlError($0) }, to: address)
            if case .failure = result { loop.discard(snapshot) }
        }
    }

    private mutating func discard(_ snapshot: StagedSnapshot) {
        startStoreJob { store throws(StoreError) in
            store.discard(snapshot)
        } then: { loop, _ in
            loop.removeLeftovers()
        }
    }

    mutating func deleteSnapshot(_ name: String, for address: ControlServer.ReturnAddress) {
        startWriteJob(for: address) { store throws(StoreError) in
            try store.deleteSnapshot(name)
        } then: { loop, _ in
            loop.removeLeftovers()
            return DeleteSnapshotResult(deleted: true)
        }
    }

    /// Deletes the store's rows whose snapshot was deleted or never finished. After a stop, the next start continues.
    mutating func removeLeftovers() {
        startStoreJob { store throws(StoreError) in
            try store.removeLeftovers(limit: Self.leftoversPerJob)
        } then: { loop, result in
            switch result {
            case .success(let hasMore): if hasMore, !loop.isStopping { loop.removeLeftovers() }
            // The rows are invisible, so a failure is harmless.
            case .failure(let error): loop.logger.debug("rows of a deleted snapshot could not be removed: \(error)")
            }
        }
    }
}
