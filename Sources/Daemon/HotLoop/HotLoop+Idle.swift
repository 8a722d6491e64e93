import Store
import Streams
import Wire

/// Streams that leave memory since they are idle, and come back from the store.
extension HotLoop {
    /// Which streams must be awake.
    enum Sleepers: Sendable {
        case selection(ControlCommand.Selection)
        /// All of one of the table's models.
        case model(Int)
    }

    /// Streams read from the store in one go: others' timesteps come between.
    private static let streamsPerRead = 1024

    /// Looks through some streams for those that are idle.
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
            // A checkpoint that fails would lack what is not in memory any more.
            guard !checkpoints.isRunning, checkpoints.folderLoss == nil, idleSweep.wakers == 0 else {
                return idleSweep.postpone()
            }
            let asleep = table.putToSleep(from: first, limit: IdleSweep.slotsPerTurn, idleFor: period, now: watched)
            for id in asleep.ids { announce(StreamEvent(.idle, .stream(id), time: time)) }
            next = asleep.next
        }
        idleSweep.goOn(at: next)
    }

    /// Has those streams read for which timesteps wait.
    mutating func wakeRequested() {
        let ids = table.takeWakeRequests()
        guard !ids.isEmpty else { return }
        read(ids) { loop, error in
            guard let error else { return }
            loop.logger.error("streams could not be read, to be tried again: \(error)")
            loop.idleSweep.unread += ids
            loop.idleSweep.postpone()
        }
    }

    /// Does something once no stream that it needs is asleep any more: at once, where none is.
    ///
    /// - Parameters:
    ///   - sleepers: Which streams.
    ///   - first: The first slot to look at: those before were read already.
    ///   - action: What to do; told where one named is not known, or cannot be read.
    mutating func whenAwake(
        _ sleepers: Sleepers, from first: Int = 0,
        _ action: @escaping @Sendable (inout HotLoop, Result<Void, ControlError>) -> Void
    ) {
        let found: (ids: [String], next: Int)
        do throws(ControlError) {
            switch sleepers {
            case .selection(let selection):
                found = try table.asleep(selection, from: first, limit: Self.streamsPerRead)
            case .model(let model):
                found = table.asleep(ofModel: model, from: first, limit: Self.streamsPerRead)
            }
        } catch {
            return action(&self, .failure(error))
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

    /// Reads streams, puts them back into memory and takes what waited for them.
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
                "the state of stream \(VisibleText.quoted(id)) is not in the store any more; it begins at zero")
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
