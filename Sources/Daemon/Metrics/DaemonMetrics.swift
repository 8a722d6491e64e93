import Streams
import Wire

/// A copy of the hot loop's counters and status at one moment, for `/metrics` and the health checks.
struct DaemonMetrics: Sendable {
    /// The numbers of control requests answered since the start.
    struct ControlRequests {
        /// Requests answered with a result.
        var ok: UInt64 = 0
        /// Requests answered with an error.
        var error: UInt64 = 0
    }

    /// The counts of the table's events.
    var counters: StreamCounters
    /// The answer to `status`: models, streams, checkpoint and journal.
    var status: DaemonStatus
    /// The time at which the daemon was ready, in nanoseconds since the Unix epoch.
    var startTime: Int64
    /// Whether an orderly stop has begun.
    var isStopping: Bool
    /// The times from the start of receiving a batch to the publication of its decisions.
    var latencies: LatencyHistogram
    var controlRequests: ControlRequests
    /// The time at which all state was last known to be stored, in nanoseconds since the Unix epoch; nil if none is
    /// stored.
    var checkpointTime: Int64?
}

extension HotLoop {
    /// A copy of the current metrics.
    var metrics: DaemonMetrics {
        DaemonMetrics(
            counters: table.counters, status: status(), startTime: startTime, isStopping: isStopping,
            latencies: latencies,
            controlRequests: controlRequests, checkpointTime: isDurable ? checkpoints.lastGoodTime : nil)
    }
}
