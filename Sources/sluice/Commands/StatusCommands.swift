public import ArgumentParser
import Client
import Foundation
public import Wire

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the daemon's models, endpoints, counters and rate.",
        discussion: """
            Looks at the daemon twice within half a second for the rate. --json looks once and has no rate.

              sluice status
              sluice status --target plant --json
            """)

    @OptionGroup var options: ControlOptions

    func run() throws {
        let client = try options.connection.client(in: try ConnectionOptions.context())
        guard !options.json else { return try options.print([try client.callForJSON(.status)]) }
        let first = try client.call(.status)
        Thread.sleep(forTimeInterval: StatusRate.seconds)
        let second = try client.call(.status)
        try options.print(Report.lines(second, rate: StatusRate(from: first, to: second)))
    }
}

struct StreamsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams", abstract: "List streams, ordered by id.",
        discussion: """
              sluice streams
              sluice streams hall-07/ --limit 20
            """)

    @Argument(help: "Only streams whose ids have this prefix.", completion: DaemonNames.streams)
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
    static let configuration = CommandConfiguration(
        commandName: "stream",
        abstract: "Show one stream in full: position, last decisions, state and counters.",
        discussion: """
            The history shows the last decisions that fit, the newest on the right. --json has all that the daemon keeps.

              sluice stream meter-1
            """)

    @Argument(help: "The stream's id.", completion: DaemonNames.streams)
    var id: String

    @OptionGroup var options: ControlOptions

    func run() throws {
        let client = try options.connection.client(in: try ConnectionOptions.context())
        guard !options.json else { return try options.print([try JSONText.line(of: try json(from: client))]) }
        let stream = try client.call(.stream(id))
        let model = try client.call(.status).models.first { $0.name == stream.model }
        let state = try client.call(.export(id)).stateValues(outputs: model?.outputs ?? 0)
        let history = try client.history(HistoryRequest(.named([id])))
        try options.print(Report.lines(stream, model: model, state: state, history: history))
    }

    /// Returns the daemon's answer, with the stream's last decisions as the member `history`.
    private func json(from client: ControlClient) throws(ClientError) -> JSONValue {
        let answer = try client.call(.stream(id), as: JSONValue.self)
        let history = try client.history(HistoryRequest(.named([id])), as: JSONValue.self)
        guard case .object(var members) = answer, case .array(let streams) = history?.members?["streams"],
            let first = streams.first?.members
        else { return answer }
        members["history"] = .object(first.filter { ["times", "probabilities", "marks"].contains($0.key) })
        return .object(members)
    }
}

struct CheckpointCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "checkpoint", abstract: "Make every stream's state durable now.",
        discussion: """
              sluice checkpoint
            """)

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.checkpoint) { [Report.line($0)] }
    }
}

struct LogLevelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-level",
        abstract: "Show or change the daemon's log level until it ends.",
        discussion: """
            Without an argument, the command only shows the level.

              sluice log-level
              sluice log-level debug
            """)

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
        discussion: """
            The command ends when the daemon has accepted. The daemon may need more time to stop.

              sluice shutdown
            """)

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.shutdown) { _ in ["the daemon stops"] }
    }
}
