import Client
import Foundation
import Synchronization
import Wire
import ZeroMQ

/// Sends as fast as it is let, from a thread of its own.
final class LoadProducer: Sendable {
    /// Timesteps in a message: so many that the daemon takes longer over one than this sends.
    static let timesteps = 400
    /// Messages that are neither with the producer nor with the daemon: in the kernel's and ZeroMQ's buffers.
    static let underWay = 250

    let stream: String
    private let waited = Atomic<Int>(0)
    private let thread = LoadThread()
    private let endpoint: Endpoint

    init(_ daemon: DaemonProcess, stream: String) throws {
        self.stream = stream
        endpoint = try IngestEndpoint(connecting(daemon.ingest)).endpoint
    }

    /// Messages that were sent when one had to wait for so long that the daemon's queue is full; nil before.
    var sentBeforeWaiting: Int? {
        let count = waited.load(ordering: .acquiring)
        return count > 0 ? count : nil
    }

    func start() { thread.start { [self] in try send() } }

    func stop() { thread.stop() }

    private func send() throws {
        let socket = try Socket(.push, in: try Context())
        try socket.set(.linger, to: 0)
        try socket.set(.sendHighWaterMark, to: 1)
        try socket.set(.sendTimeout, to: 200)
        try socket.attach(to: endpoint, otherwise: .connect)
        var sent = 0
        let message = [Array(stream.utf8), Timesteps.bytes(values(Self.timesteps))]
        while !thread.isOver {
            if try socket.sendFrames(message, wait: true) {
                sent += 1
            } else if sentBeforeWaiting == nil, sent > 0 {
                waited.store(sent, ordering: .releasing)
            }
        }
    }
}

/// A thread of its own, which ends when it is told to.
final class LoadThread: Sendable {
    private let over = Atomic<Bool>(false)
    private let ended = DispatchSemaphore(value: 0)

    /// Whether it has been told to end.
    var isOver: Bool { over.load(ordering: .acquiring) }

    /// Starts it. What it does ends soon after ``isOver``.
    func start(_ work: @escaping @Sendable () throws -> Void) {
        Thread.detachNewThread { [self] in
            try? work()
            ended.signal()
        }
    }

    /// Tells it to end, and waits until it has.
    func stop() {
        over.store(true, ordering: .releasing)
        ended.wait()
    }
}
