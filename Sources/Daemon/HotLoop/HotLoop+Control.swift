import Logging
import Store
import Streams
import Wire
import ZeroMQ

/// Carries out control requests between timesteps.
extension HotLoop {
    /// Carries out a request. The answer is sent at once, or after the store has done its part.
    ///
    /// - Parameters:
    ///   - command: The command.
    ///   - images: The streams in a `write_snapshot` or `import` request.
    ///   - address: The address to which the answer is sent.
    /// - Throws: ``ControlError`` if the request is refused. In that case, no answer has been sent yet.
    mutating func carryOut(
        _ command: ControlCommand, with images: [StreamImage], for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        switch command {
        case .status:
            reply(.success(status()), to: address)
        case .streams(let prefix, let after, let limit):
            startPage(.page(StreamPageSearch(prefix: prefix, after: after, limit: limit)), for: address)
        case .namedStreams(let ids):
            report(table.statuses(of: ids, time: clock.now), for: address) { StreamPage(streams: $0, next: nil) }
        case .stream(let id):
            let status = try answering { () throws(StreamsError) in try table.status(of: id, time: clock.now) }
            report([status], for: address) { $0[0] }
        case .history(let request):
            try history(request, for: address)
        case .reset(let selection):
            reset(selection, for: address)
        case .remove(let selection):
            try remove(selection, for: address)
        case .snapshot(let name, let selection):
            try snapshot(name, selection, for: address)
        case .snapshots:
            startStoreJob(for: address) { store throws(StoreError) in
                try store.snapshots()
            } beside: { _, snapshots in
                { SnapshotList(snapshots: snapshots) }
            }
        case .restore(let name, let selection):
            try restore(name, selection, for: address)
        case .deleteSnapshot(let name):
            whenNotRestored(name) { $0.deleteSnapshot(name, for: address) }
        case .readSnapshot(let name, let after, let limit):
            readSnapshot(name, after: after, limit: limit, for: address)
        case .writeSnapshot(let name, _):
            whenNotRestored(name) { $0.writeSnapshot(name, images, for: address) }
        case .export(let id):
            try export(id, for: address)
        case .import:
            for image in images { try importStream(image, for: address) }
        case .reload(let model, let resetting):
            try reload(model, resetting: resetting, for: address)
        case .pause(let selection):
            try begin(.pause, on: selection) { $0.reply(.success(PauseResult(paused: $1)), to: address) }
        case .resume(let selection):
            let paused = table.pausedCount(of: selection)
            try begin(.resume, on: selection) { loop, _ in
                loop.whenRecorded { $0.reply(.success(ResumeResult(resumed: paused)), to: address) }
            }
        case .checkpoint:
            guard isDurable else {
                throw ControlError(
                    .refusedInMode, "all state is in memory; start sluiced with --state-dir to make it durable")
            }
            checkpointWaiters.requests.append { loop, outcome in loop.reply(outcome, to: address) }
            startCheckpoint()
        case .logLevel(let level):
            changeLogLevel(level, for: address)
        case .cluster, .drain:
            throw ControlError(
                .refusedInMode, "this daemon runs on one machine; a node of a cluster is started with --cluster URLS")
        case .shutdown:
            reply(.success(true), to: address)
            isStopping = true
        }
    }

    /// Sends an answer once the effect of the request is durable.
    mutating func replyWhenDurable<Answer: Codable & Sendable>(
        _ answer: Answer, to address: ControlServer.ReturnAddress
    ) {
        whenDurable { loop, outcome in loop.reply(outcome.map { answer }, to: address) }
    }

    /// Changes the log level, and answers with the previous one.
    private mutating func changeLogLevel(_ level: LogLevel?, for address: ControlServer.ReturnAddress) {
        // All copies of the daemon's logger share the same level, so setting the level on a copy is enough.
        var logger = logger
        let before = LogLevel(logger.logLevel)
        if let level { logger.logLevel = Logger.Level(level) }
        reply(.success(LogLevelResult(level: before)), to: address)
    }

    func status() -> DaemonStatus {
        let counters = table.counters
        return DaemonStatus(
            version: Version.current,
            uptimeSeconds: started.duration(to: .now) / .seconds(1),
            endpoints: endpoints,
            codecs: codecs.areAllBinary ? nil : codecs,
            models: table.models.map { DaemonStatus.Model($0) },
            streams: table.count, paused: table.pausedCount,
            timesteps: counters.timesteps, decisions: counters.decisions, duplicates: counters.duplicates,
            gaps: counters.gaps,
            dropped: Dictionary(uniqueKeysWithValues: counters.dropped.map { ($0.rawValue, $1) }),
            checkpoint: checkpoints.last, checkpointError: checkpoints.failure?.description,
            stateFolderError: checkpoints.folderLoss, journal: group.status,
            quarantined: counters.quarantined, asleep: table.asleepCount,
            refusedConnections: access.refusals.byEndpoint,
            subscriberOverflows: publishers.reduce(0) { $0 + $1.socket.overflows },
            stuck: table.stuckCount, fileExhaustions: access.refusals.exhaustions, instance: instance,
            memoryBytes: ResidentMemory.bytes(), stateFolder: stateFolder,
            dictionaries: ingest.contains { $0.codec == .batch } ? dictionaries.count : nil
        )
    }

    /// The endpoints of the sockets. A `*` is replaced by the actual port.
    var endpoints: DaemonStatus.Endpoints {
        DaemonStatus.Endpoints(
            ingest: ingest.map { "\($0.endpoint)" }, decisions: "\(publishers[0].socket.endpoint)",
            allDecisions: publishers.map {
                DaemonStatus.DecisionEndpoint(
                    endpoint: "\($0.socket.endpoint)", codec: $0.codec, topicPrefix: $0.topicPrefix)
            },
            control: "\(control.endpoint)", http: http.map { "\($0)" })
    }

    private var codecs: DaemonStatus.Codecs {
        DaemonStatus.Codecs(ingest: ingest.map(\.codec), decisions: publishers[0].codec)
    }
}
