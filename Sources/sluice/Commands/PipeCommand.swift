import ArgumentParser
import Client
import ZeroMQ

struct PipeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipe",
        abstract: "Send timesteps from a file, or from standard input as they come, to the daemon.",
        discussion: """
            CSV has its columns' names in the first row; JSON lines are objects such as \
            {"stream": "s1", "values": [0.1], "sequence": 7, "start": true, "end": false}, where "values" may also be \
            several timesteps, [[0.1], [0.2]].

            A row that is wrong ends the command before it is sent, with its file and line. The command ends \
            successfully only once the daemon has consumed everything.

            Timesteps without a number are numbered on from where the daemon stands, so one command at a time feeds \
            a stream. If the daemon ends meanwhile and comes back within 30 s (or --timeout, if that is less), \
            whatever it lost is sent again: from the file, or from the last 64 MB of standard input. Otherwise the \
            exit status is 75, and the message says how many timesteps are missing, and from which sequence.

              sluice pipe power.csv --stream meter-1 --values power
              tail -f readings.csv | sluice pipe --stream-column id --sequence-by trip
            """)

    @Argument(help: "The file; - or none: standard input.")
    var file = "-"

    @OptionGroup var reading: ReadingOptions

    @Option(help: ArgumentHelp("Timesteps a second (default: as fast as the daemon takes them).", valueName: "rate"))
    var rate: Double?

    @Option(help: ArgumentHelp("Timesteps of one stream that may go in one message.", valueName: "timesteps"))
    var batch = 1

    @Flag(
        help: """
            Go on where the daemon stands: each stream's timesteps are numbered from 1 in the order of the input, and \
            those that it has consumed already are left out.
            """)
    var resume = false

    @Option(
        help: ArgumentHelp(
            "The daemon's ingest endpoint, with pull: in front where the daemon has it so (default: the daemon is "
                + "asked).", valueName: "endpoint"))
    var ingest: String?

    @OptionGroup var connection: ConnectionOptions

    func validate() throws {
        if let rate, !(rate >= 1e-6 && rate <= 1e9) {
            throw ValidationError("--rate must be from 1e-6 to 1e9 timesteps a second")
        }
        guard batch >= 1, batch <= 1_000_000 else { throw ValidationError("--batch must be 1 to 1000000 timesteps") }
        if let ingest { _ = try Self.endpoint(ingest) }
    }

    func run() throws {
        let input = try InputFile(path: file)
        let context = try ConnectionOptions.context()
        let feed = Feed(
            input,
            options: Feed.Options(
                layout: try reading.layout(), rate: rate, batch: batch, resumes: resume,
                ingest: try ingest.map(Self.endpoint),
                timeoutSeconds: connection.timeout),
            control: try connection.client(in: context), in: context)
        let summary = try feed.run()
        var output = StandardStream.error
        try output.writeLine(summary)
    }

    private static func endpoint(_ text: String) throws -> IngestEndpoint {
        do {
            return try IngestEndpoint(text)
        } catch {
            throw ValidationError("--ingest: \(error)")
        }
    }
}
