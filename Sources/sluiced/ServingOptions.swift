public import ArgumentParser
public import Daemon
public import Store
public import Streams
public import Wire
import ZeroMQ

/// What to serve and where, as flags. A flag that is given goes before the configuration file.
struct ServingOptions: ParsableArguments {
    @Argument(help: "The Keras file that serves every stream (.keras, or legacy .h5).")
    var model: String?

    @Option(
        help: ArgumentHelp("A YAML file with endpoints, models and their options. (default: none)", valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Where timesteps come in; may be given several times. With pull: before it a PULL socket, else SUB. "
                + "(default: @tcp://127.0.0.1:5550)", valueName: "endpoint"),
        transform: { try IngestEndpoint($0) })
    var ingest: [IngestEndpoint] = []

    @Option(
        help: ArgumentHelp("Where decisions go out. (default: @tcp://127.0.0.1:5551)", valueName: "endpoint"),
        transform: { try Endpoint($0) })
    var decisions: Endpoint?

    @Option(
        help: ArgumentHelp("Where requests are taken. (default: @tcp://127.0.0.1:5552)", valueName: "endpoint"),
        transform: { try Endpoint($0) })
    var control: Endpoint?

    @Option(
        help: ArgumentHelp(
            "How the log on stderr is written: text, or json, an object a line. (default: text)", valueName: "format"))
    var logFormat: LogFormat?

    @Option(
        help: ArgumentHelp(
            "What is logged: trace, debug, info, notice, warning, error or critical. 'sluice log-level' changes it while "
                + "the daemon runs. (default: info)", valueName: "level"))
    var logLevel: LogLevel?

    @Option(
        help: ArgumentHelp(
            "How messages are written, binary or json: decisions, and timesteps at every --ingest (or at the default "
                + "endpoint). Endpoints of the file keep their own for timesteps. (default: binary)",
            valueName: "codec"))
    var codec: DecisionCodec?

    @Flag(
        help: "Tell a new subscriber where the streams stand that it subscribes to, marked as replayed. (default: no)")
    var lastValue = false

    @Option(
        help: ArgumentHelp(
            "Messages that may wait for each peer: for each producer to be taken, for each subscriber to be sent. What is "
                + "more waits with the producer (pull:), or is dropped. (default: 100000)", valueName: "messages"))
    var highWaterMark: Int?

    @Option(
        help: ArgumentHelp("The folder that keeps the state. (default: none, all lives in memory)", valueName: "dir"))
    var stateDir: String?

    @Option(
        help: ArgumentHelp(
            "How much a crash may lose: memory (all), checkpoint (what changed since the last) or journal (nothing). "
                + "(default: checkpoint with --state-dir)", valueName: "level"))
    var durability: DaemonConfiguration.Durability?

    @Option(
        help: ArgumentHelp(
            "With --durability journal: the size of the journal at which a checkpoint is made early. (default: 256)",
            valueName: "megabytes"))
    var journalSize: Int?

    @Option(
        help: ArgumentHelp(
            "With --durability journal: full (a power cut loses nothing) or normal (kill -9 loses nothing, a power cut "
                + "the last seconds). (default: full)", valueName: "level"))
    var journalSync: Journal.Sync?

    @Option(
        help: ArgumentHelp("Seconds from one checkpoint to the next. (default: 5)", valueName: "seconds"))
    var checkpointInterval: Double?

    @Option(
        help: ArgumentHelp(
            "What becomes of stored state at the start where a model has other weights now: refuse (the daemon does not "
                + "start), carry (it goes on where every layer's state has the same shape) or reset. (default: refuse)",
            valueName: "what"))
    var onOtherWeights: StreamTable.OtherWeights?

    @Option(
        help: ArgumentHelp(
            "What becomes of stored state that is damaged, or of which a file is missing or older than the rest: refuse (the "
                + "daemon does not start) or set-aside (it is moved into a folder of its own, and the daemon goes on with the "
                + "rest). (default: refuse)", valueName: "what"))
    var onDamagedState: DaemonConfiguration.OnDamagedState?

