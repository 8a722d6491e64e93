import Wire

/// The hot loop as it stands at one moment, for `/metrics` and the health checks.
struct DaemonMetrics: Sendable {
    /// Control requests that were answered since the start.
    struct ControlRequests {
        /// With a result.
        var ok: UInt64 = 0
        /// With an error.
        var error: UInt64 = 0
    }

    /// Models, streams, counters, checkpoint and journal, as `status` answers.
    var status: DaemonStatus
    /// Nanoseconds since the Unix epoch when the daemon was ready.
    var startTime: Int64
    /// An orderly stop has begun.
    var isStopping: Bool
    /// From the moment at which a batch of messages began to be taken to that at which its decisions were published.
    var latencies: LatencyHistogram
    var controlRequests: ControlRequests
    /// Messages of decisions that some subscriber missed at its high-water mark: one is counted each time that one falls behind.
    var missedDecisions: UInt64
    /// Nanoseconds since the Unix epoch when all state was last known to be stored; nil where none is.
    var checkpointTime: Int64?
}

extension HotLoop {
    /// How it stands.
    var metrics: DaemonMetrics {
        DaemonMetrics(
            status: status(), startTime: startTime, isStopping: isStopping, latencies: latencies,
            controlRequests: controlRequests, missedDecisions: publisher.overflows,
            checkpointTime: isDurable ? checkpoints.lastGoodTime : nil)
    }
}
