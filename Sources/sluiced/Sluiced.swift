import ArgumentParser
import Daemon
import Foundation
import KerasArchives
import Wire

/// The entry point of the process.
@main
enum Main {
    static func main() {
        KerasTaskProcess.runIfAsked()
        // These calls must come before any file is opened.
        StandardDescriptors.occupy()
        StandardDescriptors.raiseLimit()
        FreedMemory.boundWhatIsKept()
        Sluiced.main()
    }
}

/// The daemon's command line.
struct Sluiced: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluiced",
        abstract: "Decide on live streams with a Keras LSTM and one state per stream.",
        discussion: """
            The daemon receives timesteps and publishes decisions over ZeroMQ. 'sluice' feeds, watches and controls it.
            An endpoint is @tcp://HOST:PORT to bind or >tcp://HOST:PORT to connect; ipc://PATH works too.

              sluiced model2.keras --state-dir /var/lib/sluice
              sluiced --config /etc/sluice/sluice.yaml

            SIGTERM and SIGINT stop the daemon in order. SIGHUP makes it read its models again.

            Exit status: 0 after an orderly stop; 64 usage; 65 a model or stored state cannot be used; 66 no such file; \
            70 internal error; 73 an endpoint or a folder cannot be created; 74 state could not be written; 75 an endpoint \
            or the state folder is in use; 78 wrong configuration.
            """,
        version: Version.current)

    @OptionGroup var options: ServingOptions

    @Flag(help: "Check the command line, the configuration file and the model files, then exit.")
    var checkConfig = false

    @Flag(help: ArgumentHelp("Print the keys of the configuration file as JSON, for the manual.", visibility: .private))
    var dumpKeys = false

    func run() throws {
        guard !dumpKeys else { return print(try ConfigurationKey.json) }
        // Without this call, the daemon would die if the reader of its log exited.
        signal(SIGPIPE, SIG_IGN)
        var format = options.logFormat
        do throws(DaemonError) {
            let configuration = try options.configuration()
            format = configuration.logFormat
            let logger = DaemonLog.logger(format: configuration.logFormat, level: configuration.logLevel)
            guard !checkConfig else {
                _ = try SluiceService(configuration, logger: logger)
                let names = configuration.models.map(\.name).joined(separator: ", ")
                print("the configuration is valid: \(VisibleText.escaped(names))")
                return
            }
            // Create the watch before any model is read and any other thread starts, because each thread inherits the
            // signal mask of its creator.
            let stop = StopWatch(logger: logger)
            try SluiceService(configuration, logger: logger).run(stop)
        } catch {
            if format == .json {
                DaemonLog.logger(format: .json, level: .critical).critical("\(error)")
            } else {
                let line = "sluiced: \(VisibleText.escaped("\(error)"))\n"
                try? FileHandle.standardError.write(contentsOf: Data(line.utf8))
            }
            throw ExitCode(error.code.rawValue)
        }
    }
}