    @Option(
        help: ArgumentHelp(
            "Seconds without a timestep after which a stream's state is kept in the state folder alone, until its next. "
                + "(default: never)", valueName: "seconds"))
    var idleAfter: Double?

    @Option(
        help: ArgumentHelp(
            "Seconds without a timestep after which a stream is removed with all of its state. (default: never)",
            valueName: "seconds"))
    var forgetAfter: Double?

    @Option(
        help: ArgumentHelp(
            "The most streams; timesteps of new ones are dropped then, and counted. (default: no limit)",
            valueName: "streams"))
    var maxStreams: Int?

    @Option(
        help: ArgumentHelp(
            "With MODEL: stateful, sequence, or window:LENGTH:STRIDE, which decides on the last LENGTH timesteps afresh, "
                + "every STRIDE of them. (default: what the file asks for)", valueName: "mode"),
        transform: parseMode)
    var mode: ServingPolicy.Mode?

    @Option(
        help: ArgumentHelp(
            "With MODEL: which decisions are published, every, last, change or final. (default: every, final for sequences)",
            valueName: "which"))
    var emit: ServingPolicy.Emit?

    @Option(
        help: ArgumentHelp(
            "With MODEL: the probability from which the label is 1, or RISE:FALL. (default: 0.5)",
            valueName: "p|rise:fall"),
        transform: parseThreshold)
    var threshold: ServingPolicy.Threshold?

    @Option(
        help: ArgumentHelp(
            "With MODEL: what missing timesteps do to the state, continue or reset. (default: continue)",
            valueName: "policy"))
    var gap: ServingPolicy.Gap?

    @Option(
        help: ArgumentHelp(
            "With MODEL: what a state that turns NaN or infinite is reset to, zero or checkpoint (the last). "
                + "(default: zero)", valueName: "what"))
    var onFault: ServingPolicy.Fault?

    @Option(
        help: ArgumentHelp(
            "With MODEL: the most timesteps of a sequence that the model needs whole. (default: 65536)",
            valueName: "timesteps"),
        transform: parseMaximumLength)
    var maxLength: Int?

    @OptionGroup var threads: ThreadOptions

    @OptionGroup(title: "HTTP") var http: HTTPOptions
    @OptionGroup(title: "Access") var access: AccessOptions

    /// The configuration that file and flags add up to.
    ///
    /// - Throws: `DaemonError` with the exit status.
    func configuration() throws(DaemonError) -> DaemonConfiguration {
        var configuration = try served()
        let ingestCodec = IngestCodec(codec ?? .binary)
        if !ingest.isEmpty {
            configuration.ingest = ingest.map { DaemonConfiguration.Ingest($0, codec: ingestCodec) }
        } else if config == nil {
            configuration.ingest = configuration.ingest.map { .init($0.endpoint, codec: ingestCodec) }
        }
        configuration.decisions.endpoint = decisions ?? configuration.decisions.endpoint
        configuration.decisions.codec = codec ?? configuration.decisions.codec
        if lastValue { configuration.decisions.lastValue = true }
        configuration.control = control ?? configuration.control
        configuration.highWaterMark = highWaterMark ?? configuration.highWaterMark
        guard DaemonConfiguration.isHighWaterMark(configuration.highWaterMark) else {
            throw DaemonError(.usage, "--high-water-mark is in messages, a whole number from 1 to 100000000")
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
            throw DaemonError(.usage, "--checkpoint-interval is in seconds, more than 0 and at most a year")
        }
        guard configuration.durability != .journal || configuration.stateFolder != nil else {
            throw DaemonError(.usage, "a journal needs a folder: --durability journal goes with --state-dir DIR")
        }
        guard DaemonConfiguration.isJournalSize(configuration.journalMegabytes) else {
            throw DaemonError(.usage, "--journal-size is in megabytes, a whole number from 1 to a million")
        }
        try applyStreamLimits(to: &configuration)
        try threads.apply(to: &configuration)
        access.apply(to: &configuration.access)
        return configuration
    }

