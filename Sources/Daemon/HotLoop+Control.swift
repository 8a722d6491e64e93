import Store
import Streams
import Wire
import ZeroMQ

/// What the hot loop does for each control request. Requests are taken between two timesteps.
extension HotLoop {
    /// Carries out a request and answers it, at once or when the store has done its part.
    mutating func answer(_ request: Result<ControlCommand, ControlError>, to address: ControlServer.ReturnAddress) {
        do throws(ControlError) {
            try carryOut(try request.get(), for: address)
        } catch {
            reply(Result<JSONValue, ControlError>.failure(error), to: address)
        }
    }

    private mutating func carryOut(
        _ command: ControlCommand, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        let now = WallClock.now()
        switch command {
        case .status:
            reply(.success(status()), to: address)
        case .streams(let prefix, let after, let limit):
            reply(.success(table.page(prefix: prefix, after: after, limit: limit, time: now)), to: address)
        case .stream(let id):
            reply(.success(try table.status(of: id, time: now)), to: address)
        case .reset(let selection):
            reply(.success(["reset": try table.reset(selection)]), to: address)
        case .remove(let selection):
            try remove(selection, for: address)
        case .snapshot(let name, let selection):
            let images = try table.images(of: selection)
            startStoreJob(for: address) { store throws(StoreError) in
                try store.saveSnapshot(name, of: images, time: now)
            } then: { _, status in
                status
            }
        case .snapshots:
            startStoreJob(for: address) { store throws(StoreError) in
                try store.snapshots()
            } then: { _, snapshots in
                SnapshotList(snapshots: snapshots)
            }
        case .restore(let name, let selection):
            restore(name, selection, for: address)
        case .deleteSnapshot(let name):
            startStoreJob(for: address) { store throws(StoreError) in
                try store.deleteSnapshot(name)
            } then: { _, _ in
                ["deleted": true]
            }
        case .pause(let selection):
            reply(.success(["paused": try table.pause(selection)]), to: address)
        case .resume(let selection):
            try resume(selection, time: now, for: address)
        case .checkpoint:
            guard isDurable else {
                throw ControlError(
                    .refusedInMode, "all state is in memory; start sluiced with --state-dir to make it durable")
            }
            checkpoints.requests.append(address)
            startCheckpoint()
        case .shutdown:
            reply(.success(true), to: address)
            isStopping = true
        }
    }

    /// Streams are gone from memory at once; the answer waits until they are gone from the store too.
    private mutating func remove(
        _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        let ids = try table.remove(selection)
        guard isDurable, !ids.isEmpty else {
            reply(.success(["removed": ids.count]), to: address)
            return
        }
        // The next checkpoint forgets them once more, in case this job fails: it must not be left to the job's answer,
        // which could come after a checkpoint that holds a new stream of the same id.
        checkpoints.removed.append(contentsOf: ids)
        startStoreJob(for: address) { store throws(StoreError) in
            try store.checkpoint([], removing: ids)
        } then: { _, _ in
            ["removed": ids.count]
        }
    }

    private mutating func restore(
        _ name: String, _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) {
        startStoreJob(for: address) { store throws(StoreError) in
            try store.streams(ofSnapshot: name, selection)
        } then: { loop, images throws(ControlError) in
            if case .stream(let id) = selection, images.isEmpty {
                throw ControlError(.noSuchStream, "the snapshot '\(name)' has no stream '\(id)'")
            }
            try loop.table.restore(images, areStored: false)
            return ["restored": images.count]
        }
    }

    private mutating func resume(
        _ selection: ControlCommand.Selection, time: Int64, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        var failure: ZeroMQError?
        let count = try table.resume(selection, time: time) { id, decisions in
            do throws(ZeroMQError) {
                try publisher.publish(id.utf8.span, decisions)
            } catch {
                failure = error
            }
        }
        if let failure { logger.error("decisions could not be published: \(failure)") }
        reply(.success(["resumed": count]), to: address)
    }

    /// Sends a reply. A socket that fails here fails the next receive too, which ends the daemon with the reason.
    func reply<Answer: Codable & Sendable>(
        _ outcome: Result<Answer, ControlError>, to address: ControlServer.ReturnAddress
    ) {
        do throws(ZeroMQError) {
            try control.reply(outcome, to: address)
        } catch {
            logger.error("a control request could not be answered: \(error)")
        }
    }

    private func status() -> DaemonStatus {
        let counters = table.counters
        return DaemonStatus(
            version: Version.current,
            uptimeSeconds: started.duration(to: .now) / .seconds(1),
            endpoints: endpoints,
            codecs: codecs.areAllBinary ? nil : codecs,
            models: table.models.map { served in
                DaemonStatus.Model(
                    name: served.name, file: served.file, fingerprint: served.fingerprint,
                    mode: "\(served.policy.mode)", features: served.model.features,
                    outputs: served.model.outputs, parameters: served.model.parameters,
                    prefixes: served.policy.prefixes, tokens: served.model.vocabulary)
            },
            streams: table.count, paused: table.pausedCount,
            timesteps: counters.timesteps, decisions: counters.decisions, duplicates: counters.duplicates,
            gaps: counters.gaps,
            dropped: Dictionary(uniqueKeysWithValues: counters.dropped.map { ($0.rawValue, $1) }),
            checkpoint: checkpoints.last)
    }

    /// Where the sockets are, ports `*` resolved.
    var endpoints: DaemonStatus.Endpoints {
        DaemonStatus.Endpoints(
            ingest: ingest.map { "\($0.endpoint)" }, decisions: "\(publisher.endpoint)",
            control: "\(control.endpoint)")
    }

    private var codecs: DaemonStatus.Codecs {
        DaemonStatus.Codecs(ingest: ingest.map(\.codec), decisions: publisher.codec)
    }
}
