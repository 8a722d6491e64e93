import Store
import Streams
import Wire
import ZeroMQ

/// The current operation on many streams, and the requests that wait until it ends. The hot loop owns both.
struct RunningOperation {
    /// Called when the operation ends or is refused; nil if no operation is in progress.
    var end: (@Sendable (inout HotLoop, Result<Void, ControlError>) -> Void)?
    /// The snapshot that the operation writes, if it writes one.
    var snapshot: RunningSnapshot?
    /// The snapshot that the operation restores, if it restores one.
    var restoration: RunningRestoration?
    /// The number of restorations so far. It shows which restoration an answer from the store belongs to.
    var restorationCount = 0
    /// The error that left a restoration unfinished when the daemon stopped.
    var unfinished: StoreError?
    /// The requests about streams that arrived during the operation, and other actions that change streams, in order.
    var waiting: [Mailbox.Action] = []
    /// Whether an action from ``waiting`` is being carried out.
    var isActing = false

    /// Whether further requests about streams must wait.
    var isBusy: Bool { end != nil || !waiting.isEmpty }
}

/// Runs long operations on many streams in pieces of about a millisecond per turn, so that timesteps are handled in
/// between.
extension HotLoop {
    /// The number of slots to sweep between two checks of the clock.
    private static let slotsPerLook = 256
    /// The minimum time per turn for an operation, in nanoseconds. In a longer turn, the operation gets a quarter of
    /// the time that the turn has taken so far.
    private static let sweepTime: Int64 = 1_000_000
    /// The time per turn for the backlog, in nanoseconds.
    private static let backlogTime: Int64 = 5_000_000

    /// Runs an action on streams. If an operation is in progress, the action runs after the operation and after all
    /// actions that are already waiting.
    mutating func whenTableIsFree(_ action: @escaping Mailbox.Action) {
        let isFree = operation.end == nil && (operation.waiting.isEmpty || operation.isActing)
        if isFree { action(&self) } else { operation.waiting.append(action) }
    }

    /// Starts an operation on streams.
    ///
    /// - Parameters:
    ///   - kind: The operation.
    ///   - selection: The streams.
    ///   - event: The kind of event to publish at its position among the decisions, if any.
    ///   - then: A closure that runs when the operation ends. It receives the number of streams.
    /// - Throws: ``ControlError`` if the selection names an unknown stream.
    mutating func begin(
        _ kind: StreamOperation, on selection: ControlCommand.Selection, event: StreamEvent.Kind? = nil,
        then: @escaping @Sendable (inout HotLoop, Int) -> Void
    ) throws(ControlError) {
        let count = try answering { () throws(StreamsError) in try table.begin(kind, on: selection) }
        if let event { announce(StreamEvent(event, selection, count: count, time: WallClock.now())) }
        if table.isSweeping {
            operation.end = { loop, _ in then(&loop, count) }
        } else {
            then(&self, count)
        }
    }

    /// Whether there is any work that can be done without waiting.
    var hasWork: Bool {
        canSweep || canRestore || (table.hasBacklog && !group.isFull(table.journal.records)) || canAct
    }

    /// Whether the sweep may continue. It must not make copies for a snapshot faster than the store writes them.
    private var canSweep: Bool { table.canSweep && operation.snapshot?.hasRoom ?? true }
    private var canAct: Bool { !operation.waiting.isEmpty && operation.end == nil }

    /// Continues with the backlog and with the current operation.
    ///
    /// - Parameters:
    ///   - turnStart: The ``SteadyClock`` time at which the turn began.
    ///   - memory: The buffers for decisions.
    /// - Throws: `ZeroMQError` if a socket failed.
    mutating func goOnWithWork(since turnStart: Int64, by memory: inout TurnMemory) throws(ZeroMQError) {
        if table.hasBacklog { try takeBacklog(by: &memory) }
        let start = SteadyClock.now()
        let time = max(Self.sweepTime, (start - turnStart) / 4)
        while goOnWithOperation(), SteadyClock.now() - start < time {}
    }

    /// Continues the current operation, or carries out the next waiting action.
    ///
    /// - Returns: Whether there was anything to do.
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

    /// Completes the current operation, the waiting actions and the backlog, before an orderly stop.
    mutating func finishWork(by memory: inout TurnMemory) throws(ZeroMQError) {
        finishOperations()
        while table.hasBacklog, !group.isFull(table.journal.records) { try takeBacklog(by: &memory) }
    }

    /// Carries out the action that has waited longest.
    private mutating func act() {
        operation.isActing = true
        operation.waiting.removeFirst()(&self)
        operation.isActing = false
    }

    /// Completes the current operation, and carries out the actions that wait until it ends.
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
            // There is nothing to do until the store has answered.
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

    /// Spends part of the turn on the backlog: admits its timesteps, steps and decides them, and publishes the
    /// decisions.
    private mutating func takeBacklog(by memory: inout TurnMemory) throws(ZeroMQError) {
        let start = SteadyClock.now()
        var now = start
        while table.hasBacklog, !group.isFull(table.journal.records), now - start < Self.backlogTime {
            batchStart = now
            table.takeBacklog()
            try decideAndPublish(&memory.decided)
            let end = SteadyClock.now()
            table.learnPace(nanoseconds: end - now)
            now = end
        }
    }
}
