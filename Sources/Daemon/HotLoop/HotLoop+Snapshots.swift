import Store
import Streams
import Wire

/// A snapshot in progress. The store receives copies while more are being made. The hot loop owns it.
struct RunningSnapshot {
    /// The maximum number of slices that wait for the store. With two, the next slice is ready while the store writes
    /// one. A higher limit would delay reads of streams, because each read waits for all of these slices.
    private static let unansweredSlices = 2

    let snapshot: StagedSnapshot
    /// Whether the store has been told about the snapshot.
    var isBegun = false
    /// The number of slices that still wait for the store's answer.
    var unanswered = 0

    /// Whether more copies may be made.
    var hasRoom: Bool { unanswered < Self.unansweredSlices }
}

/// Writes and deletes snapshots in slices, so that memory never holds a second copy of all streams, of which there may
/// be a million.
extension HotLoop {
    /// The maximum number of leftover rows that one job deletes, so that the store can run other jobs in between.
    private static let leftoversPerJob = 4096

    /// Copies streams in their current state. The copies go to the store slice by slice, and the snapshot becomes
    /// visible after the last slice.
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

    /// Hands the copies made so far to the store. The store copies hibernating streams from its own rows. These rows do
    /// not change before the next checkpoint, which the store writes only after the copies.
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
            // Ignore the error of a failed slice here: the store reports it again at the end of the snapshot.
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

    /// Deletes rows in the store whose snapshot was deleted or never finished. If the daemon stops before all rows are
    /// deleted, the next start deletes the rest.
    mutating func removeLeftovers() {
        startStoreJob { store throws(StoreError) in
            try store.removeLeftovers(limit: Self.leftoversPerJob)
        } then: { loop, result in
            switch result {
            case .success(let hasMore): if hasMore, !loop.isStopping { loop.removeLeftovers() }
            // The rows are invisible, so a failure does no harm.
            case .failure(let error): loop.logger.debug("rows of a deleted snapshot could not be removed: \(error)")
            }
        }
    }
}
