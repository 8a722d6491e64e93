import Store
import Streams
import Wire
import ZeroMQ

/// An operation on many streams that is under way, and what waits for its end. Owned by the hot loop.
struct RunningOperation {
    /// Called at its end, or where it is refused; nil: none is under way.
    var end: (@Sendable (inout HotLoop, Result<Void, ControlError>) -> Void)?
    /// The snapshot that it writes, where it is one.
    var snapshot: RunningSnapshot?
    /// The snapshot that it restores, where it does.
    var restoration: RunningRestoration?
    /// How many restorations there were, by which the answers to each are known.
    var restorationCount = 0
    /// Why the daemon stops in the midst of a restoration.
    var unfinished: StoreError?
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

    /// Whether there is something to do without anything that comes.
    var hasWork: Bool {
        canSweep || canRestore || (table.hasBacklog && !group.isFull(table.records)) || canAct
    }

    /// Where copies are made, no more of them than the store keeps up with.
    private var canSweep: Bool { table.canSweep && operation.snapshot?.hasRoom ?? true }
    private var canAct: Bool { !operation.waiting.isEmpty && operation.end == nil }

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
        while goOnWithOperation(), SteadyClock.now() - start < time {}
    }

    /// Does some of what is to be done with many streams.
    ///
    /// - Returns: Whether there was something.
    private mutating func goOnWithOperation() -> Bool {
        if canRestore {
            goOnRestoring()
        } else if canSweep {
            let isOver = table.sweep(limit: Self.slotsPerLook)
            if operation.snapshot != nil, !isOver, table.hasFullCopies { handOverCopies() }
            if isOver { endOperation() }
        } else if canAct {
            act()
        } else {
            return false
        }
        return true
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
        if operation.restoration?.isEffective == false {
            return refuse(ControlError(.internal, "the daemon is stopping; ask again when it is back"))
        }
        while table.isSweeping, operation.end != nil {
            if goOnWithOperation() { continue }
            if let failure = operation.restoration?.failure {
                operation.unfinished = failure
                return endOperation(.failure(ControlError(failure)))
            }
            // The store has to answer first.
            worker.finish()
            readMail()
        }
        endOperation()
    }

    mutating func endOperation(_ outcome: Result<Void, ControlError> = .success(())) {
        let end = operation.end
        operation.end = nil
        end?(&self, outcome)
        startWantedCheckpoint()
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
