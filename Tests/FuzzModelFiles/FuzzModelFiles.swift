import ArgumentParser
import Foundation
import KerasArchives
import ModelFiles
import TestSupport

/// Gives damaged model files to the readers, and counts what comes of them.
///
/// libhdf5 and libzip may crash, which is why they have a process of their own in the programs. To start one for each
/// input would take too long, so workers read many inputs each, and are started anew after the one that they crash on.
/// The reader of safetensors, and what is done with an answer of the others, must never crash.
@main
struct FuzzModelFiles: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz-model-files",
        abstract: "Give damaged model files to the readers of .keras, .h5 and .safetensors.",
        discussion: "Exit status: 0 where nothing crashed or hung but the C libraries in their own process, else 1.")

    @Option(help: "How many inputs.")
    var inputs = 100_000

    @Option(help: "What the inputs are made of: the same inputs for the same seed.")
    var seed: UInt64 = 1

    @Option(help: "A folder that is given each input that something crashed on or hung.")
    var keep: String?

    @Option(help: ArgumentHelp("Be a worker: the first input.", visibility: .hidden))
    var first: Int?

    @Option(help: ArgumentHelp("Be a worker: the kind of inputs.", visibility: .hidden))
    var kind: FuzzInput.Kind?

    static func main() {
        KerasReaderProcess.runIfAsked()
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