    private func applyStreamLimits(to configuration: inout DaemonConfiguration) throws(DaemonError) {
        configuration.onOtherWeights = onOtherWeights ?? configuration.onOtherWeights
        configuration.onDamagedState = onDamagedState ?? configuration.onDamagedState
        for (flag, seconds) in [("--idle-after", idleAfter), ("--forget-after", forgetAfter)] {
            guard seconds.map(DaemonConfiguration.isInterval) ?? true else {
                throw DaemonError(.usage, "\(flag) is in seconds, more than 0 and at most a year")
            }
        }
        guard maxStreams ?? 1 >= 1 else { throw DaemonError(.usage, "--max-streams is at least 1") }
        configuration.idleAfter = idleAfter ?? configuration.idleAfter
        configuration.forgetAfter = forgetAfter ?? configuration.forgetAfter
        configuration.maximumStreams = maxStreams ?? configuration.maximumStreams
        guard configuration.idleAfter == nil || configuration.keepsState else {
            throw DaemonError(
                idleAfter == nil ? .configuration : .usage,
                "--idle-after keeps the state of idle streams in the state folder; give --state-dir DIR")
        }
    }

    private func served() throws(DaemonError) -> DaemonConfiguration {
        switch (model, config) {
        case (let model?, nil):
            var policy = ServingPolicy(threshold: threshold ?? .half, gap: gap ?? .continue, fault: onFault ?? .zero)
            policy.maximumLength = maxLength ?? policy.maximumLength
            var configuration = DaemonConfiguration()
            configuration.models = [
                DaemonConfiguration.Model(
                    name: name(of: model), file: model, policy: policy, mode: mode, emit: emit)
            ]
            return configuration
        case (nil, let config?):
            guard mode == nil, emit == nil, threshold == nil, gap == nil, maxLength == nil, onFault == nil else {
                throw DaemonError(
                    .usage,
                    "--mode, --emit, --threshold, --gap, --max-length and --on-fault go with MODEL; in a file each model "
                        + "has its own")
            }
            return try DaemonConfiguration(file: config)
        case (nil, nil):
            throw DaemonError(.usage, "what shall be served? give a MODEL file, or --config FILE; see --help")
        case (_?, _?):
            throw DaemonError(.usage, "give a MODEL file or --config FILE, not both")
        }
    }

    /// A file's name without folder and ending: `model2` for `models/model2.keras`.
    private func name(of file: String) -> String {
        let last = file.split(separator: "/").last.map(String.init) ?? file
        return last.split(separator: ".").first.map(String.init) ?? last
    }
}

/// Reads a mode, `window:24:1` among them.
private func parseMode(_ text: String) throws -> ServingPolicy.Mode {
    guard let mode = ServingPolicy.Mode(text) else {
        throw ValidationError("a mode is \(ServingPolicy.Mode.notation)")
    }
    return mode
}

private func parseMaximumLength(_ text: String) throws -> Int {
    guard let length = Int(text), ServingPolicy.maximumLengths.contains(length) else {
        throw ValidationError("it is from 1 to \(ServingPolicy.maximumLengths.upperBound)")
    }
    return length
}

/// Reads `P` or `RISE:FALL`.
private func parseThreshold(_ text: String) throws -> ServingPolicy.Threshold {
    let bounds = text.split(separator: ":", omittingEmptySubsequences: false).compactMap { Float($0) }
    let colons = text.count { $0 == ":" }
    guard bounds.count == colons + 1, colons <= 1,
        let threshold = ServingPolicy.Threshold(rise: bounds[0], fall: bounds[colons])
    else {
        throw ValidationError("a threshold is a number from 0 to 1, or RISE:FALL with FALL not above RISE")
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
