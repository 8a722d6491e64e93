import Streams
import Wire

/// A copy of the hot loop's counters and status at one point in time, for `/metrics` and the health checks.
struct DaemonMetrics: Sendable {
    /// The number of control requests answered since the start, by outcome.
    struct ControlRequests {
        /// The number of requests answered with a result.
        var ok: UInt64 = 0
        /// The number of requests answered with an error.
        var error: UInt64 = 0
    }

    /// The counters of the stream table.
    var counters: StreamCounters
    /// The decisions of each model, in the order of ``status``'s models.
    var modelTallies: [ModelTally]
    /// The answer to `status`, with the models, streams, last checkpoint and journal.
    var status: DaemonStatus
    /// The time at which the daemon became ready, in nanoseconds since the Unix epoch.
    var startTime: Int64
    /// Whether an orderly stop has begun.
    var isStopping: Bool
    /// The latencies from receiving a batch to publishing its decisions.
    var latencies: LatencyHistogram
    var controlRequests: ControlRequests
    /// The number of messages received from producers since the start.
    var messages: UInt64
    /// The last time at which all state was known to be stored, in nanoseconds since the Unix epoch; nil if no state is
    /// stored.
    var checkpointTime: Int64?
}

extension HotLoop {
    /// A copy of the current metrics.
    var metrics: DaemonMetrics {
        DaemonMetrics(
            counters: table.counters, modelTallies: table.modelTallies, status: status(), startTime: startTime,
            isStopping: isStopping,
            latencies: latencies,
            controlRequests: controlRequests, messages: messages,
            checkpointTime: isDurable ? checkpoints.lastGoodTime : nil)
    }
}
