import ArgumentParser
import Client
import ModelFiles

struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Write a model as .safetensors, Sluice's own format.",
        discussion: """
            The same model with the same fingerprint, for machines whose sluiced is built without HDF5 and libzip. It may \
            come from Keras (.keras, .h5) or be a state dict of PyTorch (.safetensors) with a description of its layers \
            beside it (.yaml). Asks no daemon.
            """)

    @Argument(help: "The model that is read.")
    var input: String

    @Argument(help: "The file that is written, OUT.safetensors.")
    var output: String

    @Flag(help: "Replace the file if it is there.")
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
    /// A model file that was not read or not written.
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
