import Store
import Streams
import Wire

/// Hibernates idle streams, and wakes them from the store.
extension HotLoop {
    /// A set of streams that must be awake.
    enum Sleepers: Sendable {
        case selection(ControlCommand.Selection)
        /// All streams of a model, given by its index in the table.
        case model(Int)
    }

    /// The maximum number of streams that one job reads. Between jobs, the hot loop handles timesteps of other streams.
    private static let streamsPerRead = 1024

    /// Checks some streams, and hibernates or forgets the idle ones.
    mutating func sweepIdle() {
        retryUnread()
        let now = SteadyClock.now()
        let (watched, time) = (idleSweep.look(at: now), clock.time(at: now))
        let first = idleSweep.next
        var next: Int?
        if let period = idleSweep.forgetAfter {
            let gone = table.forget(from: first, limit: IdleSweep.slotsPerTurn, idleFor: period, now: watched)
            for id in gone.ids { announce(StreamEvent(.forgotten, .stream(id), time: time)) }
            next = gone.next
        }
        if let period = idleSweep.idleAfter {
            // Do not hibernate streams during a checkpoint: if the checkpoint fails, the next one copies the same
            // streams from memory again.
            guard !checkpoints.isRunning, checkpoints.folderLoss == nil, idleSweep.wakers == 0 else {
                return idleSweep.postpone()
            }
            let asleep = table.putToSleep(from: first, limit: IdleSweep.slotsPerTurn, idleFor: period, now: watched)
            for id in asleep.ids { announce(StreamEvent(.idle, .stream(id), time: time)) }
            next = asleep.next
        }
        idleSweep.goOn(at: next)
    }

    /// Starts to read the hibernating streams that have waiting timesteps.
    mutating func wakeRequested() {
        let ids = table.takeWakeRequests()
        guard !ids.isEmpty else { return }
        read(ids) { loop, error in
            guard let error else { return }
            loop.logger.error("streams could not be read; the daemon tries again each second: \(error)")
            loop.idleSweep.unread += ids
            loop.idleSweep.postpone()
        }
    }

    /// Runs an action once all streams that it needs are awake. If none of them is hibernating, the action runs at
    /// once.
    ///
    /// - Parameters:
    ///   - sleepers: The streams that the action needs.
    ///   - first: The first slot to check. All streams in lower slots are already awake.
    ///   - action: The action. It receives an error if a selected stream is unknown or cannot be read.
    mutating func whenAwake(
        _ sleepers: Sleepers, from first: Int = 0,
        _ action: @escaping @Sendable (inout HotLoop, Result<Void, ControlError>) -> Void
    ) {
        let found: (ids: [String], next: Int)
        do throws(StreamsError) {
            switch sleepers {
            case .selection(let selection):
                found = try table.asleep(selection, from: first, limit: Self.streamsPerRead)
            case .model(let model):
                found = table.asleep(ofModel: model, from: first, limit: Self.streamsPerRead)
            }
        } catch {
            return action(&self, .failure(ControlError(error)))
        }
        let (ids, next) = found
        guard !ids.isEmpty else { return action(&self, .success(())) }
        idleSweep.wakers += 1
        read(ids) { loop, error in
            loop.idleSweep.wakers -= 1
            if let error { return action(&loop, .failure(ControlError(error))) }
            loop.whenAwake(sleepers, from: next, action)
        }
    }

    /// Reads streams, puts them back into memory, and queues the timesteps that waited for them.
    private mutating func read(_ ids: [String], then: @escaping @Sendable (inout HotLoop, StoreError?) -> Void) {
        let keys = table.keys(of: ids)
        startStoreJob { store throws(StoreError) in
            try store.streams(keys).images
        } then: { loop, result in
            switch result {
            case .success(let images):
                loop.wake(ids, images)
                then(&loop, nil)
                loop.resumeCheckpoint(nil)
            case .failure(let error):
                then(&loop, error)
                loop.resumeCheckpoint(error)
            }
        }
    }

    private mutating func wake(_ ids: [String], _ images: [StreamImage]) {
        for id in table.wake(ids, images) {
            logger.error(
                "the state of stream \(VisibleText.quoted(id)) is missing in the store; the state begins at zero")
            announce(StreamEvent(.reset, .stream(id), time: WallClock.now()))
        }
    }

    private mutating func retryUnread() {
        guard !idleSweep.unread.isEmpty else { return }
        table.requestWaking(idleSweep.unread)
        idleSweep.unread = []
        wakeRequested()
    }
}
