import Glibc
package import NIOCore
import NIOHTTP1
import Synchronization

/// Sends events to the open pages, to each at its own regular interval. Each event is made only once, however many
/// pages are open.
package final class HTTPEventFeed: Sendable {
    /// Makes the current event. The future belongs to the event loop.
    package typealias Source = @Sendable (any EventLoop) -> EventLoopFuture<HTTPEvent>

    /// The seconds between two events of one page.
    private static let intervals = 1...60
    /// The shortest interval. Longer intervals are multiples of it.
    private static let tick = TimeAmount.seconds(1)

    private struct Reader {
        let stream: HTTPEventStream
        let interval: Int
        /// The ticks until the next event.
        var ticksLeft: Int
    }

    private struct State {
        var readers: [ObjectIdentifier: Reader] = [:]
        var isTicking = false
    }

    private let source: Source
    private let state = Mutex(State())

    /// Creates a feed.
    ///
    /// - Parameter source: Makes the current event.
    package init(_ source: @escaping Source) {
        self.source = source
    }

    /// Answers a page with a stream of events: one now, and one every `every` seconds of the query, by default 1.
    ///
    /// - Parameters:
    ///   - request: The request.
    ///   - loop: The event loop of the server.
    /// - Returns: The answer.
    package func answer(_ request: HTTPRequest, on loop: any EventLoop) -> EventLoopFuture<HTTPAnswer> {
        let interval = request.parameter("every").map { Int($0) ?? 0 } ?? 1
        guard Self.intervals.contains(interval) else {
            return loop.makeSucceededFuture(
                .line(
                    .badRequest,
                    "'every' must be from \(Self.intervals.lowerBound) to \(Self.intervals.upperBound) seconds"))
        }
        return loop.makeSucceededFuture(.events { [self] stream in add(stream, every: interval, on: loop) })
    }

    /// Sends a last event to all pages, ends their streams, and waits until the pages have the event.
    ///
    /// - Parameters:
    ///   - event: The event.
    ///   - patience: The maximum time to wait.
    package func end(with event: HTTPEvent, within patience: Duration) {
        let streams = state.withLock { $0.readers.values.map(\.stream) }
        for stream in streams {
            stream.send(event)
            stream.end()
        }
        let deadline = ContinuousClock.now + patience
        while state.withLock({ !$0.readers.isEmpty }), ContinuousClock.now < deadline { usleep(5_000) }
    }

    private func add(_ stream: HTTPEventStream, every interval: Int, on loop: any EventLoop) {
        let mustTick = state.withLock { state in
            defer { state.isTicking = true }
            state.readers[ObjectIdentifier(stream)] = Reader(stream: stream, interval: interval, ticksLeft: interval)
            return !state.isTicking
        }
        stream.closeFuture.whenComplete { [self] _ in
            state.withLock { _ = $0.readers.removeValue(forKey: ObjectIdentifier(stream)) }
        }
        tell([stream], on: loop)
        if mustTick { scheduleTick(on: loop) }
    }

    private func scheduleTick(on loop: any EventLoop) {
        loop.scheduleTask(in: Self.tick) { [self] in
            let due = state.withLock { state -> [HTTPEventStream]? in
                state.isTicking = !state.readers.isEmpty
                return state.isTicking ? Self.takeDue(&state.readers) : nil
            }
            guard let due else { return }
            if !due.isEmpty { tell(due, on: loop) }
            scheduleTick(on: loop)
        }
    }

    private static func takeDue(_ readers: inout [ObjectIdentifier: Reader]) -> [HTTPEventStream] {
        var due: [HTTPEventStream] = []
        for key in readers.keys {
            readers[key]?.ticksLeft -= 1
            guard let reader = readers[key], reader.ticksLeft <= 0 else { continue }
            readers[key]?.ticksLeft = reader.interval
            due.append(reader.stream)
        }
        return due
    }

    private func tell(_ streams: [HTTPEventStream], on loop: any EventLoop) {
        source(loop).whenSuccess { event in
            for stream in streams { stream.send(event) }
        }
    }
}
