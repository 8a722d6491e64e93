import Wire
public import ZeroMQ

/// Measures a running daemon and, in turn with it, a bare libzmq forwarder under the same load.
public struct Bench {
    private let plan: BenchPlan
    private let control: ControlClient
    private let contexts: BenchContexts

    /// Creates a measurement; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - plan: How to load the targets.
    ///   - control: Where the daemon takes requests.
    ///   - credentials: The client's keys, where the daemon asks for them.
    /// - Throws: ``ClientError`` where the plan or the endpoint is none.
    public init(_ plan: BenchPlan, control: String, credentials: CurveCredentials? = nil) throws(ClientError) {
        guard plan.streams >= 1, plan.timesteps >= 1, plan.rounds >= 1, plan.inFlight >= 1 else {
            throw ClientError(.usage, "streams, timesteps, rounds and messages in flight must be at least 1")
        }
        guard plan.timesteps <= 10_000 else {
            throw ClientError(.usage, "a message has at most 10,000 timesteps")
        }
        guard plan.seconds > 0, plan.seconds <= 3600 else {
            throw ClientError(.usage, "a round lasts more than 0 and at most 3600 seconds")
        }
        guard StreamID.isValid("\(plan.prefix)\(plan.streams)"), StreamID.isValid("\(plan.prefix)probe") else {
            throw ClientError(.usage, "the prefix '\(plan.prefix)' makes no stream ids: they have at most 255 bytes")
        }
        self.plan = plan
        contexts = try ClientError.wrapping { () throws(ZeroMQError) in try BenchContexts() }
        self.control = try ControlClient(
            endpoint: control, timeoutSeconds: 30, credentials: credentials, in: contexts.sending)
    }

    /// Measures all rounds. Whatever comes of it, the forwarder is stopped and the daemon forgets the streams.
    ///
    /// - Parameters:
    ///   - isCancelled: Asked from any thread, many times a second; yes ends it with `CancellationError`.
    ///   - progress: Told what is measured next.
    /// - Returns: What was measured.
    /// - Throws: ``ClientError`` where a target cannot be reached, or does not decide on every message.
    public func run(
        isCancelled: @escaping @Sendable () -> Bool, progress: (String) -> Void
    ) throws -> BenchReport {
        let status = try control.call(.status, as: DaemonStatus.self)
        let daemon = try target(status)
        let model = try model(status)
        let load = Load(plan, features: model.features, vocabulary: model.tokens)
        guard try isUnused() else {
            throw ClientError(.usage, "there are streams that begin with '\(plan.prefix)': --prefix gives another one")
        }
        defer { forgetStreams() }
        let forwarder = try ForwarderProcess(transport: daemon.decisions.transport)
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

    /// The other sides of the daemon's endpoints.
    private func target(_ status: DaemonStatus) throws -> BenchTarget {
        let ingest = try status.binaryIngest(control: control.endpoint)
        do {
            return BenchTarget(
                ingest: ingest,
                decisions: try Endpoint(status.endpoints.decisions).peer(control: control.endpoint),
                announcesSubscriptions: true, credentials: control.credentials)
        } catch {
            throw ClientError(.protocol, "the daemon's endpoints cannot be read: \(error)")
        }
    }

    /// The model that takes the streams.
    private func model(_ status: DaemonStatus) throws(ClientError) -> DaemonStatus.Model {
        guard let model = ModelRoutes(status.models).model(for: plan.prefix) else {
            throw ClientError(.usage, "no model takes streams that begin with '\(plan.prefix)': give a --prefix")
        }
        return model
    }

    /// Whether no stream of somebody else begins so: they would be fed, and forgotten in the end.
    private func isUnused() throws(ClientError) -> Bool {
        let command = ControlCommand.streams(prefix: plan.prefix, after: nil, limit: 1)
        return try control.call(command, as: StreamPage<StreamStatus>.self).streams.isEmpty
    }

    /// A daemon that is gone has nothing to forget.
    private func forgetStreams() {
        _ = try? control.call(.remove(.prefix(plan.prefix)), as: JSONValue.self)
    }
}

extension Endpoint {
    /// What stands before `://`.
    fileprivate var transport: String { String(address.prefix { $0 != ":" }) }
}
