import Cluster

/// The names and help texts of the metrics of a cluster. The documentation page `Operating` describes them for operators.
extension ClusterMetrics {
    /// Writes the metrics in the Prometheus text format.
    func write(to text: inout PrometheusText) {
        writeMembership(to: &text)
        writeClaims(to: &text)
        writeLag(to: &text)
        writeCheckpoints(to: &text)
        writeEdge(to: &text)
    }

    private func writeMembership(to text: inout PrometheusText) {
        text.write(
            "sluice_cluster_nodes", .gauge, "Nodes of the cluster as this node sees them, by standing.",
            (Heartbeat.Presence.allCases.map(\.rawValue) + ["dead"]).map {
                ([("standing", $0)], Double(nodes[$0] ?? 0))
            })
        text.write(
            "sluice_cluster_sees", .gauge, "1 if this node's own heartbeats come back from NATS, else 0.",
            isCurrent ? 1 : 0)
        text.write(
            "sluice_cluster_unowned_partitions", .gauge, "Partitions that no live node holds, as this node sees them.",
            Double(unownedCount))
        text.write(
            "sluice_partition_state", .gauge, "1 for each partition that this node holds, with its state.",
            partitions.map { ([("partition", "\($0.partition)"), ("state", $0.state.rawValue)], 1) })
    }

    private func writeClaims(to text: inout PrometheusText) {
        text.write(
            "sluice_take_overs_total", .counter, "Claims of partitions by this node, by cause.",
            ClaimCause.words.map { ([("cause", $0)], Double(takeOvers.counts[$0] ?? 0)) })
        text.write(
            "sluice_partition_claims_total", .counter, "Claims of the partition by this node.",
            everyPartition { $0.claims })
        text.write(
            "sluice_partition_refused_writes_total", .counter,
            "Writes to the partition's chain that NATS refused, because another node had written to it.",
            everyPartition { $0.refusedWrites })
        text.write(
            "sluice_partition_take_over_seconds", .gauge, "Durations of the parts of the last take-over.",
            partitions.flatMap { takeOverSamples($0) })
    }

    private func takeOverSamples(
        _ measures: PartitionMeasures
    ) -> [(labels: PrometheusText.Labels, value: Double)] {
        let parts = measures.takeOver
        return [("claim", parts.claim), ("restore", parts.restore), ("replay", parts.replay)]
            .compactMap { part, seconds in
                seconds.map { ([("partition", "\(measures.partition)"), ("part", part)], $0) }
            }
    }

    private func writeLag(to text: inout PrometheusText) {
        text.write(
            "sluice_partition_lag_messages", .gauge, "Messages of the log that this node has not applied yet.",
            eachPartition { Double($0.lag) })
        text.write(
            "sluice_partition_lag_seconds", .gauge,
            "Age of the oldest message of the log that this node has not applied yet, at most.",
            eachPartition { $0.lagSeconds })
        text.write(
            "sluice_partition_writes_under_way", .gauge, "Writes to the chain that NATS has not confirmed yet.",
            eachPartition { $0.isWriting ? 1 : 0 })
        text.write(
            "sluice_partition_streams", .gauge, "Streams of the partition.", eachPartition { Double($0.streams) })
    }

    private func writeCheckpoints(to text: inout PrometheusText) {
        text.write(
            "sluice_partition_checkpoint_timestamp_seconds", .gauge,
            "Last time at which a checkpoint held everything; after a take-over, when the checkpoint was read.",
            eachPartition { $0.checkpoint.map { Double($0.time) / 1e9 } })
        text.write(
            "sluice_partition_checkpoint_bytes", .gauge, "Size of the partition's last checkpoint.",
            eachPartition { $0.checkpoint.map { Double($0.byteCount) } })
    }

    private func writeEdge(to text: inout PrometheusText) {
        text.write(
            "sluice_gateway_stored_total", .counter, "Messages stored in logs, which hold many timesteps each.",
            Double(gateway.stored))
        text.write(
            "sluice_gateway_retries_total", .counter, "Messages that were sent to a log again.",
            Double(gateway.retries))
        text.write(
            "sluice_gateway_discarded_total", .counter,
            "Messages of sub: endpoints that were discarded because NATS took none.", Double(gateway.discarded))
        text.write(
            "sluice_gateway_waiting_bytes", .gauge, "Bytes of timesteps that NATS has not confirmed yet.",
            Double(gateway.waitingBytes))
        text.write(
            "sluice_gateway_stalled", .gauge, "1 while producers have to wait, else 0.", gateway.isStalled ? 1 : 0)
        text.write(
            "sluice_outlet_messages_total", .counter, "Messages of decisions taken from the chains.",
            Double(outlet.messages))
        text.write(
            "sluice_outlet_missed_total", .counter,
            "Messages of chains that were purged before this node could publish them.", Double(outlet.missed))
        text.write(
            "sluice_outlet_malformed_total", .counter, "Messages of chains that could not be read.",
            Double(outlet.malformed))
        text.write(
            "sluice_outlet_followed_partitions", .gauge, "Partitions whose chain is followed.", Double(outlet.followed))
    }

    /// Returns a sample for each of this node's partitions that has the value.
    private func eachPartition(
        _ value: (PartitionMeasures) -> Double?
    ) -> [(labels: PrometheusText.Labels, value: Double)] {
        partitions.compactMap { measures in
            value(measures).map { ([("partition", "\(measures.partition)")], $0) }
        }
    }

    /// Returns a sample for every partition of the cluster, 0 if this node never held the partition.
    private func everyPartition(
        _ counts: (WorkerMeasures) -> [Int: UInt64]
    ) -> [(labels: PrometheusText.Labels, value: Double)] {
        let all = workers.reduce(into: [Int: UInt64]()) { $0.merge(counts($1), uniquingKeysWith: +) }
        return status.partitions.map { ([("partition", "\($0.partition)")], Double(all[$0.partition] ?? 0)) }
    }
}
