public import ArgumentParser
public import Daemon
public import Store
public import Streams
public import Wire
import ZeroMQ

/// The flags for models, endpoints and state. A flag overrides the configuration file.
struct ServingOptions: ParsableArguments {
    @Argument(
        help: "The model file that serves every stream (.keras, .h5 or .safetensors).",
        completion: .file(extensions: ["keras", "h5", "safetensors"]))
    var model: String?

    @Argument(help: .hidden)
    var otherModels: [String] = []

    @Option(
        help: ArgumentHelp(
            "The configuration file (YAML) with endpoints, models and options. (default: none)", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "An endpoint for timesteps; may be given several times. The prefix pull: makes a PULL socket instead of SUB. "
                + "A codec in front, such as batch:, goes before --codec. (default: @tcp://127.0.0.1:5550)",
            valueName: "endpoint"),
        transform: { try CodedEndpoint($0) { text throws(EndpointError) in try IngestEndpoint(text) } })
    var ingest: [CodedEndpoint<IngestCodec, IngestEndpoint>] = []

    @Option(
        help: ArgumentHelp(
            "An endpoint for decisions; may be given several times. A codec in front, such as batch:, goes before "
                + "--codec. (default: @tcp://127.0.0.1:5551)",
            valueName: "endpoint"),
        transform: { try CodedEndpoint($0) { text throws(EndpointError) in try Endpoint(text) } })
    var decisions: [CodedEndpoint<DecisionCodec, Endpoint>] = []

    @Option(
        help: ArgumentHelp(
            "In the codec batch, the prefix of the topics of decisions, which end with the name of a model. "
                + "(default: \(DecisionBatch.topicPrefix))", valueName: "text"),
        transform: parseTopicPrefix)
    var topicPrefix: String?

    @Option(
        help: ArgumentHelp(
            "The endpoint for control requests. (default: @tcp://127.0.0.1:5552)", valueName: "endpoint"),
        transform: { try Endpoint($0) })
    var control: Endpoint?

    @Option(
        help: ArgumentHelp(
            "The format of the log on stderr: text, or json for one object per line. (default: text)",
            valueName: "format"))
    var logFormat: LogFormat?

    @Option(
        help: ArgumentHelp(
            "The log level: trace, debug, info, notice, warning, error or critical. 'sluice log-level' changes it while "
                + "the daemon runs. (default: info)", valueName: "level"))
    var logLevel: LogLevel?

    @Option(
        help: ArgumentHelp(
            "The encoding at every --decisions and --ingest without one, or at the default endpoints: binary, json or "
                + "batch. In a configuration file, only a single decisions endpoint takes it. (default: binary)",
            valueName: "codec"))
    var codec: DecisionCodec?

    @Flag(
        help: "Send a new subscriber the last decision of each of its streams, with the flag replayed. (default: no)")
    var lastValue = false

    @Option(
        help: ArgumentHelp(
            "The most messages that wait for each producer and each subscriber. Beyond it, a producer to pull: waits, and "
                + "other messages are dropped. (default: 100000)", valueName: "messages"))
    var highWaterMark: Int?

    @Option(
        help: ArgumentHelp("The folder for stored state. (default: none, all state is in memory)", valueName: "dir"),
        completion: .directory)
    var stateDir: String?

    @Option(
        help: ArgumentHelp(
            "The loss in a crash: memory (all state), checkpoint (changes since the last one) or journal (nothing). "
                + "(default: checkpoint with --state-dir)", valueName: "level"))
    var durability: DaemonConfiguration.Durability?

    @Option(
        help: ArgumentHelp(
            "With --durability journal: the size of the journal that triggers an early checkpoint. (default: 256)",
            valueName: "megabytes"))
    var journalSize: Int?

    @Option(
        help: ArgumentHelp(
            "With --durability journal: full (a power cut loses nothing) or normal (a power cut loses the last seconds, "
                + "kill -9 nothing). (default: full)", valueName: "level"))
    var journalSync: Journal.Sync?

    @Option(
        help: ArgumentHelp("Seconds between two checkpoints. (default: 5)", valueName: "seconds"))
    var checkpointInterval: Double?

    @Option(
        help: ArgumentHelp(
            "The treatment of stored state at the start if a model's weights have changed: refuse (the daemon does not "
                + "start), carry (keep the state if its shape still fits every layer) or reset. (default: refuse)",
            valueName: "what"))
    var onOtherWeights: StreamTable.OtherWeights?

    @Option(
        help: ArgumentHelp(
            "The treatment of damaged, missing or outdated files of stored state: refuse (the "
                + "daemon does not start) or set-aside (it moves them to a separate folder and continues with the "
                + "rest). (default: refuse)", valueName: "what"))
    var onDamagedState: DaemonConfiguration.OnDamagedState?

    @Option(
        help: ArgumentHelp(
            "Seconds without a timestep after which a stream hibernates: its state stays only in the state folder. "
                + "(default: never)", valueName: "seconds"))
    var idleAfter: Double?

