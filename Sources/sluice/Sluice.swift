import ArgumentParser
import Client
import KerasArchives
import Wire

/// The command-line tool for people: feeds, watches and controls a daemon, and inspects model files.
@main
struct Sluice: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluice",
        abstract: "Feed, watch and control sluiced, the daemon that runs stateful LSTMs on live streams.",
        discussion: """
            Example: start a daemon, watch its decisions, and feed it a file.

              sluiced model2.keras &
              sluice watch &
              sluice pipe power.csv --stream meter-1 --values power
              sluice streams

            Exit status: 0 done; 1 the daemon refused; 64 usage; 65 wrong data; 66 no such file, stream or snapshot; \
            69 the daemon cannot be reached; 70 internal error; 73 a file exists already or cannot be created; \
            74 reading, writing or the daemon's store failed; 75 not in time, try again; 76 another protocol.
            """,
        version: Version.current,
        // Commands that need no running daemon.
        subcommands: [
            InspectCommand.self, ConvertCommand.self, PredictCommand.self, EvaluateCommand.self, BenchCommand.self,
            KeygenCommand.self,
            CheckCommand.self,
        ],
        groupedSubcommands: [
            CommandGroup(
                name: "Data",
                subcommands: [PipeCommand.self, WatchCommand.self]),
            CommandGroup(
                name: "Stream",
                subcommands: [
                    StatusCommand.self, StreamsCommand.self, StreamCommand.self, ResetCommand.self, RemoveCommand.self,
                    PauseCommand.self, ResumeCommand.self, ExportCommand.self, ImportCommand.self,
                ]),
            CommandGroup(
                name: "Durability",
                subcommands: [
                    SnapshotCommand.self, SnapshotsCommand.self, RestoreCommand.self, DeleteSnapshotCommand.self,
                    ReloadCommand.self, CheckpointCommand.self, ShutdownCommand.self,
                ]),
            CommandGroup(name: "Daemon", subcommands: [LogLevelCommand.self]),
        ])

    /// Runs the command in the arguments. An error becomes one line on standard error and an exit status.
    static func main() {
        KerasReaderProcess.runIfAsked()
        do {
            var command = try parseAsRoot()
            try command.run()
        } catch let error as ClientError {
            var output = StandardStream.error
            if error != StandardStream.brokenPipe {
                try? output.writeLine("sluice: \(VisibleText.escaped("\(error)"))")
            }
            exit(withError: error == StandardStream.brokenPipe ? nil : ExitCode(error.status.rawValue))
        } catch {
            exit(withError: error)
        }
    }
}
