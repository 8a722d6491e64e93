import ArgumentParser
import Client
import Wire
import ZeroMQ

/// How the daemon is reached.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The daemon's control endpoint: tcp://HOST:PORT or ipc://PATH; with @ in front the tool binds.",
            valueName: "endpoint"))
    var control = ControlClient.defaultEndpoint

    @Option(help: ArgumentHelp("Seconds that an answer may take.", valueName: "seconds"))
    var timeout = 60.0

    @OptionGroup var keys: KeyOptions

    func validate() throws {
        guard timeout > 0, timeout <= 86_400 else {
            throw ValidationError("--timeout must be above 0 and at most 86400 seconds")
        }
    }

    func client(in context: Context) throws(ClientError) -> ControlClient {
        try ControlClient(
            endpoint: control, timeoutSeconds: timeout, credentials: try keys.credentials(), in: context)
    }

    static func context() throws(ClientError) -> Context {
        do {
            return try Context()
        } catch {
            throw ClientError(.software, "\(error)")
        }
    }
}

/// What all commands on the control socket take.
struct ControlOptions: ParsableArguments {
    @OptionGroup var connection: ConnectionOptions

    @Flag(help: "Print the daemon's result as one line of JSON.")
    var json = false

    /// Asks the daemon and prints its answer: as JSON, or as the lines that a person reads.
    func run<R: Codable & Sendable>(
        _ command: ControlCommand, as type: R.Type, lines: (R) -> [String]
    ) throws(ClientError) {
        let client = try connection.client(in: try ConnectionOptions.context())
        try print(json ? [try client.callForJSON(command)] : lines(try client.call(command, as: type)))
    }

    /// Prints lines.
    func print(_ lines: [String]) throws(ClientError) {
        var output = StandardStream.output
        try output.writeLine(lines.map { VisibleText.escaped($0) }.joined(separator: "\n"))
    }

    /// Asks the daemon for something that it answers with a count, as `{"reset": 3}`.
    func runCounting(_ command: ControlCommand, _ text: (Int) -> String) throws(ClientError) {
        try run(command, as: [String: Int].self) { [text($0.values.first ?? 0)] }
    }
}

/// Which streams a command is for.
struct SelectionOptions: ParsableArguments {
    @Argument(help: "The one stream with this id.")
    var id: String?

    @Option(help: ArgumentHelp("All streams whose ids begin so (default: none).", valueName: "prefix"))
    var prefix: String?

    @Flag(help: "All streams.")
    var all = false

    /// The selection; nil where none was given.
    var selection: ControlCommand.Selection? {
        if let id { return .stream(id) }
        if let prefix { return .prefix(prefix) }
        return all ? .all : nil
    }

    func validate() throws {
        guard [id != nil, prefix != nil, all].count(where: \.self) <= 1 else {
            throw ValidationError("give only one of a stream's id, --prefix and --all")
        }
    }

    func required() throws -> ControlCommand.Selection {
        guard let selection else {
            throw ValidationError("say which streams: an id, --prefix PREFIX, or --all")
        }
        return selection
    }
}
