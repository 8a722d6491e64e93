import ArgumentParser
import Client

/// `sluice bench engine`: how fast a step is, beside what the machine can do.
struct BenchEngineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Measure the engine alone, beside the machine's own bounds.",
        discussion: """
            Steps models of random weights on one core, with each set of vector instructions that the machine has, and in \
            turn with them loops that do nothing but multiply and add, e^x, or read memory. Asks no daemon.
            """)

    @Option(parsing: .upToNextOption, help: "Widths of the layers, one or more.")
    var units = [10, 32, 64, 128, 256, 512]

    @Option(help: ArgumentHelp("How often each figure is taken, a few milliseconds each time.", valueName: "times"))
    var samples = 25

    @Flag(help: "Print one JSON object.")
    var json = false

    /// The command that this one belongs to has a `--json` too, and is given it wherever it stands.
    @ParentCommand private var bench: BenchCommand

    func run() throws {
        let json = json || bench.json
        var standardError = StandardStream.error
        let shows = standardError.isTerminal
        let report = try EngineBench(sizes: units, samples: samples).run { text in
            if shows { try? standardError.write("\r\u{1B}[K\(text) …") }
        }
        if shows { try? standardError.write("\r\u{1B}[K") }
        var output = StandardStream.output
        try output.writeLine(json ? try JSONText.line(of: report) : report.lines.joined(separator: "\n"))
    }
}
