public import ArgumentParser
import Client
public import Wire

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the daemon as a whole: models, endpoints, counters.")

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.status, as: DaemonStatus.self) { Report.lines($0) }
    }
}

struct StreamsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams", abstract: "List streams, ordered by id.")

    @Argument(help: "Only streams whose ids begin so.")
    var prefix = ""

    @Option(help: ArgumentHelp("At most so many streams (default: all).", valueName: "streams"))
    var limit: Int?

    @OptionGroup var options: ControlOptions

    func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be at least 1") }
    }

    func run() throws {
        let client = try options.connection.client(in: try ConnectionOptions.context())
        var streams: [StreamStatus] = []
        let isCut = try client.forEachPage(prefix: prefix, limit: limit) { streams += $0 }
        if options.json {
            let page = StreamPage(streams: streams, next: isCut ? streams.last?.stream : nil)
            try options.print([try JSONText.line(of: page)])
        } else {
            try options.print(Report.lines(streams) + (isCut ? ["… and more; a greater --limit shows them"] : []))
        }
    }
}

struct StreamCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "stream", abstract: "Show one stream.")

    @Argument(help: "The stream's id.")
    var id: String

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.stream(id), as: StreamStatus.self) { Report.lines([$0]) }
    }
}

struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Make every stream's state durable now.")

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.checkpoint, as: CheckpointResult.self) { [Report.line($0)] }
    }
}

struct LogLevelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-level",
        abstract: "Change what the daemon logs, from now on until it ends.",
        discussion: "Without a level it is only shown.")

    @Argument(help: "trace, debug, info, notice, warning, error or critical.")
    var level: LogLevel?

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.logLevel(level), as: [String: LogLevel].self) { answer in
            let before = answer["level"]?.rawValue ?? "unknown"
            return [level.map { "log level \($0.rawValue), before \(before)" } ?? "log level \(before)"]
        }
    }
}

extension LogLevel: ExpressibleByArgument {}

struct ShutdownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shutdown",
        abstract: "Stop the daemon in order: it drains, makes state durable and exits.",
        discussion: "Done as soon as the daemon has accepted; it may need some time more to stop.")

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.shutdown, as: Bool.self) { _ in ["the daemon stops"] }
    }
}
