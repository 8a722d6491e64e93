import Foundation
import TestSupport
import Testing

/// One of the project's programs, as it was built beside these tests, in a process of its own. Killed where a test ends
/// before it does.
final class RunningProgram {
    private let process = Process()
    private let folder: TemporaryFolder

    /// Where SwiftPM puts the test runner, and the programs that are built with it.
    static let builtWithTests = URL(filePath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
    /// Programs to test instead of those that are built with the tests: the folder that `SLUICE_PROGRAMS` names.
    static let others = ProcessInfo.processInfo.environment["SLUICE_PROGRAMS"].map { URL(filePath: $0) }
    /// Where the programs are.
    static let folder = others ?? builtWithTests

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - name: `sluiced` or `sluice`, or the path of a program that is not the project's.
    ///   - arguments: Its command line.
    ///   - input: What it reads from its standard input.
    ///   - fileSizeLimit: Kilobytes that no file may grow beyond.
    ///   - closing: Descriptors that the program finds closed.
    ///   - obeysPermissions: Permissions of files hold for it even where the tests run as root.
    ///   - umask: Its umask, in octal; nil: that of the tests.
    ///   - environment: Variables besides those of the tests.
    /// - Throws: Where the program is not there.
    init(
        _ name: String, _ arguments: [String], input: String = "", fileSizeLimit: Int? = nil, closing: [Int] = [],
        obeysPermissions: Bool = false, umask: String? = nil, environment: [String: String] = [:]
    ) throws {
        folder = try TemporaryFolder()
        // Daemons of tests run side by side: no two can have the default port.
        let needsPort = name == "sluiced" && !arguments.contains("--http")
        let arguments = needsPort ? arguments + ["--http", "off"] : arguments
        for file in ["out", "err"] { try Data().write(to: folder.url(file)) }
        try Data(input.utf8).write(to: folder.url("in"))
        let program = name.hasPrefix("/") ? URL(filePath: name) : Self.folder.appending(path: name)
        let isBound = obeysPermissions && geteuid() == 0
        if fileSizeLimit != nil || !closing.isEmpty || isBound || umask != nil {
            // The shell sets the limit, has the program told of it as an error, and becomes the program.
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
        process.standardInput = try FileHandle(forReadingFrom: folder.url("in"))
        process.standardOutput = try FileHandle(forWritingTo: folder.url("out"))
        process.standardError = try FileHandle(forWritingTo: folder.url("err"))
        try process.run()
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

    /// Waits until a line on standard error fits.
    ///
    /// - Returns: That line.
    func waitForLine(_ fits: (Substring) -> Bool) throws -> String {
        let found = eventually { () -> String? in
            errorOutput.split(separator: "\n").first(where: fits).map(String.init)
                ?? (process.isRunning ? nil : "")
        }
        let line = try #require(found, "no such line within the time: \(errorOutput)")
        try #require(!line.isEmpty, "it ended: \(errorOutput)")
        return line
    }

    func terminate() { process.terminate() }

    func kill() {
        if process.isRunning { Foundation.kill(process.processIdentifier, SIGKILL) }
    }

    /// - Returns: The exit status.
    func waitForEnd() -> Int32 {
        // A machine that does much else at the same time is no fault.
        let ended: Bool? = eventually(within: 120) { process.isRunning ? nil : true }
        if ended == nil { kill() }
        process.waitUntilExit()
        return process.terminationStatus
    }
}

/// A program that has ended.
struct FinishedProgram {
    let status: Int32
    let output: String
    let errorOutput: String

    /// Runs `sluice` or `sluiced`, or the program of a path, to its end.
    init(
        _ name: String, _ arguments: [String], input: String = "", closing: [Int] = [], obeysPermissions: Bool = false,
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

/// How many times longer a test waits before it gives up: a program that is built with a sanitizer takes longer for everything.
#if SANITIZED
let patience = 6.0
#else
let patience = 1.0
#endif

/// Asks again and again until there is an answer, at most for a time that only a fault exceeds.
///
/// - Returns: The answer, or nil where none came.
func eventually<Answer>(within seconds: Double = 30, _ ask: () throws -> Answer?) rethrows -> Answer? {
    let deadline = ContinuousClock.now + .seconds(seconds * patience)
    repeat {
        if let answer = try ask() { return answer }
        usleep(2_000)
    } while ContinuousClock.now < deadline
    return nil
}
