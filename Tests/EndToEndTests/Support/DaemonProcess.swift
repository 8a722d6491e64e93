import Foundation
import TestSupport
import Testing

/// A real `sluiced` in a separate process, on its own ports.
final class DaemonProcess {
    let ingest: String
    /// The decisions endpoints; at least one.
    let allDecisions: [String]
    /// The first decisions endpoint.
    var decisions: String { allDecisions[0] }
    let control: String
    /// The HTTP address; `off` unless the arguments enable HTTP.
    let http: String

    private let program: RunningProgram

    /// Starts a daemon and waits until it is ready.
    ///
    /// - Parameters:
    ///   - arguments: The model or the configuration file, and options. The initializer adds the endpoints.
    ///   - ingest: The ingest endpoints.
    ///   - decisions: The decisions endpoint.
    ///   - others: Other decisions endpoints.
    ///   - control: The control endpoint.
    ///   - fileSizeLimit: The maximum size of a file in kilobytes, to simulate a full disk.
    ///   - umask: The umask in octal; nil for the umask of the tests.
    ///   - environment: Additional environment variables.
    /// - Throws: An error if the daemon does not become ready.
    init(
        _ arguments: [String], ingest: [String] = ["@tcp://127.0.0.1:*"], decisions: String = "@tcp://127.0.0.1:*",
        others: [String] = [], control: String = "@tcp://127.0.0.1:*", fileSizeLimit: Int? = nil, umask: String? = nil,
        environment: [String: String] = [:]
    ) throws {
        let endpoints =
            ingest.flatMap { ["--ingest", $0] }
            + ([decisions] + others).flatMap { ["--decisions", $0] } + ["--control", control]
        program = try RunningProgram(
            "sluiced", arguments + endpoints, fileSizeLimit: fileSizeLimit, umask: umask,
            environment: environment)
        let ready = try program.waitForLine { $0.contains("ready: ") }
        // The line has the form: ready: ingest @tcp://127.0.0.1:1, decisions @tcp://127.0.0.1:2, control
        // @tcp://127.0.0.1:3, http off; model2: a decision on every timestep
        let text = try #require(ready.split(separator: "ready: ").last)
        let parts = try #require(text.split(separator: "; ").first).split(separator: ", ")
        let places = Dictionary(
            parts.map { $0.split(separator: " ").map(String.init) }.map { ($0[0], Array($0.dropFirst())) },
            uniquingKeysWith: { $1 })
        self.ingest = try #require(places["ingest"]?.last, "\(ready)")
        allDecisions = try #require(places["decisions"])
        self.control = try #require(places["control"]?.last)
        self.http = places["http"]?.last ?? "off"
    }

    /// The daemon's log so far.
    var log: String { program.errorOutput }

    /// Sends SIGTERM and waits for the daemon to end.
    ///
    /// - Returns: The exit status.
    func stop() -> Int32 {
        program.terminate()
        return program.waitForEnd()
    }

    /// Waits for the daemon to end, however it was stopped.
    ///
    /// - Returns: The exit status.
    func waitForEnd() -> Int32 {
        program.waitForEnd()
    }

    /// Kills the daemon with SIGKILL, to simulate a crash.
    func kill() {
        program.kill()
        _ = program.waitForEnd()
    }

    var processIdentifier: Int32 { program.processIdentifier }
}
