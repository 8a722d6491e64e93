import Foundation

/// Measures one target's throughput in one round. The run connects once and loads the target turn by turn. See
/// ``BenchTurns``.
final class ThroughputRun {
    /// The ramp-up at the start of a turn, in seconds. It is not measured, because the window is still filling.
    private static let rampUp = 0.02

    private let generator: LoadGenerator
    private let flow = BenchFlow()
    private let sender: BenchThread
    private let receiver: BenchThread
    /// The number of entries that came back during the measured time.
    private var counted = 0
    private var time = Duration.zero
    /// The number of entries that never came back.
    private var lost = 0

    /// The number of messages per second that came back, over all turns.
    var messagesPerSecond: Double {
        Double(counted) / Double(generator.plan.streamsPerMessage) / (time / .seconds(1))
    }

    /// Starts the threads. Always call ``end(waits:)`` afterwards.
    init(_ generator: LoadGenerator) {
        self.generator = generator
        receiver = BenchThread("bench receiver") { [flow] in try generator.receive(flow) }
        sender = BenchThread("bench sender") { [flow] in try generator.send(flow) }
    }

    /// Loads the target until it answers and has had time to create all streams and fill its caches. Messages of the
    /// warm-up are not counted.
    func warmUp() throws {
        let plan = generator.plan
        flow.open()
        let deadline = generator.deadline()
        while flow.received.load(ordering: .relaxed) == 0 {
            try generator.retry("answered a first message", before: deadline)
        }
        let start = ContinuousClock.now
        let (least, most) = (Duration.seconds(max(0.25, plan.seconds / 4)), Duration.seconds(10 + plan.seconds))
        try generator.wait(flow) {
            let elapsed = ContinuousClock.now - start
            return elapsed >= most || (elapsed >= least && flow.received.load(ordering: .relaxed) >= plan.streams)
        }
        try rest()
    }

    /// Measures one turn: loads the target as fast as the window allows, and then waits until all messages have come
    /// back.
    ///
    /// - Parameter seconds: The time during which returning messages are counted.
    /// - Throws: `CancellationError`.
    func measure(for seconds: Double) throws {
        flow.open()
        try generator.pause(for: Self.rampUp)
        let (first, begin) = (flow.received.load(ordering: .acquiring), ContinuousClock.now)
        try generator.wait(flow) { ContinuousClock.now - begin >= .seconds(seconds) }
        let (last, end) = (flow.received.load(ordering: .acquiring), ContinuousClock.now)
        counted += last - first
        time += end - begin
        try rest()
    }

    /// Stops the load and waits until no message is in transit.
    private func rest() throws {
        flow.close()
        waitUntilAllCameBack()
        try generator.checkCancellation()
    }

    /// Waits until no message is in transit, or until nothing has arrived for more than a second. Messages that are
    /// still missing then count as lost.
    private func waitUntilAllCameBack() {
        var seen = flow.received.load(ordering: .acquiring)
        var lastCame = ContinuousClock.now
        while flow.inFlight > lost || flow.isSendingLast, ContinuousClock.now - lastCame < .seconds(1.25) {
            Thread.sleep(forTimeInterval: 0.001)
            let now = flow.received.load(ordering: .acquiring)
            if now != seen { lastCame = ContinuousClock.now }
            seen = now
        }
        lost = flow.inFlight
    }

    /// Ends the threads.
    ///
    /// - Parameter waits: Whether to wait for messages in transit.
    /// - Returns: The number of sent entries that did not come back.
    /// - Throws: The error of a thread.
    func end(waits: Bool) throws -> Int {
        flow.end()
        if waits { waitUntilAllCameBack() }
        flow.receivingEnds.store(true, ordering: .releasing)
        // The sender has kept its socket open until now, because closing it would lose messages.
        try sender.join()
        try receiver.join()
        return flow.inFlight
    }
}
