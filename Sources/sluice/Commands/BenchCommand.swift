import ArgumentParser
import Client
import Foundation
import Synchronization
import Wire

/// `sluice bench`: how fast the daemon is, beside a bare forwarder.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure a running daemon, and a bare libzmq forwarder beside it.",
        usage: "sluice bench [<options>]",
        discussion: """
            Loads the daemon with throw-away streams, and in turn with it a bare SUB to PUB forwarder in a process of \
            its own: the bound of what such sockets can do. Throughput is counted over the decisions that come back; \
            latency is that of one message alone, there and back. The streams are removed in the end.
            """,
        subcommands: [BenchEngineCommand.self, BenchForwarderCommand.self])

    @Option(help: ArgumentHelp("Where the daemon takes requests.", valueName: "endpoint"))
    var control = ControlClient.defaultEndpoint

    @OptionGroup var keys: KeyOptions

    @Option(help: ArgumentHelp("Streams that the messages are for, in turn.", valueName: "streams"))
    var streams = 1000

    @Option(help: ArgumentHelp("Timesteps in one message.", valueName: "timesteps"))
    var timesteps = 1

    @Option(help: ArgumentHelp("Seconds of load that are counted in one round.", valueName: "seconds"))
    var seconds = 2.0

    @Option(help: ArgumentHelp("How often each of the two is measured.", valueName: "rounds"))
    var rounds = 5

    @Option(help: ArgumentHelp("Messages that may be on their way at any time.", valueName: "messages"))
    var inFlight = 5000

    @Option(
        help: ArgumentHelp(
            "What the ids of the throw-away streams begin with; must route to a model. (default: bench-<pid>-)",
            valueName: "prefix"))
    var prefix: String?

    @Flag(help: "Print one JSON object.")
    var json = false

    func run() throws {
        let plan = BenchPlan(
            streams: streams, timesteps: timesteps, seconds: seconds, rounds: rounds, inFlight: inFlight,
            prefix: prefix ?? "bench-\(ProcessInfo.processInfo.processIdentifier)-")
        let interruption = Interruption()
        defer { withExtendedLifetime(interruption) {} }
        let shows = isatty(STDERR_FILENO) == 1
        do {
            let report = try Bench(plan, control: control, credentials: keys.credentials()).run(
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

/// Ctrl-C as a value to ask for, so that the streams are removed first.
private final class Interruption {
    /// May be asked from any thread.
    final class Flag: Sendable {
        private let isSet = Atomic<Bool>(false)

        /// Whether it came.
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

/// What `sluice bench` starts to compare with, by ``Client/Forwarder/arguments``: not for people.
struct BenchForwarderCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forwarder", abstract: "Forward messages from a SUB to a PUB socket.",
        shouldDisplay: false)

    @Argument(help: "What both sockets are bound to, with a wildcard.")
    var endpoint: String

    func run() throws {
        try Forwarder.run(at: endpoint)
    }
}
