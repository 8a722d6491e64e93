import Streams
import Wire
import ZeroMQ

/// An operation on many streams that is under way, and what waits for its end. Owned by the hot loop.
struct RunningOperation {
    /// What to do at its end, or where it is refused; nil: none is under way.
    var end: (@Sendable (inout HotLoop, Result<Void, ControlError>) -> Void)?
    /// What to do where a restoration takes effect; nil: none is being prepared.
    var effect: Mailbox.Letter?
    /// Requests on streams that came since, and letters that would change streams, in order.
    var waiting: [Mailbox.Letter] = []
    /// One that has waited is being carried out: its turn has come.
    var isActing = false

    /// Whether others on streams wait.
    var isBusy: Bool { end != nil || !waiting.isEmpty }
}

/// Long work on many streams: it is done for about a millisecond in each turn, and timesteps come between.
extension HotLoop {
    /// Slots that are looked at between two looks at the clock.
    private static let slotsPerLook = 256
    /// Nanoseconds of each turn for an operation: at least this, and a quarter of what the turn has taken otherwise.
    private static let sweepTime: Int64 = 1_000_000
    /// Bytes of records with which no more are made of what is to be restored, before the next group is committed.
    private static let preparedBytes = 1 << 20
    /// Nanoseconds of each turn for timesteps that waited.
    private static let backlogTime: Int64 = 5_000_000

    /// Does something with streams: at once, or where an operation is under way after it, and after all that waits for it.
    mutating func whenTableIsFree(_ action: @escaping Mailbox.Letter) {
        let isFree = operation.end == nil && (operation.waiting.isEmpty || operation.isActing)
        if isFree { action(&self) } else { operation.waiting.append(action) }
    }

    /// Has an operation on streams take effect.
    ///
    /// - Parameters:
    ///   - kind: What to do.
    ///   - selection: With which streams.
    ///   - event: What is told of it, where it is; in its place among the decisions.
    ///   - then: What to do at its end, with the number of streams.
    /// - Throws: ``ControlError`` where the one stream named is not known.
    mutating func begin(
        _ kind: StreamOperation, on selection: ControlCommand.Selection, event: StreamEvent.Kind? = nil,
        then: @escaping @Sendable (inout HotLoop, Int) -> Void
    ) throws(ControlError) {
        let count = try table.begin(kind, on: selection)
        if let event { announce(StreamEvent(event, selection, count: count, time: WallClock.now())) }
        if table.isSweeping {
            operation.end = { loop, _ in then(&loop, count) }
        } else {
            then(&self, count)
        }
    }

    /// Puts streams as a snapshot has them.
    ///
    /// - Parameters:
    ///   - restoration: The streams.
    ///   - effect: What to do at the point where it takes effect.
    ///   - then: What to do at the end, or where it is refused and nothing is changed.
    mutating func prepare(
        _ restoration: StreamRestoration, effect: @escaping Mailbox.Letter,
        then: @escaping @Sendable (inout HotLoop, Result<Void, ControlError>) -> Void
    ) {
        table.prepare(restoration)
        operation.effect = effect
        operation.end = then
    }

    /// Checks and records some more of what is to be restored.
    ///
    /// - Returns: Whether the next look may come at once.
    private mutating func goOnPreparing() -> Bool {
        // Timesteps have their room in the journal's next group too.
        guard table.records.bytes.count < Self.preparedBytes else { return false }
        do throws(ControlError) {
            guard try table.goOnPreparing(limit: Self.slotsPerLook) else { return true }
            table.beginRestoring()
            let effect = operation.effect
            operation.effect = nil
            effect?(&self)
        } catch {
            refuse(error)
        }
        return true
    }

    private mutating func refuse(_ error: ControlError) {
        operation.effect = nil
        endOperation(.failure(error))
    }

    /// Whether there is something to do without anything that comes.
    var hasWork: Bool {
        table.isSweeping || canPrepare || (table.hasBacklog && !group.isFull(table.records))
            || (!operation.waiting.isEmpty && operation.end == nil)
    }

    private var canPrepare: Bool { operation.effect != nil && table.records.bytes.count < Self.preparedBytes }

    /// Goes on with what is under way.
    ///
    /// - Parameters:
    ///   - turnStart: When the turn began, by the steady clock.
    ///   - memory: What is decided is put here first.
    /// - Throws: `ZeroMQError` where a socket failed.
    mutating func goOnWithWork(since turnStart: Int64, by memory: inout TurnMemory) throws(ZeroMQError) {
        if table.hasBacklog { try takeBacklog(by: &memory) }
        let start = SteadyClock.now()
        let time = max(Self.sweepTime, (start - turnStart) / 4)
        while operation.effect != nil {
            guard goOnPreparing(), SteadyClock.now() - start < time else { return }
        }
        while table.isSweeping {
            if table.sweep(limit: Self.slotsPerLook) { endOperation() }
            guard SteadyClock.now() - start < time else { return }
        }
        while operation.end == nil, !operation.waiting.isEmpty {
            act()
            guard SteadyClock.now() - start < time else { return }
        }
    }

    /// Ends all that is under way, and what waits for it, for an orderly stop.
    mutating func finishWork(by memory: inout TurnMemory) throws(ZeroMQError) {
        finishOperations()
        while table.hasBacklog, !group.isFull(table.records) { try takeBacklog(by: &memory) }
    }

    /// Carries out what has waited longest.
    private mutating func act() {
        operation.isActing = true
        operation.waiting.removeFirst()(&self)
        operation.isActing = false
    }

    /// Ends the operation that is under way, and carries out what waits for its end.
    mutating func finishOperations() {
        repeat {
            finishOperation()
            if !operation.waiting.isEmpty { act() }
        } while operation.isBusy
    }

    private mutating func finishOperation() {
        if operation.effect != nil {
            table.cancelRestoration()
            refuse(ControlError(.internal, "the daemon is stopping; ask again when it is back"))
        }
        table.finishSweep()
        endOperation()
    }

    mutating func endOperation(_ outcome: Result<Void, ControlError> = .success(())) {
        let end = operation.end
        operation.end = nil
        end?(&self, outcome)
        if let ended = table.takeEndedRestoration() {
            startSideJob {
                _ = ended
            } then: { _, _ in
            }
        }
        if checkpoints.isWanted { startCheckpoint() }
    }

    /// Takes and decides on what waits for its turn, for a part of the turn.
    private mutating func takeBacklog(by memory: inout TurnMemory) throws(ZeroMQError) {
        let start = SteadyClock.now()
        var now = start
        while table.hasBacklog, !group.isFull(table.records), now - start < Self.backlogTime {
            batchStart = now
            table.takeBacklog()
            try decideAndPublish(&memory.decided)
            let end = SteadyClock.now()
            table.learnPace(nanoseconds: end - now)
            now = end
        }
    }
}
