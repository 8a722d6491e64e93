import ArgumentParser
import Client
import ModelFiles

struct ConvertCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "convert",
        abstract: "Write a model as .safetensors, Sluice's own format, or as .keras.",
        discussion: """
            Writes the same model with the same fingerprint. The input is a Keras model (.keras, .h5), Sluice's own format, \
            or a PyTorch state dict (.safetensors) with a description of its layers (.yaml) beside it. Needs no daemon.

            A sluiced that is built without HDF5 and libzip reads only .safetensors. Keras 3 loads the .keras, with the \
            optimizer's state if the input is a .keras too. Models of Keras 2 are written as .safetensors only.

              sluice convert model2.keras model2.safetensors
              sluice convert model.safetensors model.keras
            """)

    @Argument(help: "The model to read.", completion: .file(extensions: ["keras", "h5", "safetensors"]))
    var input: String

    @Argument(
        help: "The file to write, .safetensors or .keras.", completion: .file(extensions: ["keras", "safetensors"]))
    var output: String

    @Flag(help: "Replace an existing file.")
    var force = false

    @OptionGroup var permissions: FileModeOptions

    func validate() throws {
        guard ModelDocument.isEnding(of: output) else {
            throw ValidationError("'\(output)' does not end in .safetensors or .keras")
        }
    }

    func run() throws {
        let size = try convert()
        var standard = StandardStream.output
        try standard.writeLine("wrote \(output), \(Quantity.bytes(size))")
    }

    private func convert() throws(ClientError) -> Int {
        do {
            if output.hasSuffix(".keras") {
                try ModelDocument.checkOutput(output, replacing: force)
                return try ModelDocument.read(input).write(to: output, replacing: force, mode: permissions.bits)
            }
            return try ModelFile.convert(input, to: output, replacing: force, mode: permissions.bits)
        } catch {
            throw ClientError(error)
        }
    }
}
