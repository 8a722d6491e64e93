import Foundation
import Synchronization
import TestSupport
import Testing
import ZeroMQ

@testable import Client

/// Simulates dead connections: nothing arrives, and nothing reports that the connection has ended.
@Suite struct `The liveness of a peer` {
    @Test func `a silent peer is probed, and is given up if it does not answer`() {
        let start = ContinuousClock.now
        var liveness = Liveness(interval: .seconds(10), timeout: .seconds(15))
        #expect(liveness.due == nil && liveness.act(at: start + .seconds(100)) == .wait)
        liveness.noteSign(at: start)
        #expect(liveness.act(at: start + .seconds(9)) == .wait)
        #expect(liveness.act(at: start + .seconds(10)) == .ask)
        liveness.noteQuestion(at: start + .seconds(10))
        #expect(liveness.act(at: start + .seconds(24)) == .wait)
        #expect(liveness.act(at: start + .seconds(25)) == .giveUp)
        liveness.noteSign(at: start + .seconds(24))
        #expect(liveness.act(at: start + .seconds(33)) == .wait)
        liveness.noteLoss()
        #expect(liveness.due == nil && liveness.act(at: start + .seconds(100)) == .wait)
    }

    @Test func `a silent daemon that answers stays connected, and one that does not is connected again`() throws {
        let folder = try TemporaryFolder()
        let address = "ipc://\(folder.path("decisions"))"
        let publisher = try ConfirmingPublisher(address)
        defer { publisher.stop() }
        let subscriber = try DecisionSubscriber(
            endpoint: Endpoint(">\(address)"), prefix: "", credentials: nil,
            liveness: Liveness(interval: .milliseconds(50), timeout: .milliseconds(500)), in: Context())
        func pass(until isOver: () throws -> Bool) throws -> [DecisionSubscriber.Change] {
            var changes: [DecisionSubscriber.Change] = []
            let deadline = ContinuousClock.now + .seconds(30)
            while try !isOver(), ContinuousClock.now < deadline {
                try subscriber.wait(seconds: 0.01)
                while try subscriber.next() != nil {}
                while let change = try subscriber.change() { changes.append(change) }
                if changes.last == .back { break }
            }
            return changes
        }
        // Nothing else arrives, so the publisher is asked for confirmations repeatedly.
        #expect(try pass { publisher.confirmed >= 5 }.isEmpty)
        #expect(publisher.confirmed >= 5)
        publisher.isDark.store(true, ordering: .sequentiallyConsistent)
        let before = publisher.confirmed
        let lost = try pass { publisher.ignored >= 3 }
        #expect(lost == [.lost] && publisher.confirmed <= before + 1)
        publisher.isDark.store(false, ordering: .sequentiallyConsistent)
        #expect(try pass { false } == [.back])
    }
}

/// Confirms subscriptions as a daemon does, from its own thread, until it goes silent.
private final class ConfirmingPublisher: Sendable {
    let isDark = Atomic(false)
    private let isOver = Atomic(false)
    private let counts = Mutex((confirmed: 0, ignored: 0))
    private let ended = DispatchSemaphore(value: 0)

    var confirmed: Int { counts.withLock { $0.confirmed } }
    var ignored: Int { counts.withLock { $0.ignored } }

    init(_ address: String) throws {
        let ready = DispatchSemaphore(value: 0)
        Thread.detachNewThread { [self] in
            do { try run(address, ready) } catch { Issue.record(error) }
            ended.signal()
        }
        ready.wait()
    }

    func stop() {
        isOver.store(true, ordering: .sequentiallyConsistent)
        ended.wait()
    }

    private func run(_ address: String, _ ready: DispatchSemaphore) throws {
        let socket = try Socket(.xpub, in: try Context())
        try socket.set(.linger, to: 0)
        try socket.set(.everySubscription, to: 1)
        try socket.set(.receiveTimeout, to: 20)
        try socket.attach(to: try Endpoint("@\(address)"), otherwise: .bind)
        ready.signal()
        while !isOver.load(ordering: .sequentiallyConsistent) {
            guard let frame = try socket.receiveFrames(wait: true)?.first, frame.first == 1,
                frame.dropFirst().starts(with: DecisionSubscriber.subscribedTopic.utf8)
            else { continue }
            if isDark.load(ordering: .sequentiallyConsistent) {
                counts.withLock { $0.ignored += 1 }
            } else {
                try socket.sendFrames([Array(frame.dropFirst()), Array("{}".utf8)], wait: true)
                counts.withLock { $0.confirmed += 1 }
            }
        }
    }
}
