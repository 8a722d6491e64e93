package import Foundation

/// A process of the same program that reads a range of inputs and prints one byte for each input.
package struct FuzzWorker {
    /// The printed bytes, up to the input that ended the process.
    package let marks: Data
    /// Whether the process ended by a signal or with an exit status.
    package let reason: Process.TerminationReason
    /// The number of the signal, or the exit status.
    package let status: Int32

    /// Runs a worker until it ends.
    ///
    /// - Parameters:
    ///   - range: The indices of the inputs to read.
    ///   - kind: The kind of inputs, passed as `--kind`.
    ///   - seed: The seed from which the inputs are generated.
    ///   - isQuiet: Whether to discard standard error.
    /// - Throws: Foundation's error if the worker cannot be started or read.
    package init(_ range: Range<Int>, kind: String, seed: UInt64, isQuiet: Bool = false) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = [
            "--seed", "\(seed)", "--inputs", "\(range.count)", "--first", "\(range.lowerBound)", "--kind", kind,
        ]
        let output = Pipe()
        process.standardOutput = output
        if isQuiet { process.standardError = FileHandle.nullDevice }
        process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
        try process.run()
        marks = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        reason = process.terminationReason
        status = process.terminationStatus
    }
}
