import Streams
import Wire

/// The names and help texts of the metrics. The documentation page `Operating` describes all metrics for operators.
extension DaemonMetrics {
    /// Writes all metrics in the Prometheus text format.
    ///
    /// - Parameter residentBytes: The resident memory of the process, in bytes; nil if unknown.
    /// - Returns: The text, counters first.
    func prometheusText(residentBytes: Int?) -> String {
        var text = PrometheusText()
        writeData(to: &text)
        writeModels(to: &text)
        writeControl(to: &text)
        writeStreams(to: &text)
        writeDurability(to: &text)
        cluster?.write(to: &text)
        writeProcess(to: &text, residentBytes: residentBytes)
        return text.text
    }

    private func writeData(to text: inout PrometheusText) {
        text.write(
            "sluice_messages_total", .counter, "Messages received from producers, dropped ones included.",
            Double(messages))
        text.write("sluice_timesteps_total", .counter, "Timesteps consumed.", Double(counters.timesteps))
        text.write("sluice_decisions_total", .counter, "Decisions published.", Double(counters.decisions))
        text.write(
            "sluice_dropped_total", .counter, "Messages dropped, by cause; timesteps for the cause paused.",
            DropCause.allCases.map { ([("cause", $0.rawValue)], Double(counters.dropped[$0] ?? 0)) })
        text.write("sluice_gaps_total", .counter, "Jumps ahead in a stream's sequence.", Double(counters.gaps))
        text.write(
            "sluice_duplicates_total", .counter, "Timesteps skipped, as they had been consumed before.",
            Double(counters.duplicates))
        text.write(
            "sluice_faults_total", .counter, "States that turned NaN or infinite and were given up.",
            Double(counters.quarantined))
        text.write(
            "sluice_subscriber_overflows_total", .counter,
            "Messages missed by a subscriber at its high-water mark; only the first of each time.",
            Double(status.subscriberOverflows))
        text.write(
            "sluice_decision_latency_seconds",
            "Time from receiving a message to publishing its decisions, by decision.",
            latencies.map { [PrometheusText.Histogram(buckets: $0.cumulative, sum: $0.sum)] } ?? [])
    }

    private func writeModels(to text: inout PrometheusText) {
        let models = zip(status.models, modelTallies)
        text.write(
            "sluice_model_decisions_total", .counter, "Decisions published, by model and label.",
            models.flatMap { model, tally in
                tally.labels.enumerated().map { label, count in
                    ([("model", model.name), ("label", "\(label)")], Double(count))
                }
            })
        text.write(
            "sluice_model_streams", .gauge, "Streams, by model and label of their last decision.",
            zip(status.models, streamsByLabel ?? []).flatMap { model, streams in
                streams.enumerated().map { label, count in
                    ([("model", model.name), ("label", "\(label)")], Double(count))
                }
            })
        text.write(
            "sluice_model_probability", "Probabilities of published decisions, by model; of the label's class.",
            models.compactMap { model, tally in
                tally.cumulative.map {
                    PrometheusText.Histogram(labels: [("model", model.name)], buckets: $0, sum: tally.sum)
                }
            })
        text.write(
            "sluice_model_info", .gauge, "1 for each model served.",
            status.models.map {
                (
                    [
                        ("name", $0.name), ("fingerprint", $0.fingerprint), ("mode", $0.mode), ("file", $0.file),
                    ], 1
                )
            })
    }

    private func writeControl(to text: inout PrometheusText) {
        text.write(
            "sluice_control_requests_total", .counter, "Control requests answered, by result.",
            [([("result", "ok")], Double(controlRequests.ok)), ([("result", "error")], Double(controlRequests.error))])
        text.write(
            "sluice_refused_connections_total", .counter, "Refused connections, by endpoint.",
            ["ingest", "decisions", "control"].map { endpoint in
                ([("endpoint", endpoint)], Double(status.refusedConnections[endpoint] ?? 0))
            })
        text.write(
            "sluice_file_exhaustions_total", .counter, "Times that the process could open no more files.",
            Double(status.fileExhaustions ?? 0))
    }

    private func writeStreams(to text: inout PrometheusText) {
        text.write("sluice_streams", .gauge, "Streams known.", Double(status.streams))
        text.write(
            "sluice_streams_asleep", .gauge, "Hibernating streams: their state is only in the store.",
            Double(status.asleep))
        text.write("sluice_streams_paused", .gauge, "Streams that are paused.", Double(status.paused))
        text.write(
            "sluice_streams_stuck", .gauge, "Streams whose timesteps are all skipped as duplicates.",
            Double(status.stuck ?? 0))
    }

    /// Writes only the metrics of features that are in use: checkpoints if there is a state folder, and the journal if
    /// `durability` is `journal`.
    private func writeDurability(to text: inout PrometheusText) {
        if let checkpointTime {
            text.write(
                "sluice_checkpoint_timestamp_seconds", .gauge,
                "End of the last good checkpoint; before the first one, the time when stored state was loaded.",
                Double(checkpointTime) / 1e9)
            text.write(
                "sluice_checkpoint_failed", .gauge, "1 if the last checkpoint failed, else 0.",
                status.checkpointError == nil ? 0 : 1)
            text.write(
                "sluice_state_folder_lost", .gauge,
                "1 if the state folder was deleted, replaced or unmounted, else 0.",
                status.stateFolderError == nil ? 0 : 1)
        }
        if let checkpoint = status.checkpoint {
            text.write(
                "sluice_checkpoint_duration_seconds", .gauge, "Duration of the last checkpoint that wrote anything.",
                checkpoint.durationMilliseconds / 1e3)
        }
        if let journal = status.journal {
            text.write(
                "sluice_journal_bytes", .gauge, "Bytes of records in the journal since the last checkpoint.",
                Double(journal.bytes))
            text.write(
                "sluice_journal_failed", .gauge, "1 if records are missing in the journal, else 0.",
                journal.hasFailed ? 1 : 0)
        }
    }

    private func writeProcess(to text: inout PrometheusText, residentBytes: Int?) {
        if let residentBytes {
            text.write(
                "sluice_resident_memory_bytes", .gauge, "Resident memory of the process.",
                Double(residentBytes))
        }
        text.write(
            "sluice_start_timestamp_seconds", .gauge, "Time when the daemon was ready, since the Unix epoch.",
            Double(startTime) / 1e9)
        text.write("sluice_build_info", .gauge, "1 for the running version.", [([("version", status.version)], 1)])
    }
}

extension ModelTally {
    /// The upper bounds of the buckets, each with the number of probabilities that are at most the bound. The last
    /// bound is infinite. Nil if the model's outputs are not probabilities.
    fileprivate var cumulative: [(bound: Double, count: UInt64)]? {
        guard let probabilities else { return nil }
        var total: UInt64 = 0
        var buckets = probabilities.enumerated().map { index, count in
            total += count
            return (bound: Double(index + 1) / Double(Self.parts), count: total)
        }
        buckets.append((bound: .infinity, count: total))
        return buckets
    }
}
