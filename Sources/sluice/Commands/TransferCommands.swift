import ArgumentParser
import Client
import FoundationEssentials
import ModelFiles
import Wire

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print all that one stream knows, as one line of JSON that import takes.",
        discussion: """
              sluice export meter-1 --output meter-1.json
              sluice export meter-1 | ssh other sluice import
            """)

    @Argument(help: "The stream's id.")
    var id: String

    @Option(
        help: ArgumentHelp(
            "A file to write it to; one that is there is replaced (default: none, standard output).",
            valueName: "file"))
    var output: String?

    @OptionGroup var permissions: FileModeOptions
    @OptionGroup var connection: ConnectionOptions

    func run() throws {
        let client = try connection.client(in: try ConnectionOptions.context())
        let line = try JSONText.line(of: try client.call(.export(id), as: StreamExport.self))
        guard let output else {
            var standard = StandardStream.output
            return try standard.writeLine(line)
        }
        do {
            try OutputFile.write(Array("\(line)\n".utf8), to: output, mode: permissions.bits)
        } catch {
            throw ClientError(error)
        }
    }
}

struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Put a stream in place that export printed, under its own id or another.",
        discussion: """
            Refused where the daemon has a stream of that id, or where the state belongs to other weights than it serves.

              sluice import meter-1.json --as meter-1-copy
            """)

    @Argument(help: "The file; - or none: standard input.")
    var file = "-"

    @Option(name: .customLong("as"), help: ArgumentHelp("The id that it gets (default: its own).", valueName: "id"))
    var newID: String?

    @OptionGroup var options: ControlOptions

    func run() throws {
        let input = try InputFile(path: file)
        let stream: StreamExport
        do {
            stream = try JSONDecoder().decode(StreamExport.self, from: Data(try input.readToEnd()))
        } catch let error as ClientError {
            throw error
        } catch {
            throw ClientError(.data, "\(input.name) is not what 'sluice export' prints")
        }
        try options.run(.import(stream, as: newID), as: [String: String].self) { answer in
            ["imported \(answer["stream"] ?? "")"]
        }
    }
}

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Have the daemon read a model's file again, and go on with its weights.",
        discussion: """
            Streams go on with the state that they have, where every layer's state has the same shape; else nothing is \
            changed, unless --reset is given. SIGHUP does the same for all models.
            """)

    @Argument(help: "The model's name, as status has it.")
    var model: String

    @Flag(help: "Set the state of its streams to zero; their sequence goes on.")
    var reset = false

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.reload(model: model, reset: reset), as: ReloadResult.self) { result in
            ["\(model): \(result.fingerprint.prefix(12)), \(Quantity.count(result.carried, of: "state")) carried"]
        }
    }
}
