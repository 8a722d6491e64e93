import ArgumentParser
import Client
import Wire

struct SnapshotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot",
        abstract: "Keep a durable copy of the state of streams, as of now, under a name.",
        discussion: "Of all streams, unless an id or --prefix says which.")

    @Argument(help: "The snapshot's name.")
    var name: String

    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    func run() throws {
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
        discussion: "Of all streams in the snapshot, unless an id or --prefix says which.")

    @Argument(help: "The snapshot's name.")
    var name: String

    @OptionGroup var which: SelectionOptions
    @OptionGroup var options: ControlOptions

    func run() throws {
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
