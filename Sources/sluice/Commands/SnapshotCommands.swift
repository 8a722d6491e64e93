import ArgumentParser
import Client
import Wire

struct SnapshotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Keep a durable copy of the state of streams, as of now, under a name.",
        discussion: """
            Of all streams, unless an id or --prefix says which. With --output the snapshot goes to a file too, a \
            plain SQLite database; without a name it is only there.

              sluice snapshot before-update
              sluice snapshot --output backup.sluice
            """)

    @Argument(help: "The snapshot's name; may be left out with --output.")
    var name: String?

    @Option(
        help: ArgumentHelp(
            "A file to write it to; one that is there is replaced (default: none).", valueName: "file"))
    var output: String?

    @OptionGroup var permissions: FileModeOptions
    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    func validate() throws {
        if name == nil, output == nil { throw ValidationError("give the snapshot a name, or an --output file") }
    }

    func run() throws {
        if let output {
            let transfer = SnapshotTransfer(control: try options.connection.client(in: ConnectionOptions.context()))
            let status = try transfer.save(
                name, which.selection ?? .all, to: output, mode: permissions.bits)
            try options.print([options.json ? try JSONText.line(of: status) : Report.line(status, file: output)])
            return
        }
        guard let name else { return }
        try options.run(.snapshot(name: name, which.selection ?? .all), as: SnapshotStatus.self) { [Report.line($0)] }
    }
}

struct SnapshotsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshots", abstract: "List the snapshots, oldest first.")

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.snapshots, as: SnapshotList.self) { Report.lines($0.snapshots) }
    }
}

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Put the state, step and sequence of streams back to what a snapshot has.",
        discussion: "Of all streams in the snapshot, unless an id or --prefix says which. All of them, or none.")

    @Argument(help: "The snapshot's name; left out with --input.")
    var name: String?

    @Option(
        help: ArgumentHelp("A file that snapshot --output wrote (default: none, the daemon has it).", valueName: "file")
    )
    var input: String?

    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    /// With a file the first argument is a stream's id, as there is no name.
    private var selection: ControlCommand.Selection {
        get throws {
            guard input != nil, let id = name else { return which.selection ?? .all }
            guard which.selection == nil else { throw ValidationError("give a snapshot's name or --input, not both") }
            return .stream(id)
        }
    }

    func validate() throws {
        if name == nil, input == nil { throw ValidationError("give the snapshot's name, or an --input file") }
        _ = try selection
    }

    func run() throws {
        if let input {
            let transfer = SnapshotTransfer(control: try options.connection.client(in: ConnectionOptions.context()))
            let count = try transfer.restore(try selection, from: input)
            let text = "restored \(Quantity.count(count, of: "stream"))"
            try options.print([options.json ? try JSONText.line(of: ["restored": count]) : text])
            return
        }
        guard let name else { return }
        try options.runCounting(.restore(name: name, which.selection ?? .all)) {
            "restored \(Quantity.count($0, of: "stream"))"
        }
    }
}

struct DeleteSnapshotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete-snapshot", abstract: "Forget a snapshot.")

    @Argument(help: "The snapshot's name.")
    var name: String

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.deleteSnapshot(name: name), as: [String: Bool].self) { _ in ["deleted snapshot '\(name)'"] }
    }
}
