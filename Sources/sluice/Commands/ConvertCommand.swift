import ArgumentParser
import Client
import ModelFiles

struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Write a model as .safetensors, Sluice's own format.",
        discussion: """
            Writes the same model with the same fingerprint, for a sluiced that is built without HDF5 and libzip. The input \
            is a Keras model (.keras, .h5), or a PyTorch state dict (.safetensors) with a description of its layers (.yaml) \
            beside it. Needs no daemon.

              sluice convert model2.keras model2.safetensors
            """)

    @Argument(help: "The model to read.", completion: .file(extensions: ["keras", "h5", "safetensors"]))
    var input: String

    @Argument(help: "The file to write, OUT.safetensors.", completion: .file(extensions: ["safetensors"]))
    var output: String

    @Flag(help: "Replace an existing file.")
    var force = false

    @OptionGroup var permissions: FileModeOptions

    func validate() throws {
        guard output.hasSuffix(".safetensors") else {
            throw ValidationError("'\(output)' does not end in .safetensors")
        }
    }

    func run() throws {
        let size = try convert()
        var standard = StandardStream.output
        try standard.writeLine("wrote \(output), \(Quantity.bytes(size))")
    }

    private func convert() throws(ClientError) -> Int {
        do {
            return try ModelFile.convert(input, to: output, replacing: force, mode: permissions.bits)
        } catch {
            throw ClientError(error)
        }
    }
}

extension ClientError {
    /// Creates an error with the status that corresponds to a model file's error.
    init(_ error: ModelFileError) {
        let status: ExitStatus =
            switch error.code {
            case .notFound, .unreadable: .noInput
            case .notAModel, .corrupt, .unsupported: .data
            case .exists, .notWritten: .cannotCreate
            }
        self.init(status, "\(error)")
    }
}
