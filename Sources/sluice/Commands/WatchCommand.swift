public import ArgumentParser
public import Client
import Wire
import ZeroMQ

struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show decisions as they come: a live table on a terminal, else lines for other programs.",
        discussion: """
            Every decision that the daemon publishes after the line "watching …" on standard error is shown. In CSV \
            the flags are 0 or 1 and several probabilities are joined by semicolons; time is in nanoseconds since the \
            Unix epoch. Ctrl-C ends it.

            A daemon that is lost, by its end or a connection that went dark, is said so within 30 s, on standard \
            error or above the table, and connected to again when it is back. Then it is said how many timesteps \
            passed meanwhile, by the sequence of each stream.

            A daemon with last_value tells a new subscriber where the streams stand: the live table shows that at once, \
            flagged as replayed; lines have decisions only, each once.
            """)

    @Argument(help: "Only streams whose ids begin so.")
    var prefix = ""

    @Option(help: ArgumentHelp("csv or jsonl (default: a live table on a terminal, else csv).", valueName: "format"))
    var format: DecisionText?

    @Option(
        help: ArgumentHelp(
            "The live table's order: id, recent (whose label changed last) or auto (id while all fit the window).",
            valueName: "order"))
    var sort = DecisionBoard.Order.auto

    @Flag(
        help: """
            Show events instead of decisions, one JSON object a line: resets, restores, reloads, streams that fall \
            asleep or are forgotten, removed or quarantined.
            """)
    var events = false

    @Option(help: ArgumentHelp("End after so many decisions, or events (default: never).", valueName: "decisions"))
    var count: UInt64?

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("End after so many seconds (default: never).", valueName: "seconds"))
    var duration: Double?

    @Option(
        help: ArgumentHelp("The daemon's decisions endpoint (default: the daemon is asked).", valueName: "endpoint"))
    var decisions: String?

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if events, !prefix.isEmpty || format != nil {
            throw ValidationError("--events shows the events of all streams as JSON; give no prefix and no --format")
        }
        if count == 0 { throw ValidationError("--count must be at least 1") }
        if let duration, !(duration > 0 && duration <= 1e9) {
            throw ValidationError("--for must be above 0 and at most 1e9 seconds")
        }
        if let decisions { _ = try Self.endpoint(decisions, "--decisions") }
    }

    func run() throws {
        let context = try ConnectionOptions.context()
        var models: [DaemonStatus.Model] = []
        let endpoint: Endpoint
        if let decisions {
            endpoint = try Self.endpoint(decisions, "--decisions")
        } else {
            let client = try connection.client(in: context)
            let status = try client.call(.status, as: DaemonStatus.self)
            models = status.models
            endpoint = try Self.endpoint(status.endpoints.decisions, "the daemon's decisions endpoint")
                .peer(control: client.endpoint)
        }
        let subscriber = try DecisionSubscriber(
            endpoint: endpoint, prefix: events ? StreamEvent.topic : prefix,
            credentials: try connection.keys.credentials(), in: context)
        var watch = try Watch(
            subscriber,
            options: Watch.Options(
                format: format, order: sort, events: events, count: count, seconds: duration, models: models))
        let shown = events ? "events" : prefix.isEmpty ? "all streams" : prefix
        let title = "watching \(shown) at \(endpoint.address)"
        var output = StandardStream.error
        try output.writeLine(title)
        try watch.run(title: title)
    }

    private static func endpoint(_ text: String, _ name: String) throws -> Endpoint {
        do {
            return try Endpoint(text)
        } catch {
            throw ValidationError("\(name): \(error)")
        }
    }
}

extension DecisionText: ExpressibleByArgument {}
extension DecisionBoard.Order: ExpressibleByArgument {}
