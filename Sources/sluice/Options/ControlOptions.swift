import ArgumentParser
import Client
import Wire
import ZeroMQ

/// The options for reaching the daemon.
struct ConnectionOptions: ParsableArguments {
    @OptionGroup var place: PlaceOptions

    @Option(help: ArgumentHelp("The most seconds to wait for an answer.", valueName: "seconds"))
    var timeout = 60.0

    func validate() throws {
        guard timeout > 0, timeout <= 86_400 else {
            throw ValidationError("--timeout must be above 0 and at most 86400 seconds")
        }
    }

    func client(in context: Context) throws(ClientError) -> ControlClient {
        let place = try place.resolved()
        return try ControlClient(
            endpoint: place.control, timeoutSeconds: timeout, credentials: place.credentials, in: context)
    }

    static func context() throws(ClientError) -> Context {
        do {
            return try Context()
        } catch {
            throw ClientError(.software, "\(error)")
        }
    }
}

/// The options common to all control commands.
struct ControlOptions: ParsableArguments {
    @OptionGroup(title: "Connection Options") var connection: ConnectionOptions

    @Flag(help: "Print the daemon's answer as one line of JSON.")
    var json = false

    /// Sends a command and prints the answer, as JSON or as human-readable lines.
    func run<R>(_ call: ControlCall<R>, lines: (R) -> [String]) throws(ClientError) {
        let client = try connection.client(in: try ConnectionOptions.context())
        try print(json ? [try client.callForJSON(call.command)] : lines(try client.call(call)))
    }

    /// Prints lines.
    func print(_ lines: [String]) throws(ClientError) {
        var output = StandardStream.output
        try output.writeLine(lines.map { VisibleText.escaped($0) }.joined(separator: "\n"))
    }
}

/// The selection of streams for a command.
struct SelectionOptions: ParsableArguments {
    @Argument(help: "The id of one stream.", completion: DaemonNames.streams)
    var id: String?

    @Option(
        help: ArgumentHelp("All streams whose ids have this prefix (default: none).", valueName: "prefix"),
        completion: DaemonNames.streams)
    var prefix: String?

    @Flag(help: "All streams.")
    var all = false

    /// The selection; nil if none was given.
    var selection: ControlCommand.Selection? {
        if let id { return .stream(id) }
        if let prefix { return .prefix(prefix) }
        return all ? .all : nil
    }

    func validate() throws {
        guard [id != nil, prefix != nil, all].count(where: \.self) <= 1 else {
            throw ValidationError("give only one of a stream id, --prefix and --all")
        }
    }

    func required() throws -> ControlCommand.Selection {
        guard let selection else {
            throw ValidationError("no streams selected; give an id, --prefix PREFIX or --all")
        }
        return selection
    }
}
