import Foundation
import Histogram
import Synchronization
import ZeroMQ

/// Measures one target, round by round.
struct LoadGenerator: Sendable {
    let plan: BenchPlan
    let load: Load
    let target: BenchTarget
    /// What the target is called in messages.
    let name: String
    let context: Context
    /// Asked between any two waits; where it says yes, the round ends with `CancellationError`.
    let isCancelled: @Sendable () -> Bool

    /// Until then a target must have been reached, or have answered.
    private static let patience = Duration.seconds(3)

    /// One round: first the throughput, then the latency.
    func round() throws -> BenchRound {
        let (rate, lost) = try throughput()
        let latency = try latency()
        func microseconds(_ percentile: Double) -> Double {
            Double(latency.times.valueAtPercentile(percentile)) / 1000
        }
        return BenchRound(
            messagesPerSecond: rate, p50: microseconds(50), p99: microseconds(99), p999: microseconds(99.9),
            lost: lost + latency.lost)
    }

    /// Sends as fast as the window allows.
    ///
    /// - Returns: Messages a second that came back, and how many of all that were sent did not.
    private func throughput() throws -> (rate: Double, lost: Int) {
        let flow = BenchFlow()
        let receiver = BenchThread("bench receiver") { try receive(flow) }
        let sender = BenchThread("bench sender") { try send(flow) }
        var rate = 0.0
        let outcome = Result {
            try connected("answered a first message") { flow.received.load(ordering: .relaxed) > 0 }
            // The first messages create streams and fill caches; they are not counted.
            let start = ContinuousClock.now
            let (least, most) = (Duration.seconds(max(0.25, plan.seconds / 4)), Duration.seconds(10 + plan.seconds))
            try wait(flow) {
                let elapsed = ContinuousClock.now - start
                return elapsed >= most || (elapsed >= least && flow.received.load(ordering: .relaxed) >= plan.streams)
            }
            let (first, begin) = (flow.received.load(ordering: .acquiring), ContinuousClock.now)
            try wait(flow) { ContinuousClock.now - begin >= .seconds(plan.seconds) }
            let (last, end) = (flow.received.load(ordering: .acquiring), ContinuousClock.now)
            rate = Double(last - first) / ((end - begin) / .seconds(1))
        }
        flow.sendingEnds.store(true, ordering: .releasing)
        if case .failure = outcome { flow.receivingEnds.store(true, ordering: .releasing) }
        waitUntilAllCameBack(flow)
        flow.receivingEnds.store(true, ordering: .releasing)
        // Only now: until it is told, the sender keeps its socket, and what is in it.
        try sender.join()
        try receiver.join()
        try outcome.get()
        return (rate, flow.inFlight)
    }

    /// The sender's thread.
    private func send(_ flow: BenchFlow) throws {
        defer {
            flow.sendingEnds.store(true, ordering: .releasing)
            flow.hasSentAll.store(true, ordering: .releasing)
        }
        var producer = try BenchProducer(target, plan, load, in: context)
        while try !producer.connects(flow) {
            if flow.sendingEnds.load(ordering: .acquiring) { return }
            Thread.sleep(forTimeInterval: 0.002)
        }
        var message = 0
        while !flow.sendingEnds.load(ordering: .relaxed) {
            if message - flow.received.load(ordering: .acquiring) >= plan.inFlight {
                // Short beside the time that a full window takes, and it leaves the core to whoever empties it.
                Thread.sleep(forTimeInterval: 0.00005)
                continue
            }
            guard try producer.send(message) else { continue }
            message += 1
            flow.sent.store(message, ordering: .releasing)
        }
        flow.hasSentAll.store(true, ordering: .releasing)
        // Closing the socket would lose what is in it.
        while !flow.receivingEnds.load(ordering: .acquiring), flow.inFlight > 0 { Thread.sleep(forTimeInterval: 0.001) }
    }

    /// The receiver's thread.
    private func receive(_ flow: BenchFlow) throws {
        var consumer = try BenchConsumer(target, plan, in: context)
        while try !consumer.connects(flow) {
            if flow.receivingEnds.load(ordering: .acquiring) { return }
        }
        var count = 0
        while !flow.receivingEnds.load(ordering: .relaxed) {
            guard try consumer.receive() else { continue }
            count += 1
            flow.received.store(count, ordering: .releasing)
        }
    }

    /// Sends one message at a time.
    ///
    /// - Returns: The times there and back in nanoseconds, and how many messages did not come back.
    private func latency() throws -> (times: Histogram<UInt64>, lost: Int) {
        let flow = BenchFlow()
        var consumer = try BenchConsumer(target, plan, in: context)
        var producer = try BenchProducer(target, plan, load, in: context)
        var hasSent = false
        try connected("been reached") {
            hasSent = try hasSent || producer.connects(flow)
            return try consumer.connects(flow)
        }
        var times = Histogram<UInt64>(highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)
        var lost = 0
        let clock = ContinuousClock()
        let begin = clock.now
        let (least, most) = (Duration.seconds(plan.seconds / 2), Duration.seconds(plan.seconds * 2))
        var message = 0
        while true {
            let start = clock.now
            let elapsed = start - begin
            if elapsed >= least, times.totalCount >= 5000 || elapsed >= most { break }
            _ = try producer.send(message)
            var came = try consumer.receive()
            while !came, clock.now - start < .seconds(1) { came = try consumer.receive() }
            // The first few are a warm-up.
            if message >= 200, came { times.record(UInt64((clock.now - start) / .nanoseconds(1))) }
            if !came { lost += 1 }
            message += 1
            if message.isMultiple(of: 256) || !came { try checkCancellation() }
        }
        return (times, lost)
    }

    /// Goes on with an attempt until it has succeeded.
    ///
    /// - Throws: ``ClientError`` where the target is not there, or does not decide on such messages.
    private func connected(_ what: String, _ attempt: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + Self.patience
        while try !attempt() {
            try pause(for: 0.002)
            guard ContinuousClock.now < deadline else {
                throw ClientError(
                    .unavailable,
                    "the \(name) has not \(what) within \(Self.patience.components.seconds) s: streams that begin "
                        + "with '\(plan.prefix)' need a model that takes float32 and publishes every decision")
            }
        }
    }

    /// Waits until the sender has stopped and nothing is on its way, or nothing has come for a second or more.
    private func waitUntilAllCameBack(_ flow: BenchFlow) {
        var seen = flow.received.load(ordering: .acquiring)
        var idle = 0
        while idle < 250, !flow.receivingEnds.load(ordering: .acquiring) {
            if flow.hasSentAll.load(ordering: .acquiring), flow.inFlight == 0 { return }
            Thread.sleep(forTimeInterval: 0.005)
            let now = flow.received.load(ordering: .acquiring)
            idle = now == seen ? idle + 1 : 0
            seen = now
        }
    }

    /// Waits until something is so, or the sender has failed.
    private func wait(_ flow: BenchFlow, until isSo: () -> Bool) throws {
        while !isSo(), !flow.sendingEnds.load(ordering: .relaxed) { try pause(for: 0.005) }
    }

    private func pause(for seconds: Double) throws {
        Thread.sleep(forTimeInterval: seconds)
        try checkCancellation()
    }

    private func checkCancellation() throws {
        if isCancelled() { throw CancellationError() }
    }
}
