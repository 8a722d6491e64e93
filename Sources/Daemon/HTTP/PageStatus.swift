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
        /// The number of streams for each label of their last decision; nil before the first count.
        let streams: [String: UInt64]?
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
    /// The latencies; nil on a node of a cluster, which does not measure them.
    let latency: Latency?
    /// The cluster as this node sees it; nil if the daemon belongs to no cluster.
    let cluster: ClusterStatus?

    init(_ metrics: DaemonMetrics) {
        instance = metrics.status.instance
        time = Double(WallClock.now()) / 1e9
        status = metrics.status
        models = zip(metrics.status.models, metrics.modelTallies).enumerated().map { index, each in
            let (model, tally) = each
            return Model(
                name: model.name, fingerprint: model.fingerprint, labels: Self.byLabel(tally.labels),
                streams: metrics.streamsByLabel.map { Self.byLabel($0[index]) }, probabilities: tally.probabilities)
        }
        messages = metrics.messages
        latency = metrics.latencies.map { latencies in
            let buckets = latencies.cumulative
            return Latency(bounds: buckets.map(\.bound).filter(\.isFinite), counts: buckets.map(\.count))
        }
        cluster = metrics.cluster?.status
    }

    private static func byLabel(_ counts: [UInt64]) -> [String: UInt64] {
        Dictionary(uniqueKeysWithValues: counts.enumerated().map { ("\($0)", $1) })
    }

    /// Asks for the daemon's metrics, and makes an event from them.
    ///
    /// - Parameters:
    ///   - source: The part of the daemon that reports.
    ///   - loop: The event loop of the returned future.
    /// - Returns: The event `status`; `loading` while state is loaded; `stuck` if the metrics do not come in time.
    static func event(from source: any PageSource, on loop: any EventLoop) -> EventLoopFuture<HTTPEvent> {
        guard !source.isLoading else { return loop.makeSucceededFuture(HTTPEvent("loading", timeNow)) }
        return source.metrics(within: DaemonPages.answerBound, on: loop).flatMapThrowing { metrics in
            guard let metrics else { return HTTPEvent("stuck", timeNow) }
            return HTTPEvent("status", try JSONEncoder().encode(PageStatus(metrics)))
        }
    }

    private static var timeNow: String.UTF8View { #"{"time":\#(Double(WallClock.now()) / 1e9)}"#.utf8 }
}
