import ArgumentParser
import Client
import ModelFiles
import Wire

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show a model file's layers, shapes, format, mode and fingerprint.",
        discussion: """
            Needs no daemon. The alias summary is Keras' word for it.

              sluice inspect model2.keras
            """,
        aliases: ["summary"])

    @Argument(
        help: "The model file: .keras, .h5 or .safetensors.",
        completion: .file(extensions: ["keras", "h5", "safetensors"]))
    var file: String

    @Flag(help: "Print one line of JSON.")
    var json = false

    func run() throws {
        let summary = ModelSummary(of: file, try ModelFile.readForTool(file))
        var output = StandardStream.output
        let lines = json ? [try JSONText.line(of: summary)] : summary.lines.map { VisibleText.escaped($0) }
        try output.writeLine(lines.joined(separator: "\n"))
    }
}

extension ModelFile {
    /// Reads a model file for a command.
    ///
    /// - Parameter path: The path of the file.
    /// - Returns: The model.
    /// - Throws: ``ClientError`` with the exit status that corresponds to the model file's error.
    static func readForTool(_ path: String) throws(ClientError) -> ModelFile {
        do {
            return try read(path)
        } catch {
            throw ClientError(error)
        }
    }
}