    @Option(
        help: ArgumentHelp(
            "Seconds without a timestep after which a stream and its state are removed. (default: never)",
            valueName: "seconds"))
    var forgetAfter: Double?

    @Option(
        help: ArgumentHelp(
            "The most streams. Beyond it, timesteps of new streams are dropped and counted. (default: no limit)",
            valueName: "streams"))
    var maxStreams: Int?

    @Option(
        help: ArgumentHelp(
            "With MODEL: the mode, stateful, sequence, or window:LENGTH:STRIDE, which decides on the last LENGTH "
                + "timesteps after every STRIDE timesteps. (default: stateful if the model is, else sequence)",
            valueName: "mode"),
        transform: parseMode)
    var mode: ServingPolicy.Mode?

    @Option(
        help: ArgumentHelp(
            "With MODEL: the decisions to publish, every, last, change or final. (default: every, final for sequences)",
            valueName: "which"))
    var emit: ServingPolicy.Emit?

    @Option(
        help: ArgumentHelp(
            "With MODEL: the lowest output of label 1, or RISE:FALL. (default: 0.5 for a probability, 0 for a logit or "
                + "another number)",
            valueName: "output|rise:fall"),
        transform: parseThreshold)
    var threshold: ServingPolicy.Threshold?

    @Option(
        help: ArgumentHelp(
            "With MODEL: the effect of missing timesteps on the state, continue or reset. (default: continue)",
            valueName: "policy"))
    var gap: ServingPolicy.Gap?

    @Option(
        help: ArgumentHelp(
            "With MODEL: the new state of a stream whose state turns NaN or infinite, zero or (the last) checkpoint. "
                + "(default: zero)", valueName: "what"))
    var onFault: ServingPolicy.Fault?

    @Option(
        help: ArgumentHelp(
            "With MODEL: the longest sequence to buffer for a model that needs it whole. (default: 65536)",
            valueName: "timesteps"),
        transform: parseMaximumLength)
    var maxLength: Int?

    @OptionGroup var threads: ThreadOptions
    @OptionGroup var history: HistoryOptions

    @OptionGroup(title: "HTTP") var http: HTTPOptions
    @OptionGroup(title: "Access") var access: AccessOptions
    @OptionGroup(title: "Cluster") var cluster: ClusterOptions

    /// Returns the configuration, built from the file and the flags.
    ///
    /// - Throws: `DaemonError` with the exit status.
    func configuration() throws(DaemonError) -> DaemonConfiguration {
        var configuration = try served()
        let ingestCodec = IngestCodec(codec ?? .binary)
        if !ingest.isEmpty {
            configuration.ingest = ingest.map { .init($0.endpoint, codec: $0.codec ?? ingestCodec) }
        } else if config == nil {
            configuration.ingest = configuration.ingest.map { .init($0.endpoint, codec: ingestCodec) }
        }
        applyDecisions(to: &configuration)
        configuration.control = control ?? configuration.control
        configuration.highWaterMark = highWaterMark ?? configuration.highWaterMark
        guard DaemonConfiguration.isHighWaterMark(configuration.highWaterMark) else {
            throw DaemonError(.usage, "--high-water-mark must be a whole number of messages from 1 to 100000000")
        }
        http.apply(to: &configuration.http)
        configuration.logFormat = logFormat ?? configuration.logFormat
        configuration.logLevel = logLevel ?? configuration.logLevel
        configuration.stateFolder = stateDir ?? configuration.stateFolder
        configuration.durability = durability ?? configuration.durability
        configuration.checkpointInterval = checkpointInterval ?? configuration.checkpointInterval
        configuration.journalMegabytes = journalSize ?? configuration.journalMegabytes
        configuration.journalSync = journalSync ?? configuration.journalSync
        guard DaemonConfiguration.isInterval(configuration.checkpointInterval) else {
            throw DaemonError(.usage, "--checkpoint-interval must be more than 0 seconds and at most a year")
        }
        guard DaemonConfiguration.isJournalSize(configuration.journalMegabytes) else {
            throw DaemonError(.usage, "--journal-size must be a whole number of megabytes from 1 to 1000000")
        }
        try applyStreamLimits(to: &configuration)
        try threads.apply(to: &configuration)
        access.apply(to: &configuration.access)
        history.apply(to: &configuration)
        try cluster.apply(to: &configuration)
        try configuration.checkStateFolder(config == nil ? .usage : .configuration)
        return configuration
    }

    private func applyDecisions(to configuration: inout DaemonConfiguration) {
        if !decisions.isEmpty {
            // If the file has a single endpoint, its codec is the default for the flags, because its other properties
            // stay in force too.
            let usual = configuration.decisions.count == 1 ? configuration.decisions[0].codec : .binary
            configuration.decisions = decisions.map { .init($0.endpoint, codec: $0.codec ?? codec ?? usual) }
        } else if let codec, configuration.decisions.count == 1 {
            configuration.decisions[0].codec = codec
        }
        if let topicPrefix {
            for index in configuration.decisions.indices { configuration.decisions[index].topicPrefix = topicPrefix }
        }
        if lastValue { configuration.lastValue = true }
    }

