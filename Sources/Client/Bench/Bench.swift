import Wire
package import ZeroMQ

/// Measures a running daemon, alternating with a bare libzmq forwarder under the same load.
package struct Bench {
    private let plan: BenchPlan
    private let control: ControlClient
    private let contexts: BenchContexts

    /// Creates a measurement without sending anything.
    ///
    /// - Parameters:
    ///   - plan: The load.
    ///   - control: The daemon's control endpoint.
    ///   - credentials: The client's keys, if the daemon requires keys.
    /// - Throws: ``ClientError`` if the plan or the endpoint is not valid.
    package init(_ plan: BenchPlan, control: String, credentials: CurveCredentials? = nil) throws(ClientError) {
        guard plan.streams >= 1, plan.timesteps >= 1, plan.rounds >= 1, plan.inFlight >= 1 else {
            throw ClientError(.usage, "streams, timesteps, rounds and messages in flight must be at least 1")
        }
        let largest = min(plan.streams, BatchHeader.maximumCount)
        guard (1...largest).contains(plan.streamsPerMessage) else {
            throw ClientError(.usage, "--streams-per-message must be from 1 to the number of streams, at most 65536")
        }
        guard !plan.usesNumbers || (plan.streamsPerMessage > 1 && plan.streams <= BatchHeader.maximumCount) else {
            throw ClientError(.usage, "--numbers needs --streams-per-message, and at most 65536 streams")
        }
        guard plan.timesteps <= 10_000 else {
            throw ClientError(.usage, "--timesteps must be at most 10000")
        }
        guard plan.seconds > 0, plan.seconds <= 3600 else {
            throw ClientError(.usage, "--seconds must be more than 0 and at most 3600")
        }
        guard StreamID.isValid("\(plan.prefix)\(plan.streams)"), StreamID.isValid("\(plan.prefix)probe") else {
            throw ClientError(
                .usage,
                "the prefix '\(plan.prefix)' does not give valid stream ids; give a shorter --prefix without control characters"
            )
        }
        self.plan = plan
        contexts = try ClientError.wrapping { () throws(ZeroMQError) in try BenchContexts() }
        self.control = try ControlClient(
            endpoint: control, timeoutSeconds: 30, credentials: credentials, in: contexts.sending)
    }

    /// Measures all rounds. Stops the forwarder and removes the streams from the daemon at the end, even after an
    /// error.
    ///
    /// - Parameters:
    ///   - isCancelled: Called from any thread, many times a second. If it returns true, the measurement ends with
    ///     `CancellationError`.
    ///   - progress: Called with the name of the next step.
    /// - Returns: The results.
    /// - Throws: ``ClientError`` if a target cannot be reached, or does not answer every message.
    package func run(
        isCancelled: @escaping @Sendable () -> Bool, progress: (String) -> Void
    ) throws -> BenchReport {
        let status = try control.call(.status)
        let daemon = try target(status)
        let model = try model(status)
        let load = try Load(plan, features: model.features, vocabulary: model.tokens)
        guard try isUnused() else {
            throw ClientError(.usage, "streams with the prefix '\(plan.prefix)' exist already; give another --prefix")
        }
        defer { forgetStreams() }
        let forwarder = try ForwarderProcess(
            transport: daemon.decisions.transport, batches: daemon.publishesBatches,
            splittingInto: plan.streamsPerMessage > 1 && !daemon.publishesBatches
                ? Decision.recordSize(outputs: model.outputs) : nil)
        let targets = [("daemon", daemon), ("forwarder", forwarder.target)].map { name, target in
            LoadGenerator(
                plan: plan, load: load, target: target, name: name, contexts: contexts, isCancelled: isCancelled)
        }
        var rounds: [[BenchRound]] = [[], []]
        for number in 1...plan.rounds {
            progress("round \(number) of \(plan.rounds)")
            for (index, round) in try BenchTurns(plan).round(targets).enumerated() { rounds[index].append(round) }
        }
        guard let report = BenchReport(plan: plan, daemon: rounds[0], forwarder: rounds[1]) else {
            throw ClientError(.software, "there is nothing to report")
        }
        return report
    }

    /// Returns the endpoints through which a client reaches the daemon.
    private func target(_ status: DaemonStatus) throws -> BenchTarget {
        let ingest = try status.ingest(plan.streamsPerMessage > 1 ? .batch : .binary, control: control.endpoint)
        let published = try status.publishedDecisions(
            in: plan.streamsPerMessage > 1 ? [.batch, .binary, .json] : [.binary, .json], control: control.endpoint)
        return BenchTarget(
            ingest: ingest, decisions: published.endpoint, announcesSubscriptions: true,
            publishesBatches: published.topicPrefix != nil, credentials: control.credentials)
    }

    /// Returns the model that serves the streams.
    private func model(_ status: DaemonStatus) throws(ClientError) -> DaemonStatus.Model {
        guard let model = ModelRoutes(status.models).model(for: plan.prefix) else {
            throw ClientError(.usage, "no model takes streams with the prefix '\(plan.prefix)'; give another --prefix")
        }
        return model
    }

    /// Returns whether no stream has the prefix yet. If streams with the prefix existed, the measurement would feed and
    /// then remove them.
    private func isUnused() throws(ClientError) -> Bool {
        try control.call(.streams(prefix: plan.prefix, after: nil, limit: 1)).streams.isEmpty
    }

    /// Removes the streams. Ignores errors, because a daemon that has ended has no streams to remove.
    private func forgetStreams() {
        _ = try? control.call(.remove(.prefix(plan.prefix)))
    }
}

extension Endpoint {
    /// The part before `://`.
    fileprivate var transport: String { String(address.prefix { $0 != ":" }) }
}
