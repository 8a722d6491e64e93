import Streams
import Wire
import ZeroMQ

/// An operation on many streams that is under way, and what waits for its end. Owned by the hot loop.
struct RunningOperation {
    /// What to do at its end; nil: none is under way.
    var end: Mailbox.Letter?
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
    private static let backlogTime: Int64 = 10_000_000

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
        if table.isSweeping { operation.end = { then(&$0, count) } } else { then(&self, count) }
    }

    /// Whether there is something to do without anything that comes.
    var hasWork: Bool {
        table.isSweeping || (table.hasBacklog && !group.isFull(table.records)) || !operation.waiting.isEmpty
    }

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
        while table.isSweeping {
            if table.sweep(limit: Self.slotsPerLook) { endOperation() }
            guard SteadyClock.now() - start < time else { return }
        }
        while !table.isSweeping, !operation.waiting.isEmpty {
            act()
            guard SteadyClock.now() - start < time else { return }
        }
    }

    /// Ends all that is under way, and what waits for it, for an orderly stop.
    mutating func finishWork(by memory: inout TurnMemory) throws(ZeroMQError) {
        repeat {
            finishOperation()
            if !operation.waiting.isEmpty { act() }
        } while operation.isBusy
        while table.hasBacklog, !group.isFull(table.records) { try takeBacklog(by: &memory) }
    }

    /// Carries out what has waited longest.
    private mutating func act() {
        operation.isActing = true
        operation.waiting.removeFirst()(&self)
        operation.isActing = false
    }

    /// Ends the operation that is under way, for a stop whose sockets have failed.
    mutating func finishOperation() {
        table.finishSweep()
        endOperation()
    }

    private mutating func endOperation() {
        let end = operation.end
        operation.end = nil
        end?(&self)
        if !checkpoints.requests.isEmpty { startCheckpoint() }
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
