import ArgumentParser
import Client
import Streams

/// The options for a model and a file with sequences, for the commands that read whole files.
struct SequenceOptions: ParsableArguments {
    @Argument(
        help: "The model file: .keras, .h5 or .safetensors.",
        completion: .file(extensions: ["keras", "h5", "safetensors"]))
    var model: String

    @Argument(
        help: "The file with the sequences; - or none for standard input.",
        completion: .file(extensions: RowOptions.extensions))
    var file: String?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The same as FILE (default: none).", valueName: "file"),
        completion: .file(extensions: RowOptions.extensions))
    var input: String?

    @OptionGroup var rows: LabelledRowOptions

    func validate() throws {
        if file != nil, input != nil { throw ValidationError("give the file as FILE or with --input, not both") }
    }

    /// The path of the file; `-` for standard input.
    var path: String { file ?? input ?? "-" }
}

extension ServingPolicy.Mode {
    /// Parses a mode from the command line.
    static func parse(_ text: String) throws -> ServingPolicy.Mode {
        guard let mode = ServingPolicy.Mode(text) else {
            throw ValidationError("a mode must be \(ServingPolicy.Mode.notation)")
        }
        return mode
    }
}
