import ArgumentParser
import Client
import Wire

struct SnapshotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Keep a durable copy of the state of streams under a name.",
        discussion: """
            The snapshot has all streams, unless you give an id or --prefix. With --output, the snapshot also goes to a \
            file, a plain SQLite database. Without a name, it goes only there.

              sluice snapshot before-update
              sluice snapshot --output backup.sluice
            """)

    @Argument(help: "The snapshot's name; optional with --output.")
    var name: String?

    @Option(
        help: ArgumentHelp(
            "The file to write or replace (default: none).", valueName: "file"), completion: .file())
    var output: String?

    @OptionGroup var permissions: FileModeOptions
    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    func validate() throws {
        if name == nil, output == nil { throw ValidationError("give a name for the snapshot, or an --output file") }
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
        try options.run(.snapshot(name: name, which.selection ?? .all)) { [Report.line($0)] }
    }
}

struct SnapshotsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshots", abstract: "List the snapshots, oldest first.",
        discussion: """
              sluice snapshots
            """)

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.snapshots) { Report.lines($0.snapshots) }
    }
}

struct RestoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Restore the state, step and sequence of streams from a snapshot.",
        discussion: """
            Restores all streams of the snapshot, unless you give an id or --prefix. On an error, none changes.

              sluice restore before-update
              sluice restore before-update meter-1
              sluice restore --input backup.sluice
            """)

    @Argument(help: "The snapshot's name; leave it out with --input.", completion: DaemonNames.snapshots)
    var name: String?

    @Option(
        help: ArgumentHelp(
            "A file from snapshot --output (default: none, the daemon has the snapshot).", valueName: "file"),
        completion: .file())
    var input: String?

    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    /// The selected streams. If a file is given, the snapshot needs no name, so the first argument is a stream's id.
    private var selection: ControlCommand.Selection {
        get throws {
            guard input != nil, let id = name else { return which.selection ?? .all }
            guard which.selection == nil else { throw ValidationError("give a snapshot's name or --input, not both") }
            return .stream(id)
        }
    }

    func validate() throws {
        if name == nil, input == nil { throw ValidationError("give the snapshot's name or an --input file") }
        _ = try selection
    }

    func run() throws {
        if let input {
            let transfer = SnapshotTransfer(control: try options.connection.client(in: ConnectionOptions.context()))
            let result = try transfer.restore(try selection, from: input)
            try options.print([options.json ? try JSONText.line(of: result) : Report.line(result)])
            return
        }
        guard let name else { return }
        try options.run(.restore(name: name, which.selection ?? .all)) { [Report.line($0)] }
    }
}

struct DeleteSnapshotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete-snapshot", abstract: "Delete a snapshot.",
        discussion: """
              sluice delete-snapshot before-update
            """)

    @Argument(help: "The snapshot's name.", completion: DaemonNames.snapshots)
    var name: String

    @OptionGroup var options: ControlOptions

    func run() throws {
        try options.run(.deleteSnapshot(name: name)) { _ in ["deleted snapshot '\(name)'"] }
    }
}
