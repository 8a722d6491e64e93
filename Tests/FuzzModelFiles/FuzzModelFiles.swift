import ArgumentParser
import Foundation
import KerasArchives
import ModelFiles
import TestSupport

/// Passes damaged model files to the readers, and counts the outcomes.
///
/// libhdf5 and libzip may crash, so the programs run them in a separate process. Here, a process per input would take
/// too long. Instead, each worker reads many inputs, and a new worker starts after a crash. The safetensors reader must
/// never crash, nor must the code that reads the libraries' output.
@main
struct FuzzModelFiles: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz-model-files",
        abstract: "Give damaged model files to the readers of .keras, .h5 and .safetensors.",
        discussion: "Exit status: 0 if nothing crashed or hung except the C libraries in their own process, else 1.")

    @Option(help: "The number of inputs.")
    var inputs = 100_000

    @Option(help: "The seed. The same seed gives the same inputs.")
    var seed: UInt64 = 1

    @Option(help: "A folder for each input that caused a crash or a hang.")
    var keep: String?

    @Option(help: ArgumentHelp("Be a worker: the first input.", visibility: .hidden))
    var first: Int?

    @Option(help: ArgumentHelp("Be a worker: the kind of inputs.", visibility: .hidden))
    var kind: FuzzInput.Kind?

    static func main() {
        KerasTaskProcess.runIfAsked()
        Self.main(nil)
    }

    func validate() throws {
        guard inputs >= 1 else { throw ValidationError("--inputs must be at least 1") }
    }

    func run() throws {
        let corpus = try Corpus()
        if let first, let kind {
            try Worker(corpus: corpus, seed: seed, kind: kind).run(first: first, count: inputs)
            return
        }
        let tally = try Driver(corpus: corpus, seed: seed, kept: keep).run(inputs: inputs)
        print(tally.lines.joined(separator: "\n"))
        if !tally.isClean { throw ExitCode.failure }
    }
}

extension FuzzInput.Kind: ExpressibleByArgument {}
