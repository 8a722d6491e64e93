import Foundation
import HTTPServer
import NIOCore
import Streams
import Wire

/// The data of an event `status`.
struct PageStatus: Encodable {
    /// The decisions of a model since the start.
    struct Model: Encodable {
        let name: String
        let fingerprint: String
        /// The number of decisions for each label.
        let labels: [String: UInt64]
        /// The number of decisions in each twentieth of the range of probabilities. Nil if the outputs are not
        /// probabilities.
        let probabilities: [UInt64]?
    }

    /// The latencies of decisions since the start.
    struct Latency: Encodable {
        /// The upper bounds of the histogram's buckets in seconds, except for the last bucket, which has no bound.
        let bounds: [Double]
        /// The number of decisions up to each bound, and then of all decisions.
        let counts: [UInt64]
    }

    let instance: String?
    /// The time of the report, in seconds since the Unix epoch.
    let time: Double
    let status: DaemonStatus
    let models: [Model]
    /// The number of messages received from producers since the start.
    let messages: UInt64
    let latency: Latency

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
        messages = metrics.messages
        let buckets = metrics.latencies.cumulative
        latency = Latency(bounds: buckets.map(\.bound).filter(\.isFinite), counts: buckets.map(\.count))
    }

    /// Asks the hot loop for its metrics, and makes an event from them.
    ///
    /// - Parameters:
    ///   - probe: Asks the hot loop.
    ///   - loop: The event loop of the returned future.
    /// - Returns: The event `status`; `loading` while state is loaded; `stuck` if the hot loop does not answer.
    static func event(from probe: HotLoopProbe, on loop: any EventLoop) -> EventLoopFuture<HTTPEvent> {
        guard !probe.isLoading else { return loop.makeSucceededFuture(HTTPEvent("loading", timeNow)) }
        return probe.metrics(within: DaemonPages.answerBound, on: loop).flatMapThrowing { metrics in
            guard let metrics else { return HTTPEvent("stuck", timeNow) }
            return HTTPEvent("status", try JSONEncoder().encode(PageStatus(metrics)))
        }
    }

    private static var timeNow: String.UTF8View { #"{"time":\#(Double(WallClock.now()) / 1e9)}"#.utf8 }
}
