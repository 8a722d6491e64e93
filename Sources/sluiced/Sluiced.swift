import ArgumentParser
import Daemon
import Foundation
import KerasArchives
import Wire

/// Where the process begins.
@main
enum Main {
    static func main() {
        KerasReaderProcess.runIfAsked()
        // Before anything is opened.
        StandardDescriptors.occupy()
        StandardDescriptors.raiseLimit()
        FreedMemory.boundWhatIsKept()
        Sluiced.main()
    }
}

/// The daemon's command line: arguments in, exit status out.
struct Sluiced: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sluiced",
        abstract: "Decides on live streams with a Keras LSTM, one state for each stream.",
        discussion: """
            Timesteps come in by ZeroMQ, decisions go out by ZeroMQ, and 'sluice' feeds, watches and controls the daemon.
            An endpoint is written @tcp://HOST:PORT to bind, >tcp://HOST:PORT to connect; ipc://PATH works too.

              sluiced model2.keras --state-dir /var/lib/sluice
              sluiced --config /etc/sluice/sluice.yaml

            SIGTERM and SIGINT end it in order; SIGHUP has it read its models again.

            Exit status: 0 after an orderly stop; 64 usage; 65 a model or stored state cannot be used; 66 no such file; \
            70 internal error; 73 an endpoint or a folder cannot be created; 74 state could not be written; 75 an endpoint \
            or the state folder is in use; 78 wrong configuration.
            """,
        version: Version.current)

    @OptionGroup var options: ServingOptions

    @Flag(help: "Check the command line, the configuration file and the model files, then end.")
    var checkConfig = false

    func run() throws {
        // A log whose reader has gone must not end the daemon.
        signal(SIGPIPE, SIG_IGN)
        var format = options.logFormat
        do throws(DaemonError) {
            let configuration = try options.configuration()
            format = configuration.logFormat
            let logger = DaemonLog.logger(format: configuration.logFormat, level: configuration.logLevel)
            guard !checkConfig else {
                _ = try SluiceService(configuration, logger: logger)
                let names = configuration.models.map(\.name).joined(separator: ", ")
                print("configuration is good: \(VisibleText.escaped(names))")
                return
            }
            // Before models are read, and before there is any other thread: each has the mask of its maker.
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
