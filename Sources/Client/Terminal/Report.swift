package import Wire

/// The daemon's answers in a form for people.
package enum Report {
    /// Returns a report on the daemon as a whole.
    ///
    /// - Parameter status: The daemon's answer.
    /// - Returns: Lines.
    package static func lines(_ status: DaemonStatus) -> [String] {
        var facts = TextTable([.init("sluiced"), .init(status.version)])
        facts.append(["up", Quantity.duration(status.uptimeSeconds)])
        for ingest in status.endpoints.ingest { facts.append(["ingest", ingest]) }
        facts.append(["decisions", status.endpoints.decisions])
        facts.append(["control", status.endpoints.control])
        if let http = status.endpoints.http { facts.append(["http", http]) }
        let paused = status.paused > 0 ? ", \(Quantity.count(status.paused)) paused" : ""
        let asleep = status.asleep > 0 ? ", \(Quantity.count(status.asleep)) hibernating" : ""
        facts.append(["streams", Quantity.count(status.streams) + paused + asleep])
        facts.append([
            "timesteps",
            "\(Quantity.count(status.timesteps)) consumed, \(Quantity.count(status.duplicates, of: "duplicate")), "
                + Quantity.count(status.gaps, of: "gap"),
        ])
        if status.quarantined > 0 { facts.append(["quarantined", Quantity.count(status.quarantined, of: "time")]) }
        facts.append(["decided", Quantity.count(status.decisions)])
        facts.append(["dropped", counts(status.dropped) ?? "nothing"])
        if let refused = counts(status.refusedConnections) { facts.append(["refused", "connections: \(refused)"]) }
        facts.append(["checkpoint", status.checkpoint.map(checkpoint) ?? "none"])
        if let error = status.checkpointError { facts.append(["", "the last one failed: \(error)"]) }
        if let journal = status.journal {
            let failure = journal.hasFailed ? ", holds less than all: \(journal.error ?? "it failed")" : ""
            facts.append(["journal", Quantity.bytes(journal.bytes) + failure])
        }
        var models = TextTable([
            .init("MODEL"), .init("MODE"), .init("FEATURES", .right), .init("OUTPUTS", .right),
            .init("PARAMETERS", .right), .init("PREFIXES"), .init("FILE"), .init("FINGERPRINT"),
        ])
        for model in status.models {
            models.append([
                model.name, model.mode, "\(model.features)", "\(model.outputs)", Quantity.count(model.parameters),
                model.prefixes.map { "\"\($0)\"" }.joined(separator: " "), model.file,
                String(model.fingerprint.prefix(12)),
            ])
        }
        return facts.lines + [""] + models.lines
    }

    /// Returns the counts that are not 0; nil if all are.
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
            let probability = stream.probability.values.map { Quantity.fixed(Double($0), digits: 4) }
            table.append([
                stream.stream, stream.model, "\(stream.sequence)", "\(stream.step)",
                probability.joined(separator: " "), "\(stream.label)", Quantity.duration(stream.idleSeconds),
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
