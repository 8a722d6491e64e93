import ArgumentParser
import Client
import Wire
import ZeroMQ

struct PipeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pipe",
        abstract: "Send timesteps from a file or from standard input to the daemon.",
        discussion: """
            The first row of CSV names the columns; with --no-header they are called 1, 2, … The separator may be a \
            comma, a semicolon or a tab. A repeated header is skipped. JSON lines are objects such as \
            {"stream": "s1", "values": [0.1], "sequence": 7, "start": true, "end": false}, where "values" may also be \
            several timesteps, [[0.1], [0.2]]; a JSON array has such objects as elements. With --stream, a row of JSON may \
            be the values alone: 0.1, [0.1], or a whole sequence [[0.1], [0.2]].

            With --wide, each row is a whole sequence. An array of NumPy has the shape (sequences, timesteps, features), \
            or (timesteps, features) for one sequence or a part of a stream. Whole sequences are sent with start and end. \
            All forms may be compressed with gzip.

            A wrong row is not sent and ends the command with an error that names file and line; with \
            --on-bad-row skip it is counted instead. The command succeeds \
            only when the daemon has consumed everything.

            Timesteps without numbers continue the daemon's count, so that only one command at a time may feed a \
            stream. If the daemon ends and is back within 30 s (or --timeout, if that is less), the command repeats the \
            timesteps that the daemon lost, from the file or from the last 64 MB of standard input. Otherwise the exit \
            status is 75, and the message states how many timesteps are missing and from which sequence.

            With --sequence-by, each sequence is decided when the model is served in the mode sequence or window. A \
            sequence ends when the next row of its stream starts another, and at the end of the input, so that each \
            stream's newest row waits for the next. Ctrl-C sends the rows that arrived, without an end.

              sluice pipe power.csv --stream meter-1 --values power
              sluice pipe meters.csv --stream-column id --streams-per-message 1000
              sluice pipe x_test.npy --stream test
              tail -n +1 -F readings.csv | sluice pipe --stream-column id --sequence-by trip
            """)

    @Argument(
        help: "The file to send; - or none for standard input.",
        completion: .file(extensions: RowOptions.extensions))
    var file = "-"

    @OptionGroup var rowOptions: RowOptions

    @Option(
        help: ArgumentHelp("Timesteps per second (default: as fast as the daemon consumes them).", valueName: "rate"))
    var rate: Double?

    @Option(help: ArgumentHelp("The most timesteps of one stream in one message.", valueName: "timesteps"))
    var batch = 1

    @Option(
        help: ArgumentHelp(
            "The most rows of different streams in one message. With more than 1, the daemon needs an ingest endpoint with "
                + "the codec batch.", valueName: "rows"))
    var streamsPerMessage = 1

    @Flag(
        help: """
            Continue after the daemon's last timestep: number each stream's timesteps from 1 in the order of the input, \
            and leave out those that the daemon has consumed already.
            """)
    var resume = false

    @Option(
        help: ArgumentHelp(
            "The daemon's ingest endpoint, with pull: in front for a PULL socket (default: as the daemon reports "
                + "it).", valueName: "endpoint"))
    var ingest: String?

    @OptionGroup(title: "Connection Options") var connection: ConnectionOptions

    func validate() throws {
        if let rate, !(rate >= 1e-6 && rate <= 1e9) {
            throw ValidationError("--rate must be from 1e-6 to 1e9 timesteps per second")
        }
        guard batch >= 1, batch <= 1_000_000 else { throw ValidationError("--batch must be 1 to 1000000 timesteps") }
        guard streamsPerMessage >= 1, streamsPerMessage <= BatchHeader.maximumCount else {
            throw ValidationError("--streams-per-message must be 1 to \(BatchHeader.maximumCount)")
        }
        if let ingest { _ = try Self.endpoint(ingest) }
    }

    func run() throws {
        let input = try InputFile(path: file)
        let context = try ConnectionOptions.context()
        let feed = Feed(
            input,
            options: Feed.Options(
                layout: try rowOptions.layout(), rate: rate, batch: batch, streamsPerMessage: streamsPerMessage,
                resumes: resume,
                ingest: try ingest.map(Self.endpoint),
                timeoutSeconds: connection.timeout),
            control: try connection.client(in: context), in: context)
        let report = try feed.run()
        var output = StandardStream.error
        try output.writeLine(report.text)
        report.repeatSignal()
    }

    private static func endpoint(_ text: String) throws -> IngestEndpoint {
        do {
            return try IngestEndpoint(text)
        } catch {
            throw ValidationError("--ingest: \(error)")
        }
    }
}
