import NIOCore
import Synchronization

/// A control request that a page makes over HTTP. The hot loop carries it out like a request of the control socket.
final class PageCall: Sendable {
    /// The maximum time that a request may take. After this time, the request still takes effect, but its answer is
    /// dropped.
    static let answerBound = Duration.seconds(30)

    private let promise: Mutex<EventLoopPromise<[UInt8]?>?>
    /// The answer in JSON; nil if the daemon did not answer in time.
    let answer: EventLoopFuture<[UInt8]?>

    /// Creates a call whose answer arrives on an event loop.
    init(on loop: any EventLoop) {
        let promise = loop.makePromise(of: [UInt8]?.self)
        self.promise = Mutex(promise)
        answer = promise.futureResult
        let timeout = loop.scheduleTask(in: TimeAmount(Self.answerBound)) {}
        answer.whenComplete { _ in timeout.cancel() }
        // This closure also runs if the event loop shuts down, so every promise is fulfilled.
        timeout.futureResult.whenComplete { [self] _ in succeed(nil) }
    }

    /// Passes the answer on. Can be called from any thread.
    func succeed(_ json: [UInt8]?) {
        promise.withLock { $0.take() }?.succeed(json)
    }
}

extension PageCall: Hashable {
    static func == (one: PageCall, other: PageCall) -> Bool { one === other }
    func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }
}
