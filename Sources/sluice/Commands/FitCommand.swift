import ArgumentParser
import Client
import FoundationEssentials
import ModelFiles
import Streams

struct FitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fit",
        abstract: "Train a model on the sequences of a file with labels, as Keras' fit does.",
        discussion: """
            The loss and the optimizer are those that the model was compiled with, unless options say otherwise. The output \
            is a .keras file that Keras loads and trains on, or a .safetensors file with the same content. MODEL does not \
            change.

            The file is read as predict reads it. The label of a sequence is the label of its last row. A sequence without \
            one is left out. A model that answers every timestep is trained on the labels of all rows.

            A stateful model is trained on --chunk timesteps at once. Its state goes on from chunk to chunk, and the \
            gradient ends at each chunk. The state is zero before each sequence, unless --keep-state. Rows without a label \
            move the state and teach nothing. --streams sequences, of different streams, are trained on side by side.

            On a terminal there is one line for each epoch, and the curve of the loss at the end. In a pipe there are \
            comma-separated values. Ctrl-C ends the training after the batch and writes what there is, with exit status \
            75; --resume goes on. If the loss is not a number, the weights before it are written, with exit status 65.

              sluice fit model3.keras power_train.csv -o trained.keras --values x0 --sequence-by stream --epochs 20
              sluice fit model4.keras splice.csv -o trained.keras --alphabet ACGT --validation-split 0.2 \\
                  --early-stopping val_loss:5 --restore-best
              sluice fit trained.keras more.csv -o trained.keras --force --resume --epochs 40
              sluice fit model2.keras day.csv -o tuned.keras --initial-state meter.json --final-state meter-tuned.json
            """)

    @OptionGroup var sequences: SequenceOptions

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "The file of the trained model, .keras or .safetensors (default: none, so give one).", valueName: "file"),
        completion: .file(extensions: ["keras", "safetensors"]))
    var output: String

    @Flag(help: "Replace existing files.")
    var force = false

    @Option(
        help: ArgumentHelp(
            "Divide the file's sequences: sequence after the length of the model's input, window:LENGTH:STRIDE into each "
                + "window of LENGTH timesteps, STRIDE apart, with the label of its last row (default: as they are).",
            valueName: "mode"),
        transform: ServingPolicy.Mode.parse)
    var mode: ServingPolicy.Mode?

    @OptionGroup(title: "Training Options") var training: FitChoiceOptions
    @OptionGroup(title: "Stateful Options") var stateful: StatefulFitOptions
    @OptionGroup(title: "Files and Validation Options") var files: FitFileOptions
    @OptionGroup var permissions: FileModeOptions
    @OptionGroup var page: LiveOptions

    @Flag(name: .shortAndLong, help: "Write nothing to standard output and no closing line.")
    var quiet = false

    func validate() throws {
        for path in [output, files.checkpoint].compactMap(\.self)
        where !ModelDocument.isEnding(of: path) {
            throw ValidationError("'\(path)' does not end in .keras or .safetensors")
        }
    }

    func run() throws {
        let document: ModelDocument
        do {
            document = try ModelDocument.read(sequences.model)
        } catch {
            throw ClientError(error)
        }
        try Fit(try plan(for: document), document).run()
    }

    private func plan(for document: ModelDocument) throws -> FitPlan {
        var plan = FitPlan(
            model: sequences.model, input: sequences.path, output: output,
            layout: try sequences.rows.layout(weight: files.weight))
        plan.labels = try sequences.rows.labelFile()
        plan.choices = training.choices(cores: ProcessInfo.processInfo.activeProcessorCount)
        plan.fit = training.fit
        plan.division = try division(for: document)
        stateful.add(to: &plan, document)
        if document.file.isStateful, training.batchSize != nil {
            throw ValidationError(
                "a stateful model is trained on --streams sequences side by side; leave out --batch-size")
        }
        files.add(to: &plan)
        plan.replaces = force
        plan.mode = permissions.bits
        plan.live = page.live
        plan.isQuiet = quiet
        return plan
    }

    private func division(for document: ModelDocument) throws -> LabelledSequences.Division {
        switch mode {
        case nil: return .none
        case .sequence: return document.file.sequenceLength.map { .length($0) } ?? .none
        case .window(let window): return .windows(length: window.length, stride: window.stride)
        case .stateful:
            throw ValidationError(
                "--mode is sequence or window:LENGTH:STRIDE here; a model's file says whether it is stateful")
        }
    }
}