    private func applyStreamLimits(to configuration: inout DaemonConfiguration) throws(DaemonError) {
        configuration.onOtherWeights = onOtherWeights ?? configuration.onOtherWeights
        configuration.onDamagedState = onDamagedState ?? configuration.onDamagedState
        for (flag, seconds) in [("--idle-after", idleAfter), ("--forget-after", forgetAfter)] {
            guard seconds.map(DaemonConfiguration.isInterval) ?? true else {
                throw DaemonError(.usage, "\(flag) must be more than 0 seconds and at most a year")
            }
        }
        guard maxStreams ?? 1 >= 1 else { throw DaemonError(.usage, "--max-streams must be at least 1") }
        configuration.idleAfter = idleAfter ?? configuration.idleAfter
        configuration.forgetAfter = forgetAfter ?? configuration.forgetAfter
        configuration.maximumStreams = maxStreams ?? configuration.maximumStreams
    }

    private func served() throws(DaemonError) -> DaemonConfiguration {
        if let model, let other = otherModels.first {
            throw DaemonError(
                .usage,
                "'\(other)' is a second model, but the command line takes one. Name both in a file, each with the beginnings "
                    + "of its streams' ids, and give --config FILE: models: {\(name(of: model)): {file: \(model), prefixes: "
                    + "[\"a-\"]}, \(name(of: other)): {file: \(other), prefixes: [\"b-\"]}}")
        }
        switch (model, config) {
        case (let model?, nil):
            var policy = ServingPolicy(gap: gap ?? .continue, fault: onFault ?? .zero)
            policy.maximumLength = maxLength ?? policy.maximumLength
            var configuration = DaemonConfiguration()
            configuration.models = [
                DaemonConfiguration.Model(
                    name: name(of: model), file: model, policy: policy, mode: mode, emit: emit,
                    threshold: threshold)
            ]
            return configuration
        case (nil, let config?):
            guard mode == nil, emit == nil, threshold == nil, gap == nil, maxLength == nil, onFault == nil else {
                throw DaemonError(
                    .usage,
                    "--mode, --emit, --threshold, --gap, --max-length and --on-fault need MODEL; in a configuration file each "
                        + "model has its own")
            }
            return try DaemonConfiguration(file: config)
        case (nil, nil):
            throw DaemonError(.usage, "no model to serve: give a MODEL file or --config FILE; see sluiced --help")
        case (_?, _?):
            throw DaemonError(.usage, "give a MODEL file or --config FILE, not both")
        }
    }

    /// Returns a file's name without its folder and extension: `model2` for `models/model2.keras`.
    private func name(of file: String) -> String {
        let last = file.split(separator: "/").last.map(String.init) ?? file
        return last.split(separator: ".").first.map(String.init) ?? last
    }
}

/// Reads a mode, such as `window:24:1`.
private func parseMode(_ text: String) throws -> ServingPolicy.Mode {
    guard let mode = ServingPolicy.Mode(text) else {
        throw ValidationError("a mode must be \(ServingPolicy.Mode.notation)")
    }
    return mode
}

private func parseTopicPrefix(_ text: String) throws -> String {
    guard DaemonConfiguration.isTopicPrefix(text) else {
        throw ValidationError("it must be \(DaemonConfiguration.topicPrefixNotation)")
    }
    return text
}

private func parseMaximumLength(_ text: String) throws -> Int {
    guard let length = Int(text), ServingPolicy.maximumLengths.contains(length) else {
        throw ValidationError("it must be from 1 to \(ServingPolicy.maximumLengths.upperBound)")
    }
    return length
}

/// Reads a threshold, such as `0.6:0.4`.
private func parseThreshold(_ text: String) throws -> ServingPolicy.Threshold {
    guard let threshold = ServingPolicy.Threshold(text) else {
        throw ValidationError("a threshold must be \(ServingPolicy.Threshold.notation)")
    }
    return threshold
}

extension DaemonConfiguration.Durability: ExpressibleByArgument {}
extension DaemonConfiguration.OnDamagedState: ExpressibleByArgument {}
extension DecisionCodec: ExpressibleByArgument {}
extension LogFormat: ExpressibleByArgument {}
extension LogLevel: ExpressibleByArgument {}
extension Journal.Sync: ExpressibleByArgument {}
extension ServingPolicy.Emit: ExpressibleByArgument {}
extension ServingPolicy.Fault: ExpressibleByArgument {}
extension ServingPolicy.Gap: ExpressibleByArgument {}
extension StreamTable.OtherWeights: ExpressibleByArgument {}
