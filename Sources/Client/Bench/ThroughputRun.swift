import Foundation

/// One target's throughput in one round. It is connected once and loaded turn by turn: see ``BenchTurns``.
final class ThroughputRun {
    /// Seconds of a turn, at its beginning, that are not counted: the window fills.
    private static let rampUp = 0.02

    private let generator: LoadGenerator
    private let flow = BenchFlow()
    private let sender: BenchThread
    private let receiver: BenchThread
    private var counted = 0
    private var time = Duration.zero
    /// Messages that were waited for in vain.
    private var lost = 0

    /// Messages a second that came back, over all turns.
    var messagesPerSecond: Double { Double(counted) / (time / .seconds(1)) }

    /// Starts the threads. To be followed by ``end(waits:)``, whatever comes of it.
    init(_ generator: LoadGenerator) {
        self.generator = generator
        receiver = BenchThread("bench receiver") { [flow] in try generator.receive(flow) }
        sender = BenchThread("bench sender") { [flow] in try generator.send(flow) }
    }

    /// Waits until the target answers. The first messages create streams and fill caches; they are not counted.
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

    /// One turn: loads the target, as fast as the window allows, and then waits until all came back.
    ///
    /// - Parameter seconds: How long what comes back is counted.
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

    /// Stops the load, and waits until nothing is on its way.
    private func rest() throws {
        flow.close()
        waitUntilAllCameBack()
        try generator.checkCancellation()
    }

    /// Waits until nothing is on its way, or nothing has come for a second or more: what is missing then is lost.
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
    /// - Parameter waits: Whether to wait for what has not come back yet.
    /// - Returns: How many of all messages that were sent did not come back.
    /// - Throws: What a thread failed with.
    func end(waits: Bool) throws -> Int {
        flow.end()
        if waits { waitUntilAllCameBack() }
        flow.receivingEnds.store(true, ordering: .releasing)
        // Only now: until it is told, the sender keeps its socket, and what is in it.
        try sender.join()
        try receiver.join()
        return flow.inFlight
    }
}
