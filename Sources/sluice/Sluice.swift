import ArgumentParser
import Client
import KerasArchives
import Wire

/// The command-line tool: feeds, watches and controls a daemon, and creates, trains, runs and inspects models.
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

            Commands on Live Data, Stream, Stored State and Daemon talk to a running daemon, except check and keygen. They \
            find it with --control, or with the --target of a file ~/.config/sluice/targets.yaml, or with SLUICE_CONTROL, \
            SLUICE_KEY and SLUICE_SERVER_KEY. A flag beats a target, and a target beats the environment. A target has the \
            members control, key and server_key:

              plant:
                control: tcp://10.0.0.5:5552
                server_key: plant.pub
                key: alice.key

            Exit status: 0 done; 1 the daemon refused; 64 usage; 65 wrong data; 66 no such file, stream or snapshot; \
            69 the daemon cannot be reached; 70 internal error; 73 a file exists already or cannot be created; \
            74 reading, writing or the daemon's store failed; 75 not in time, try again; 76 another protocol.
            """,
        version: Version.current,
        groupedSubcommands: [
            CommandGroup(
                name: "Model",
                subcommands: [
                    InspectCommand.self, PredictCommand.self, EvaluateCommand.self, CompareCommand.self,
                    InitCommand.self,
                    FitCommand.self, ConvertCommand.self,
                ]),
            CommandGroup(name: "Live Data", subcommands: [PipeCommand.self, WatchCommand.self]),
            CommandGroup(
                name: "Stream",
                subcommands: [
                    StreamsCommand.self, StreamCommand.self, ResetCommand.self, PauseCommand.self, ResumeCommand.self,
                    RemoveCommand.self, ExportCommand.self, ImportCommand.self,
                ]),
            CommandGroup(
                name: "Stored State",
                subcommands: [
                    SnapshotCommand.self, SnapshotsCommand.self, RestoreCommand.self, DeleteSnapshotCommand.self,
                    CheckpointCommand.self, CheckCommand.self,
                ]),
            CommandGroup(
                name: "Daemon",
                subcommands: [
                    StatusCommand.self, ReloadCommand.self, LogLevelCommand.self, ShutdownCommand.self,
                    KeygenCommand.self, BenchCommand.self, ClusterCommand.self,
                ]),
        ])

    /// Runs the command that the arguments name. An error is reported as one line on standard error and an exit status.
    static func main() {
        KerasTaskProcess.runIfAsked()
        do {
            try CommandWords.check(Array(CommandLine.arguments.dropFirst()))
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
