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
            replyWhenDurable(["reset": try table.reset(selection)], to: address)
        case .remove(let selection):
            try remove(selection, for: address)
        case .snapshot(let name, let selection):
            let slice = try table.copy(selection)
            startStoreJob(for: address) { store throws(StoreError) in
                try store.saveSnapshot(name, of: slice, time: now)
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

    /// Streams are gone from memory at once; the answer waits until a crash does not bring them back.
    private mutating func remove(
        _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        let keys = try table.remove(selection)
        // The next checkpoint forgets them in the store, too; without a journal nobody shall wait that long.
        guard isDurable, !group.isOn, !keys.isEmpty else {
            return replyWhenDurable(["removed": keys.count], to: address)
        }
        startStoreJob(for: address) { store throws(StoreError) in
            try store.remove(keys)
        } then: { _, _ in
            ["removed": keys.count]
        }
    }

    private mutating func restore(
        _ name: String, _ selection: ControlCommand.Selection, for address: ControlServer.ReturnAddress
    ) {
        startStoreJob { store throws(StoreError) in
            try store.streams(ofSnapshot: name, selection)
        } then: { loop, result in
            loop.restore(result, of: name, selection, for: address)
        }
    }

    private mutating func restore(
        _ result: Result<StreamSlice, StoreError>, of name: String, _ selection: ControlCommand.Selection,
        for address: ControlServer.ReturnAddress
    ) {
        do throws(ControlError) {
            let images = try result.mapError { ControlError($0) }.get().images
            if case .stream(let id) = selection, images.isEmpty {
                throw ControlError(.noSuchStream, "the snapshot '\(name)' has no stream '\(id)'")
            }
            try table.restore(images)
            replyWhenDurable(["restored": images.count], to: address)
        } catch {
            reply(Result<JSONValue, ControlError>.failure(error), to: address)
        }
    }

    private mutating func resume(
        _ selection: ControlCommand.Selection, time: Int64, for address: ControlServer.ReturnAddress
    ) throws(ControlError) {
        var held = HeldDecisions()
        let count = try table.resume(selection, time: time) { id, decisions in held.append(id.utf8.span, decisions) }
        do throws(ZeroMQError) {
            try publishWhenDurable(held)
        } catch {
            logger.error("decisions could not be published: \(error)")
        }
        replyWhenDurable(["resumed": count], to: address)
    }

    /// Answers a request whose effect is to survive a crash, where a journal is kept.
    private mutating func replyWhenDurable(_ answer: [String: Int], to address: ControlServer.ReturnAddress) {
        whenDurable { $0.reply(.success(answer), to: address) }
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
            checkpoint: checkpoints.last, checkpointError: checkpoints.failure?.description, journal: group.status)
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
