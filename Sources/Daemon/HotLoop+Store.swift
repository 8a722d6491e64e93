import Store
import Streams
import Wire

/// What the hot loop has the store do, and what it does with the answers.
extension HotLoop {
    /// Starts a checkpoint of all that changed, unless one is being written; then the next waits for its end.
    mutating func startCheckpoint() {
        guard isDurable, !checkpoints.isRunning else { return }
        checkpoints.begin()
        let images = table.takeChanged()
        let removed = checkpoints.removed
        let requests = checkpoints.requests
        checkpoints.removed = []
        checkpoints.requests = []
        guard !images.isEmpty || !removed.isEmpty || !requests.isEmpty else {
            checkpoints.isRunning = false
            return
        }
        let start = ContinuousClock.now
        startStoreJob { store throws(StoreError) in
            try store.checkpoint(images, removing: removed)
            return start.duration(to: .now) / .milliseconds(1)
        } then: { loop, result in
            loop.endCheckpoint(images, removed: removed, requests: requests, result)
        }
    }

    private mutating func endCheckpoint(
        _ images: [StreamImage], removed: [String], requests: [CheckpointSchedule.Request],
        _ result: Result<Double, StoreError>
    ) {
        let outcome: Result<CheckpointResult, ControlError>
        switch result {
        case .success(let milliseconds):
            checkpoints.end(
                DaemonStatus.Checkpoint(
                    time: WallClock.now(), streams: images.count, durationMilliseconds: milliseconds))
            logger.debug("checkpoint: \(images.count) streams in \(milliseconds) ms")
            outcome = .success(CheckpointResult(streams: images.count, durationMilliseconds: milliseconds))
        case .failure(let error):
            checkpoints.end(nil)
            // Nothing is lost yet: the next checkpoint takes all of it again.
            table.markChanged(images)
            checkpoints.removed.append(contentsOf: removed)
            logger.error("checkpoint failed, to be tried again: \(error)")
            outcome = .failure(ControlError(error))
        }
        for request in requests { request(&self, outcome) }
        if !checkpoints.requests.isEmpty { startCheckpoint() }
    }

    /// Has the store do something for a request, and answers the request when that is done.
    ///
    /// - Parameters:
    ///   - address: Where the answer goes.
    ///   - work: What to do with the store.
    ///   - then: What to do on the hot loop with what came of it; its value is the answer.
    mutating func startStoreJob<Value: Sendable, Answer: Codable & Sendable>(
        for address: ControlServer.ReturnAddress,
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Value) throws(ControlError) -> Answer
    ) {
        startStoreJob(work) { loop, result in
            do throws(ControlError) {
                switch result {
                case .success(let value): loop.reply(.success(try then(&loop, value)), to: address)
                case .failure(let error): throw ControlError(error)
                }
            } catch {
                loop.reply(Result<Answer, ControlError>.failure(error), to: address)
            }
        }
    }

    /// Has the store do something, and goes on with what came of it on the hot loop.
    mutating func startStoreJob<Value: Sendable>(
        _ work: @escaping @Sendable (StateStore) throws(StoreError) -> Value,
        then: @escaping @Sendable (inout HotLoop, Result<Value, StoreError>) -> Void
    ) {
        outsideJobs += 1
        worker.start(work) { loop, result in
            loop.outsideJobs -= 1
            then(&loop, result)
        }
    }
}

extension ControlError {
    /// What a controller is told where the store did not do its part.
    init(_ error: StoreError) {
        switch error.code {
        case .noSuchSnapshot: self.init(.noSuchSnapshot, error.description)
        case .snapshotExists: self.init(.invalidParams, error.description)
        case .cannotOpen, .inUse, .laterVersion, .failed: self.init(.storeFailed, error.description)
        }
    }
}
