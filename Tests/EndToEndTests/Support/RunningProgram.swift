import Foundation
import TestSupport
import Testing

/// A running program of the project, or any other program, in a separate process. If the test ends first, the process
/// is killed.
final class RunningProgram {
    private let process = Process()
    private let folder: TemporaryFolder

    /// The folder of the test runner and of the programs that SwiftPM builds with it.
    static let builtWithTests = URL(filePath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
    /// The folder that `SLUICE_PROGRAMS` names. If set, its programs are tested instead of those built with the tests.
    static let others = ProcessInfo.processInfo.environment["SLUICE_PROGRAMS"].map { URL(filePath: $0) }
    /// The folder of the tested programs.
    static let folder = others ?? builtWithTests

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - name: `sluiced` or `sluice`, or the path of another program.
    ///   - arguments: The command line.
    ///   - input: The standard input: a string, or a `Pipe`.
    ///   - fileSizeLimit: The maximum size of a file in kilobytes.
    ///   - closing: The descriptors to close before the program starts.
    ///   - obeysPermissions: Whether file permissions apply to the program even if the tests run as root.
    ///   - umask: The umask in octal; nil for the umask of the tests.
    ///   - environment: Additional environment variables.
    /// - Throws: An error if the program does not exist.
    init(
        _ name: String, _ arguments: [String], input: any ProgramInput = "", fileSizeLimit: Int? = nil,
        closing: [Int] = [],
        obeysPermissions: Bool = false, umask: String? = nil, environment: [String: String] = [:]
    ) throws {
        folder = try TemporaryFolder()
        // Test daemons run in parallel and cannot all use the default port.
        let needsPort = name == "sluiced" && !arguments.contains("--http")
        let arguments = needsPort ? arguments + ["--http", "off"] : arguments
        for file in ["out", "err"] { try Data().write(to: folder.url(file)) }
        let program = name.hasPrefix("/") ? URL(filePath: name) : Self.folder.appending(path: name)
        let isBound = obeysPermissions && geteuid() == 0
        if fileSizeLimit != nil || !closing.isEmpty || isBound || umask != nil {
            // The shell sets the limits, turns the signal for an exceeded limit into an error, and then executes the
            // program.
            process.executableURL = URL(filePath: "/bin/bash")
            let limit = fileSizeLimit.map { "trap '' XFSZ; ulimit -f \($0); " } ?? ""
            let mask = umask.map { "umask \($0); " } ?? ""
            let bound = isBound ? "setpriv --bounding-set=-dac_override,-dac_read_search " : ""
            let script = limit + mask + "exec \(bound)\"$@\"" + closing.map { " \($0)>&-" }.joined()
            process.arguments = ["-c", script, "bash", program.path] + arguments
        } else {
            process.executableURL = program
            process.arguments = arguments
        }
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = try input.standardInput(in: folder)
        process.standardOutput = try FileHandle(forWritingTo: folder.url("out"))
        process.standardError = try FileHandle(forWritingTo: folder.url("err"))
        try process.runOwningFiles()
    }

    deinit {
        kill()
    }

    var processIdentifier: Int32 { process.processIdentifier }
    var output: String { text("out") }
    var errorOutput: String { text("err") }

    private func text(_ file: String) -> String {
        (try? String(contentsOf: folder.url(file), encoding: .utf8)) ?? ""
    }

    /// Waits for a line on standard error.
    ///
    /// - Returns: The line.
    func waitForLine(_ fits: (Substring) -> Bool) throws -> String {
        let found = eventually { () -> String? in
            errorOutput.split(separator: "\n").first(where: fits).map(String.init)
                ?? (process.isRunning ? nil : "")
        }
        let line = try #require(found, "no such line arrived in time: \(errorOutput)")
        try #require(!line.isEmpty, "it ended: \(errorOutput)")
        return line
    }

    func terminate() { process.terminate() }

    func kill() {
        if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
    }

    /// Waits for the program to end, and kills it if it hangs.
    ///
    /// - Returns: The exit status.
    func waitForEnd() -> Int32 {
        // Wait for a long time, because a program on a busy machine may be slow without hanging.
        let ended: Bool? = eventually(within: 120) { process.isRunning ? nil : true }
        if ended == nil { kill() }
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// The standard input of a program.
protocol ProgramInput {
    /// Returns an object that `Process` accepts as standard input: a `Pipe` or a `FileHandle`.
    func standardInput(in folder: TemporaryFolder) throws -> Any
}

extension String: ProgramInput {
    func standardInput(in folder: TemporaryFolder) throws -> Any {
        try Data(utf8).standardInput(in: folder)
    }
}

extension Data: ProgramInput {
    func standardInput(in folder: TemporaryFolder) throws -> Any {
        try write(to: folder.url("in"))
        return try FileHandle(forReadingFrom: folder.url("in"))
    }
}

extension Pipe: ProgramInput {
    func standardInput(in folder: TemporaryFolder) -> Any { self }
}

/// A program that has ended.
struct FinishedProgram {
    let status: Int32
    let output: String
    let errorOutput: String

    /// Runs `sluice`, `sluiced` or another program until it ends.
    init(
        _ name: String, _ arguments: [String], input: any ProgramInput = "", closing: [Int] = [],
        obeysPermissions: Bool = false,
        umask: String? = nil, environment: [String: String] = [:]
    ) throws {
        let program = try RunningProgram(
            name, arguments, input: input, closing: closing, obeysPermissions: obeysPermissions, umask: umask,
            environment: environment)
        status = program.waitForEnd()
        output = program.output
        errorOutput = program.errorOutput
    }
}

/// The factor by which tests extend their time limits, because programs built with a sanitizer are slower.
#if SANITIZED
let patience = 6.0
#else
let patience = 1.0
#endif

/// Calls `ask` repeatedly until it returns an answer. Gives up after a time limit that only a fault exceeds.
///
/// - Returns: The answer; nil if there was none.
func eventually<Answer>(within seconds: Double = 30, _ ask: () throws -> Answer?) rethrows -> Answer? {
    let deadline = ContinuousClock.now + .seconds(seconds * patience)
    repeat {
        if let answer = try ask() { return answer }
        usleep(2_000)
    } while ContinuousClock.now < deadline
    return nil
}
