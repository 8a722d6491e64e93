package import Foundation
import Glibc

/// A process that ends with this object at the latest. If the process of the tests dies, a small shell kills it.
package final class GuardedProcess {
    private let process = Process()
    private let guardian = Process()
    /// The guardian waits for this pipe to close, which the system does for a dead process.
    private let pipe = Pipe()

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - program: The program's path.
    ///   - arguments: The command line.
    ///   - log: The file to which the program's output is appended.
    /// - Throws: Foundation's error if the program cannot be started.
    package init(_ program: String, _ arguments: [String], log: URL) throws {
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        let output = try FileHandle(forWritingTo: log)
        try output.seekToEnd()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.runOwningFiles()
        guardian.executableURL = URL(filePath: "/bin/bash")
        guardian.arguments = ["-c", "read -r || kill -9 \"$0\"", "\(process.processIdentifier)"]
        guardian.standardInput = pipe
        try guardian.run()
    }

    deinit {
        kill()
    }

    /// The process's identifier.
    package var processIdentifier: Int32 { process.processIdentifier }

    /// Whether the process has not ended yet.
    package var isRunning: Bool { process.isRunning }

    /// Sends a signal.
    package func signal(_ number: Int32) {
        if process.isRunning { Glibc.kill(processIdentifier, number) }
    }

    /// Ends the process with SIGKILL, and waits for its end.
    package func kill() {
        signal(SIGKILL)
        waitUntilExit()
    }

    /// Waits for the end of the process.
    package func waitUntilExit() {
        process.waitUntilExit()
        // A second line would have no reader, and end the tests with SIGPIPE.
        guard guardian.isRunning else { return }
        // A line tells the guardian that there is nothing left to kill.
        try? pipe.fileHandleForWriting.write(contentsOf: Data("\n".utf8))
        guardian.waitUntilExit()
    }
}
