package import Wire

/// Formats the daemon's answers for human readers.
package enum Report {
    /// The width of a report that fits any terminal.
    static let width = 80

    /// Returns a report on the daemon as a whole, at most 80 characters wide.
    ///
    /// - Parameters:
    ///   - status: The daemon's answer.
    ///   - rate: The current timesteps and decisions per second; nil if unknown.
    /// - Returns: Lines.
    package static func lines(_ status: DaemonStatus, rate: StatusRate? = nil) -> [String] {
        var facts = FactList(width: width)
        facts.append("sluiced", "\(status.version), up \(Quantity.duration(status.uptimeSeconds))")
        if let memory = status.memoryBytes { facts.append("memory", Quantity.bytes(memory)) }
        for ingest in status.endpoints.ingest { facts.append("ingest", ingest) }
        for decisions in status.endpoints.allDecisions?.map(\.endpoint) ?? [status.endpoints.decisions] {
            facts.append("decisions", decisions)
        }
        facts.append("control", status.endpoints.control)
        if let http = status.endpoints.http { facts.append("http", http) }
        let place = status.node.map { "in NATS, node \($0) of a cluster" } ?? status.stateFolder
        facts.append("state", place ?? "in memory only")
        let paused = status.paused > 0 ? ", \(Quantity.count(status.paused)) paused" : ""
        let asleep = status.asleep > 0 ? ", \(Quantity.count(status.asleep)) hibernating" : ""
        facts.append("streams", Quantity.count(status.streams) + paused + asleep)
        if let dictionaries = status.dictionaries { facts.append("dictionaries", Quantity.count(dictionaries)) }
        facts.append(
            "timesteps",
            "\(Quantity.count(status.timesteps)) consumed, \(Quantity.count(status.duplicates, of: "duplicate")), "
                + Quantity.count(status.gaps, of: "gap"))
        if status.quarantined > 0 { facts.append("quarantined", Quantity.count(status.quarantined, of: "time")) }
        facts.append("decided", Quantity.count(status.decisions))
        if let rate { facts.append("rate", rate.text) }
        facts.append("dropped", counts(status.dropped) ?? "nothing")
        if let refused = counts(status.refusedConnections) { facts.append("refused", "connections: \(refused)") }
        if status.node == nil { facts.append("checkpoint", status.checkpoint.map(checkpoint) ?? "none") }
        if let error = status.checkpointError { facts.append("", "the last one failed: \(error)") }
        if let journal = status.journal {
            let failure = journal.hasFailed ? ", holds less than all: \(journal.error ?? "it failed")" : ""
            facts.append("journal", Quantity.bytes(journal.bytes) + failure)
        }
        return facts.lines + status.models.flatMap { [""] + lines($0) }
    }

    private static func lines(_ model: DaemonStatus.Model) -> [String] {
        var facts = FactList(width: width)
        facts.append("model", model.name)
        facts.append("file", model.file)
        facts.append("serves", policy(of: model))
        facts.append("streams", "with the prefixes " + model.prefixes.map { "\"\($0)\"" }.joined(separator: " "))
        facts.append(
            "size",
            "\(Quantity.count(model.features, of: "feature")), \(Quantity.count(model.outputs, of: "output")), "
                + Quantity.count(model.parameters, of: "parameter"))
        facts.append("fingerprint", String(model.fingerprint.prefix(12)))
        return facts.lines
    }

    private static func policy(of model: DaemonStatus.Model) -> String {
        let emit = model.emit.map { ", emit \($0)" } ?? ""
        guard model.outputs == 1, let threshold = model.threshold else { return model.mode + emit }
        let bounds = threshold.rise == threshold.fall ? "\(threshold.rise)" : "\(threshold.rise):\(threshold.fall)"
        return "\(model.mode)\(emit), threshold \(bounds)"
    }

    /// Returns a full report on one stream.
    ///
    /// - Parameters:
    ///   - stream: The stream.
    ///   - model: The stream's model; nil if the daemon no longer has it.
    ///   - state: The stream's state, or its buffered timesteps.
    ///   - history: The stream's last decisions; nil if the daemon's version keeps none.
    /// - Returns: Lines.
    package static func lines(
        _ stream: StreamStatus, model: DaemonStatus.Model?, state: [Float], history: HistoryAnswer?
    ) -> [String] {
        var facts = FactList(width: width)
        facts.append("stream", stream.stream)
        facts.append("model", stream.model)
        if let model { facts.append("serves", policy(of: model)) }
        facts.append("sequence", Quantity.count(stream.sequence))
        facts.append("step", Quantity.count(stream.step))
        facts.append("probability", probability(of: stream))
        facts.append("label", label(of: stream))
        if let history { facts.append("history", HistoryText.text(history)) }
        facts.append("idle", Quantity.duration(stream.idleSeconds))
        let norm = state.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        let largest = state.reduce(0) { max($0, abs(Double($1))) }
        facts.append(
            "state",
            "\(Quantity.count(state.count, of: "float")), norm \(Quantity.fixed(norm, digits: 4)), largest "
                + Quantity.fixed(largest, digits: 4))
        facts.append("gaps", Quantity.count(stream.tally.gaps))
        facts.append("duplicates", Quantity.count(stream.tally.duplicates))
        facts.append("quarantined", Quantity.count(stream.tally.quarantined, of: "time"))
        facts.append("waiting", Quantity.count(stream.waiting, of: "timestep"))
        facts.append("paused", stream.paused ? "yes" : "no")
        facts.append("hibernating", stream.asleep ? "yes" : "no")
        return facts.lines
    }

    private static func probability(of stream: StreamStatus) -> String {
        let values = stream.probability.values.map { Quantity.fixed(Double($0), digits: 4) }
        return values.isEmpty ? "-" : values.joined(separator: " ")
    }

    /// Returns the label, or `-` after a reset.
    private static func label(of stream: StreamStatus) -> String {
        stream.probability.values.isEmpty ? "-" : "\(stream.label)"
    }

    /// Returns the counts that are not 0; nil if all are 0.
    private static func counts(_ counts: [String: UInt64]) -> String? {
        let parts = counts.filter { $0.value > 0 }.sorted { $0.key < $1.key }
            .map { "\(Quantity.count($0.value)) \($0.key)" }
        return parts.isEmpty ? nil : parts.joined(separator: ", ")
    }

    /// Returns a table of streams.
    ///
    /// - Parameter streams: The streams.
    /// - Returns: Lines.
    package static func lines(_ streams: [StreamStatus]) -> [String] {
        var table = TextTable([
            .init("STREAM"), .init("MODEL"), .init("SEQUENCE", .right), .init("STEP", .right),
            .init("PROBABILITY", .right), .init("LABEL", .right), .init("IDLE", .right), .init("GAPS", .right),
            .init("DUPLICATES", .right), .init(""),
        ])
        for stream in streams {
            table.append([
                stream.stream, stream.model, "\(stream.sequence)", "\(stream.step)",
                probability(of: stream), label(of: stream), Quantity.duration(stream.idleSeconds),
                "\(stream.tally.gaps)", "\(stream.tally.duplicates)", notes(on: stream),
            ])
        }
        return table.lines
    }

    private static func notes(on stream: StreamStatus) -> String {
        [
            stream.paused ? "paused" : nil, stream.asleep ? "hibernating" : nil,
            stream.tally.quarantined > 0 ? "quarantined \(Quantity.count(stream.tally.quarantined, of: "time"))" : nil,
        ].compactMap(\.self).joined(separator: ", ")
    }

    /// Returns a table of snapshots.
    ///
    /// - Parameter snapshots: The snapshots.
    /// - Returns: Lines.
    package static func lines(_ snapshots: [SnapshotStatus]) -> [String] {
        var table = TextTable([
            .init("SNAPSHOT"), .init("TAKEN"), .init("STREAMS", .right), .init("SIZE", .right), .init("MODELS"),
        ])
        for snapshot in snapshots {
            table.append([
                snapshot.name, Quantity.localTime(nanoseconds: snapshot.time), Quantity.count(snapshot.streams),
                Quantity.bytes(snapshot.bytes), snapshot.models.map { String($0.prefix(12)) }.joined(separator: " "),
            ])
        }
        return table.lines
    }

    /// Returns a report on a new snapshot.
    ///
    /// - Parameter snapshot: The daemon's answer.
    /// - Returns: One line.
    package static func line(_ snapshot: SnapshotStatus) -> String {
        "snapshot '\(snapshot.name)': \(Quantity.count(snapshot.streams, of: "stream")), "
            + "\(Quantity.bytes(snapshot.bytes)), \(Quantity.localTime(nanoseconds: snapshot.time))"
    }

    /// Returns a report on a snapshot that was written to a file.
    ///
    /// - Parameters:
    ///   - snapshot: The daemon's answer.
    ///   - file: The file.
    /// - Returns: One line.
    package static func line(_ snapshot: SnapshotStatus, file: String) -> String {
        "\(file): \(Quantity.count(snapshot.streams, of: "stream")), \(Quantity.bytes(snapshot.bytes)), "
            + Quantity.localTime(nanoseconds: snapshot.time)
    }

    /// Returns a report on a restored snapshot.
    ///
    /// - Parameter result: The daemon's answer.
    /// - Returns: One line.
    package static func line(_ result: RestoreResult) -> String {
        "restored \(Quantity.count(result.restored, of: "stream"))"
    }

    /// Returns a report on a checkpoint.
    ///
    /// - Parameter result: The daemon's answer.
    /// - Returns: One line.
    package static func line(_ result: CheckpointResult) -> String {
        "checkpoint: \(Quantity.count(result.streams, of: "stream")) in "
            + "\(Quantity.fixed(result.durationMilliseconds, digits: 1)) ms"
    }

    private static func checkpoint(_ checkpoint: DaemonStatus.Checkpoint) -> String {
        "\(Quantity.localTime(nanoseconds: checkpoint.time)), \(Quantity.count(checkpoint.streams, of: "stream")) in "
            + "\(Quantity.fixed(checkpoint.durationMilliseconds, digits: 1)) ms"
    }
}
