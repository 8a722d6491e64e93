public import ArgumentParser
import Client
public import Wire

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the daemon's models, endpoints and counters.")

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.status) { Report.lines($0) }
    }
}

struct StreamsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams", abstract: "List streams, ordered by id.")

    @Argument(help: "Only streams whose ids have this prefix.")
    var prefix = ""

    @Option(help: ArgumentHelp("The most streams to show (default: all).", valueName: "streams"))
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
            try options.print(Report.lines(streams) + (isCut ? ["… and more; give a greater --limit to see them"] : []))
        }
    }
}

struct StreamCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "stream", abstract: "Show one stream.")

    @Argument(help: "The stream's id.")
    var id: String

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.stream(id)) { Report.lines([$0]) }
    }
}

struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Make every stream's state durable now.")

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.checkpoint) { [Report.line($0)] }
    }
}

struct LogLevelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-level",
        abstract: "Show or change the daemon's log level until it ends.",
        discussion: "Without an argument, the command only shows the level.")

    @Argument(help: "The new level: trace, debug, info, notice, warning, error or critical.")
    var level: LogLevel?

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.logLevel(level)) { result in
            let before = result.level.rawValue
            return [level.map { "log level \($0.rawValue), before \(before)" } ?? "log level \(before)"]
        }
    }
}

extension LogLevel: ExpressibleByArgument {}

struct ShutdownCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "shutdown",
        abstract: "Stop the daemon in order: it drains, makes state durable and exits.",
        discussion: "The command ends when the daemon has accepted. The daemon may need more time to stop.")

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.shutdown) { _ in ["the daemon stops"] }
    }
}
