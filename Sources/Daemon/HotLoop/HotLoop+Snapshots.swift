import Store
import Streams
import Wire

/// A snapshot whose copies are handed to the store while they are made. Owned by the hot loop.
struct RunningSnapshot {
    /// Slices that may wait for the store: one is written while another is ready. A stream that is to be read waits for both.
    private static let unansweredSlices = 2

    let snapshot: StagedSnapshot
    /// The store has been told of it.
    var isBegun = false
    /// Slices that the store has not answered yet.
    var unanswered = 0

    /// More copies may be made.
    var hasRoom: Bool { unanswered < Self.unansweredSlices }
}

/// How snapshots are written and forgotten: all of a million streams are never in memory twice.
extension HotLoop {
    /// Streams of a snapshot that is gone, deleted in one go: what else the store does comes between.
    private static let leftoversPerJob = 4096

    /// Copies streams as they stand now. What is copied goes to the store slice by slice; before the last, nobody sees any of it.
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

    /// Hands to the store what is copied so far. What it has itself of streams that are asleep changes with the next checkpoint,
    /// which comes behind it.
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
            // Why one fails, the store says at the end again.
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
            return ["deleted": true]
        }
    }

    /// Has the store delete streams whose snapshot is gone, or never was finished. A stop leaves the rest to the next start.
    mutating func removeLeftovers() {
        startStoreJob { store throws(StoreError) in
            try store.removeLeftovers(limit: Self.leftoversPerJob)
        } then: { loop, result in
            switch result {
            case .success(let hasMore): if hasMore, !loop.isStopping { loop.removeLeftovers() }
            // They are in nobody's way.
            case .failure(let error): loop.logger.debug("streams of a snapshot that is gone are not deleted: \(error)")
            }
        }
    }
}
