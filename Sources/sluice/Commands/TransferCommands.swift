import ArgumentParser
import Client
import FoundationEssentials
import ModelFiles
import Wire

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print one stream with its state as one line of JSON for import.",
        discussion: """
              sluice export meter-1 --output meter-1.json
              sluice export meter-1 | ssh other sluice import
            """)

    @Argument(help: "The stream's id.", completion: DaemonNames.streams)
    var id: String

    @Option(
        help: ArgumentHelp(
            "The file to write or replace (default: none, standard output).",
            valueName: "file"), completion: .file())
    var output: String?

    @OptionGroup var permissions: FileModeOptions
    @OptionGroup(title: "Connection Options") var connection: ConnectionOptions

    func run() throws {
        let client = try connection.client(in: try ConnectionOptions.context())
        let line = try JSONText.line(of: try client.call(.export(id)))
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
        abstract: "Create a stream from an export, under its own id or another.",
        discussion: """
            The daemon refuses if it has a stream with this id, or if the state belongs to other weights.

              sluice import meter-1.json --as meter-1-copy
            """)

    @Argument(help: "The file to read; - or none for standard input.", completion: .file(extensions: ["json"]))
    var file = "-"

    @Option(name: .customLong("as"), help: ArgumentHelp("The new stream's id (default: its own).", valueName: "id"))
    var newID: String?

    @OptionGroup var options: ControlOptions

    func run() throws {
        let input = try InputFile(path: file)
        let streams = try StreamExport.read(input)
        guard let stream = streams.first, streams.count == 1 else {
            throw ClientError(
                .data, "\(input.name) has \(streams.count) streams; import them one by one, such as with head -n 1")
        }
        try options.run(.import(stream, as: newID)) { ["imported \($0.stream)"] }
    }
}

struct ReloadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reload",
        abstract: "Read a model's file again and continue with its weights.",
        discussion: """
            Streams keep their state if every layer's state has the same shape. Otherwise the daemon refuses and changes \
            nothing, unless you give --reset. SIGHUP does the same for all models.

              sluice reload model2
            """)

    @Argument(help: "The model's name, as 'sluice status' shows it.", completion: DaemonNames.models)
    var model: String

    @Flag(help: "Set the state of its streams to zero. Their sequence continues.")
    var reset = false

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.reload(model: model, reset: reset)) { result in
            ["\(model): \(result.fingerprint.prefix(12)), \(Quantity.count(result.carried, of: "state")) carried"]
        }
    }
}
