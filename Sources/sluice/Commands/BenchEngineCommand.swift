import ArgumentParser
import Client

/// `sluice bench engine`: measures the engine's steps and the machine's bounds.
struct BenchEngineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Measure the engine alone, against the machine's own bounds.",
        discussion: """
            Steps models of random weights on one core with each set of vector instructions of the machine. In turn, it \
            runs loops that only multiply and add, compute e^x, or read memory. Needs no daemon.

              sluice bench engine --units 10 64
            """)

    @Option(parsing: .upToNextOption, help: "The widths of the layers, one or more.")
    var units = [10, 32, 64, 128, 256, 512]

    @Option(help: ArgumentHelp("The number of samples of each figure, a few milliseconds each.", valueName: "times"))
    var samples = 25

    @Flag(help: "Print one JSON object.")
    var json = false

    /// The parent command, which has the flag `--json` too and receives it wherever it stands on the command line.
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
