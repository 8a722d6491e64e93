import ArgumentParser
import Client
import Streams

/// The options for a model and a file with sequences, for the commands that read whole files.
struct SequenceOptions: ParsableArguments {
    @Argument(
        help: "The model file: .keras, .h5 or .safetensors.",
        completion: .file(extensions: ["keras", "h5", "safetensors"]))
    var model: String

    @OptionGroup var source: InputFileOptions

    @OptionGroup var rows: LabelledRowOptions

    /// The path of the file; `-` for standard input.
    var path: String { source.path }
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
