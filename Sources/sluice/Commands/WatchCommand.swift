import ArgumentParser
package import Client
import Wire
import ZeroMQ

struct WatchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Show decisions as they arrive: a live table on a terminal, else lines for programs.",
        discussion: """
            The command shows every decision that the daemon publishes after the line "watching …" on standard error. In \
            CSV, the flags are 0 or 1 and several probabilities are joined by semicolons. Time is in nanoseconds since \
            the Unix epoch. Press Ctrl-C to end.

            Keys of the live table: q ends it, the arrows scroll, / filters ids, s changes the order, p pauses. There are \
            no colours with NO_COLOR, and no table with TERM=dumb.

            If the daemon ends or its connection dies, the command reports the loss within 30 s, on standard error or \
            above the table, and reconnects when the daemon is back. It then reports how many timesteps passed \
            meanwhile, by the sequence numbers of each stream.

            Of several decisions endpoints, the command takes the first in the codec binary, else in batch, else in json. \
            With --decisions, it reads all three.

            The live table begins with the last decisions of up to 1000 streams that decided most recently, with the flag \
            replayed, unless --decisions names the endpoint. A daemon with last_value also sends a new subscriber the \
            last decision of each stream. Lines show each decision only once.

              sluice watch meter-
              sluice watch --format jsonl > decisions.jsonl
            """)

    @Argument(help: "Only streams whose ids have this prefix.", completion: DaemonNames.streams)
    var prefix = ""

    @Option(help: ArgumentHelp("csv or jsonl (default: a live table on a terminal, else csv).", valueName: "format"))
    var format: DecisionText?

    @Option(
        help: ArgumentHelp(
            "The live table's order: id, recent (the last change of label first), probability (the highest first) or "
                + "auto (id while all streams fit).",
            valueName: "order"))
    var sort = DecisionBoard.Order.auto

    @Flag(
        help: """
            Show events instead of decisions, one JSON object per line: resets, restores, reloads, and streams that \
            hibernate or are forgotten, removed or quarantined.
            """)
    var events = false

    @Option(
        help: ArgumentHelp("The number of decisions or events to show (default: no limit).", valueName: "decisions"))
    var count: UInt64?

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("The number of seconds to watch (default: no limit).", valueName: "seconds"))
    var duration: Double?

    @Option(
        help: ArgumentHelp(
            "The daemon's decisions endpoint (default: as the daemon reports it).", valueName: "endpoint"))
    var decisions: String?

    @OptionGroup(title: "Connection Options") var connection: ConnectionOptions

    func validate() throws {
        if events, !prefix.isEmpty || format != nil {
            throw ValidationError("--events shows the events of all streams as JSON; leave out the prefix and --format")
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
        var control: ControlClient?
        let endpoint: Endpoint
        var topicPrefix: String? = DecisionBatch.topicPrefix
        if let decisions {
            endpoint = try Self.endpoint(decisions, "--decisions")
        } else {
            let client = try connection.client(in: context)
            control = client
            let status = try client.call(.status)
            models = status.models
            let published = try status.publishedDecisions(
                in: [.binary, .batch, .json], control: client.endpoint)
            endpoint = published.endpoint
            topicPrefix = published.topicPrefix
        }
        let subscriber = try DecisionSubscriber(
            endpoint: endpoint, prefix: events ? StreamEvent.topic : prefix,
            batches: events ? nil : topicPrefix, credentials: try connection.place.resolved().credentials, in: context)
        var watch = try Watch(
            subscriber,
            options: Watch.Options(
                format: format, order: sort, events: events, count: count, seconds: duration, models: models))
        let shown = events ? "events" : prefix.isEmpty ? "all streams" : prefix
        let title = "watching \(shown) at \(endpoint.address)"
        var output = StandardStream.error
        try output.writeLine(title)
        try watch.run(title: title) { (try? control?.histories(prefix: prefix)) ?? [] }
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
