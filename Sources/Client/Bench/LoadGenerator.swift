import Foundation
import Synchronization
import ZeroMQ

/// What is to be measured of one target, and how its threads go about it.
struct LoadGenerator: Sendable {
    let plan: BenchPlan
    let load: Load
    let target: BenchTarget
    /// What the target is called in messages.
    let name: String
    let contexts: BenchContexts
    /// Asked between any two waits; where it says yes, the round ends with `CancellationError`.
    let isCancelled: @Sendable () -> Bool

    /// Until then a target must have been reached, or have answered.
    private static let patience = Duration.seconds(3)

    /// The sender's thread: sends as fast as the window allows, while the flow is open.
    func send(_ flow: BenchFlow) throws {
        defer {
            flow.end()
            flow.hasSentAll.store(true, ordering: .releasing)
        }
        var producer = try BenchProducer(target, plan, load, in: contexts.sending)
        while try !producer.connects(flow) {
            if flow.sendingEnds.load(ordering: .acquiring) { return }
            Thread.sleep(forTimeInterval: 0.002)
        }
        var message = 0
        while flow.waitUntilOpen() {
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

    /// The receiver's thread: counts what comes back.
    func receive(_ flow: BenchFlow) throws {
        var consumer = try BenchConsumer(target, plan, in: contexts.receiving)
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

    /// Until when the target must have been reached, or have answered, that is tried now.
    func deadline() -> ContinuousClock.Instant { ContinuousClock.now + Self.patience }

    /// Pauses before the next try.
    ///
    /// - Throws: ``ClientError`` where it is too late: the target is not there, or does not decide on such messages.
    func retry(_ what: String, before deadline: ContinuousClock.Instant) throws {
        try pause(for: 0.002)
        guard ContinuousClock.now < deadline else {
            throw ClientError(
                .unavailable,
                "the \(name) has not \(what) within \(Self.patience.components.seconds) s: streams that begin "
                    + "with '\(plan.prefix)' need a model that takes float32 and publishes every decision")
        }
    }

    /// Waits until something is so, or the sender has failed.
    func wait(_ flow: BenchFlow, until isSo: () -> Bool) throws {
        while !isSo(), !flow.sendingEnds.load(ordering: .relaxed) { try pause(for: 0.005) }
    }

    func pause(for seconds: Double) throws {
        Thread.sleep(forTimeInterval: seconds)
        try checkCancellation()
    }

    func checkCancellation() throws {
        if isCancelled() { throw CancellationError() }
    }
}
