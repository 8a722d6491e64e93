import Client
import Foundation
import Synchronization
import Wire
import ZeroMQ

/// Sends as fast as possible from its own thread.
final class LoadProducer: Sendable {
    /// The number of timesteps in a message. It is so large that the daemon takes longer to process a message than the
    /// producer takes to send one.
    static let timesteps = 400
    /// The number of messages that may sit in the buffers of the kernel and ZeroMQ, where neither side counts them.
    static let underWay = 250

    let stream: String
    private let waited = Atomic<Int>(0)
    private let thread = LoadThread()
    private let endpoint: Endpoint

    init(_ daemon: DaemonProcess, stream: String) throws {
        self.stream = stream
        endpoint = try IngestEndpoint(connecting(daemon.ingest)).endpoint
    }

    /// The number of messages sent before the first long wait, which shows that the daemon's queue is full. Nil until
    /// then.
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

/// A thread that ends on request.
final class LoadThread: Sendable {
    private let over = Atomic<Bool>(false)
    private let ended = DispatchSemaphore(value: 0)

    /// Whether the thread was asked to end.
    var isOver: Bool { over.load(ordering: .acquiring) }

    /// Starts the thread. `work` must return soon after ``isOver`` becomes true.
    func start(_ work: @escaping @Sendable () throws -> Void) {
        Thread.detachNewThread { [self] in
            try? work()
            ended.signal()
        }
    }

    /// Asks the thread to end, and waits until it has.
    func stop() {
        over.store(true, ordering: .releasing)
        ended.wait()
    }
}
