import Foundation
import Synchronization
import ZeroMQ

/// The measurement of one target: its settings and the work of its threads.
struct LoadGenerator: Sendable {
    let plan: BenchPlan
    let load: Load
    let target: BenchTarget
    /// The name of the target in messages.
    let name: String
    let contexts: BenchContexts
    /// Called after each pause. If it returns true, the round ends with `CancellationError`.
    let isCancelled: @Sendable () -> Bool

    /// The maximum time to reach a target, or to get an answer.
    private static let patience = Duration.seconds(3)

    /// The sender's thread: sends as fast as the window allows, while the flow is open.
    func send(_ flow: BenchFlow) throws {
        defer {
            flow.end()
            flow.hasSentAll.store(true, ordering: .releasing)
        }
        var producer = try BenchProducer(target, plan, load, in: contexts.sending)
        var hasSent = false
        while !flow.isConnected.load(ordering: .acquiring) {
            if flow.sendingEnds.load(ordering: .acquiring) { return }
            if !hasSent { hasSent = try producer.advanceConnection(flow) }
            Thread.sleep(forTimeInterval: 0.002)
        }
        let entries = plan.streamsPerMessage
        var message = 0
        while flow.waitUntilOpen() {
            if message * entries - flow.received.load(ordering: .acquiring) >= plan.inFlight * entries {
                // Leave the core to the receiver for a pause that is short compared with the round trip of a full
                // window.
                Thread.sleep(forTimeInterval: 0.00005)
                continue
            }
            guard try producer.send(message) else { continue }
            message += 1
            flow.sent.store(message * entries, ordering: .releasing)
        }
        flow.hasSentAll.store(true, ordering: .releasing)
        // Wait until the messages are back, because closing the socket would lose them.
        while !flow.receivingEnds.load(ordering: .acquiring), flow.inFlight > 0 { Thread.sleep(forTimeInterval: 0.001) }
    }

    /// The receiver's thread: counts the entries that come back.
    func receive(_ flow: BenchFlow) throws {
        var consumer = try BenchConsumer(target, plan, in: contexts.receiving)
        while try !consumer.advanceConnection(flow) {
            if flow.receivingEnds.load(ordering: .acquiring) { return }
        }
        flow.isConnected.store(true, ordering: .releasing)
        var count = 0
        while !flow.receivingEnds.load(ordering: .relaxed) {
            let entries = try consumer.receive()
            guard entries > 0 else { continue }
            count += entries
            flow.received.store(count, ordering: .releasing)
        }
    }

    /// Returns the deadline for reaching a target or for getting its answer, counted from now.
    func deadline() -> ContinuousClock.Instant { ContinuousClock.now + Self.patience }

    /// Pauses before the next attempt.
    ///
    /// - Throws: ``ClientError`` after the deadline: the target is unreachable or does not decide on these messages.
    func retry(_ what: String, before deadline: ContinuousClock.Instant) throws {
        try pause(for: 0.002)
        guard ContinuousClock.now < deadline else {
            throw ClientError(
                .unavailable,
                "the \(name) has not \(what) within \(Self.patience.components.seconds) s; streams with the prefix "
                    + "'\(plan.prefix)' need a model that takes float32 and publishes every decision")
        }
    }

    /// Waits until a condition is true or the sender has failed.
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
