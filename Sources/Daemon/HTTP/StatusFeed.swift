import Foundation
import HTTPServer
import NIOCore
import Synchronization
import Wire

/// Sends the daemon's status to the open pages. However many pages are open, the hot loop is asked once for all of them.
final class StatusFeed: Sendable {
    /// The seconds between two events of one page.
    static let intervals = 1...60
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

    private let probe: HotLoopProbe
    private let state = Mutex(State())

    init(_ probe: HotLoopProbe) {
        self.probe = probe
    }

    /// Sends the status to a page now, and then again and again.
    ///
    /// - Parameters:
    ///   - stream: The page's stream of events.
    ///   - interval: The seconds between two events; see ``intervals``.
    ///   - loop: The event loop of the server.
    func add(_ stream: HTTPEventStream, every interval: Int, on loop: any EventLoop) {
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
        guard !probe.isLoading else {
            return send(HTTPEvent("loading", Self.time), to: streams)
        }
        probe.metrics(within: DaemonPages.answerBound, on: loop).whenSuccess { [self] metrics in
            guard let metrics else { return send(HTTPEvent("stuck", Self.time), to: streams) }
            guard let json = try? JSONEncoder().encode(PageStatus(metrics)) else { return }
            send(HTTPEvent("status", json), to: streams)
        }
    }

    private func send(_ event: HTTPEvent, to streams: [HTTPEventStream]) {
        for stream in streams { stream.send(event) }
    }

    private static var time: String.UTF8View { #"{"time":\#(Double(WallClock.now()) / 1e9)}"#.utf8 }
}

/// The data of an event `status`.
private struct PageStatus: Encodable {
    struct Model: Encodable {
        let name: String
        let fingerprint: String
        /// The number of decisions for each label, since the start.
        let labels: [String: UInt64]
        /// The number of decisions in each twentieth of the range of probabilities, since the start. Nil if the outputs
        /// are not probabilities.
        let probabilities: [UInt64]?
    }

    let instance: String?
    /// The time of the report, in seconds since the Unix epoch.
    let time: Double
    let status: DaemonStatus
    let models: [Model]
    let latency: Latency

    struct Latency: Encodable {
        /// The upper bounds of the histogram's buckets in seconds, except for the last bucket, which has no bound.
        let bounds: [Double]
        /// The number of decisions up to each bound, and then of all decisions, since the start.
        let counts: [UInt64]
    }

    init(_ metrics: DaemonMetrics) {
        instance = metrics.status.instance
        time = Double(WallClock.now()) / 1e9
        status = metrics.status
        models = zip(metrics.status.models, metrics.modelTallies).map { model, tally in
            Model(
                name: model.name, fingerprint: model.fingerprint,
                labels: Dictionary(uniqueKeysWithValues: tally.labels.enumerated().map { ("\($0)", $1) }),
                probabilities: tally.probabilities)
        }
        let buckets = metrics.latencies.cumulative
        latency = Latency(bounds: buckets.map(\.bound).filter(\.isFinite), counts: buckets.map(\.count))
    }
}
