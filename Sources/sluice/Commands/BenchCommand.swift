import ArgumentParser
import Client
import Foundation
import Synchronization
import Wire

/// `sluice bench`: measures the daemon and a bare forwarder.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a running daemon, and a bare libzmq forwarder for comparison.",
        usage: "sluice bench [<options>]",
        discussion: """
            Loads the daemon with temporary streams, alternating with a bare SUB to PUB forwarder in another process, \
            which is the upper bound for such sockets. Throughput counts the decisions that come back. Latency is the \
            round-trip time of one message alone. The streams are removed at the end.

              sluice bench
              sluice bench --timesteps 100 --json
              sluice bench --streams-per-message 1000
            """,
        subcommands: [BenchEngineCommand.self, BenchTrainingCommand.self, BenchForwarderCommand.self])

    @OptionGroup(title: "Connection Options") var place: PlaceOptions

    @Option(help: ArgumentHelp("The number of streams that get messages in turn.", valueName: "streams"))
    var streams = 1000

    @Option(
        help: ArgumentHelp(
            "The streams in one message. With more than 1, the daemon needs an ingest endpoint with the codec batch; if it "
                + "publishes its decisions one by one, the forwarder splits the messages.", valueName: "streams"))
    var streamsPerMessage = 1

    @Flag(help: "With --streams-per-message: name the streams by numbers in a dictionary, not by ids.")
    var numbers = false

    @Option(help: ArgumentHelp("The timesteps in one message, for each of its streams.", valueName: "timesteps"))
    var timesteps = 1

    @Option(help: ArgumentHelp("The seconds of load that count in one round.", valueName: "seconds"))
    var seconds = 2.0

    @Option(help: ArgumentHelp("The number of rounds for daemon and forwarder each.", valueName: "rounds"))
    var rounds = 5

    @Option(
        help: ArgumentHelp(
            "The most messages on their way at any time. (default: 5000, fewer with --streams-per-message)",
            valueName: "messages"))
    var inFlight: Int?

    @Option(
        help: ArgumentHelp(
            "The prefix of the temporary streams' ids; a model must take it. (default: bench-<pid>-)",
            valueName: "prefix"))
    var prefix: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let plan = BenchPlan(
            streams: streams, streamsPerMessage: streamsPerMessage, usesNumbers: numbers, timesteps: timesteps,
            seconds: seconds, rounds: rounds, inFlight: inFlight ?? max(4, 5000 / max(1, streamsPerMessage)),
            prefix: prefix ?? "bench-\(ProcessInfo.processInfo.processIdentifier)-")
        let interruption = Interruption()
        defer { withExtendedLifetime(interruption) {} }
        let shows = isatty(STDERR_FILENO) == 1
        do {
            let place = try place.resolved()
            let report = try Bench(plan, control: place.control, credentials: place.credentials).run(
                isCancelled: { [flag = interruption.flag] in flag.came },
                progress: { if shows { Self.say("\r\u{1B}[K\($0) …") } })
            if shows { Self.say("\r\u{1B}[K") }
            let lines = json ? [try JSONText.line(of: report)] : report.lines.map { VisibleText.escaped($0) }
            print(lines.joined(separator: "\n"))
            guard report.lostByDaemon == 0 else { throw ExitCode(ExitStatus.temporary.rawValue) }
        } catch is CancellationError {
            if shows { Self.say("\r\u{1B}[K") }
            throw ExitCode(128 + SIGINT)
        } catch let error as ClientError {
            Self.say("\(shows ? "\r\u{1B}[K" : "")sluice bench: \(VisibleText.escaped("\(error)"))\n")
            throw ExitCode(error.status.rawValue)
        }
    }

    private static func say(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }
}

/// Turns Ctrl-C and SIGTERM into a flag, so that the command can remove its streams before it ends.
private final class Interruption {
    /// The flag, which any thread may read.
    final class Flag: Sendable {
        private let isSet = Atomic<Bool>(false)

        /// Whether Ctrl-C was pressed or SIGTERM arrived.
        var came: Bool { isSet.load(ordering: .relaxed) }

        fileprivate func set() { isSet.store(true, ordering: .relaxed) }
    }

    let flag = Flag()
    private let sources: [any DispatchSourceSignal]

    init() {
        sources = [SIGINT, SIGTERM].map { [flag] number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { flag.set() }
            source.resume()
            return source
        }
    }

    deinit {
        for source in sources { source.cancel() }
    }
}

/// The forwarder that `sluice bench` starts with ``Client/Forwarder/arguments``. It is not meant to be run by hand.
struct BenchForwarderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forwarder", abstract: "Forward messages from a SUB to a PUB socket.",
        shouldDisplay: false)

    @Argument(help: "The endpoint of both sockets, with a wildcard.")
    var endpoint: String

    @Option(
        help: ArgumentHelp(
            "Split batches into one message per entry, with a second frame of this size in bytes (default: none).",
            valueName: "bytes"))
    var splittingInto: Int?

    func run() throws {
        try Forwarder.run(at: endpoint, splittingInto: splittingInto)
    }
}
