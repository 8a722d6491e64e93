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

        /// Counts an answer.
        mutating func count(_ reply: WrittenReply) {
            if reply.isSuccess { ok += 1 } else { error += 1 }
        }
    }

    /// The counters of the stream table.
    var counters: StreamCounters
    /// The decisions of each model, in the order of ``status``'s models.
    var modelTallies: [ModelTally]
    /// For each model, the number of streams by the label of their last decision; nil before the first count.
    var streamsByLabel: [[UInt64]]?
    /// The answer to `status`, with the models, streams, last checkpoint and journal.
    var status: DaemonStatus
    /// The time at which the daemon became ready, in nanoseconds since the Unix epoch.
    var startTime: Int64
    /// Whether an orderly stop has begun.
    var isStopping: Bool
    /// The latencies from receiving a batch to publishing its decisions; nil on a node of a cluster, which does not
    /// measure them.
    var latencies: LatencyHistogram?
    var controlRequests: ControlRequests
    /// The number of messages received from producers since the start.
    var messages: UInt64
    /// The last time at which all state was known to be stored, in nanoseconds since the Unix epoch; nil if no state is
    /// stored.
    var checkpointTime: Int64?
    /// The metrics that only a node of a cluster has; nil if the daemon belongs to no cluster.
    var cluster: ClusterMetrics?
}

extension DaemonMetrics {
    /// The reason why the daemon accepts no timesteps now; nil if it does.
    var unreadiness: String? {
        if isStopping { return "stopping" }
        return status.stateFolderError ?? cluster?.unreadiness
    }

    /// The thread that does not report any more, in a sentence; nil if all do.
    var stuckThread: String? { cluster?.stuckThread }
}

extension HotLoop {
    /// A copy of the current metrics.
    var metrics: DaemonMetrics {
        DaemonMetrics(
            counters: table.counters, modelTallies: table.modelTallies, streamsByLabel: census.counts,
            status: status(), startTime: startTime,
            isStopping: isStopping,
            latencies: latencies,
            controlRequests: controlRequests, messages: messages,
            checkpointTime: isDurable ? checkpoints.lastGoodTime : nil)
    }
}
