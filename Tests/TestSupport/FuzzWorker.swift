public import Foundation

/// A process of this same program that takes a range of inputs and says one byte of each.
public struct FuzzWorker {
    /// What it said, input by input, up to the one that ended it.
    public let marks: Data
    /// How it ended: by a signal, or with a status.
    public let reason: Process.TerminationReason
    /// The signal's number, or the status.
    public let status: Int32

    /// Runs a worker to its end.
    ///
    /// - Parameters:
    ///   - range: The inputs' numbers.
    ///   - kind: What they are, as the program's `--kind` takes it.
    ///   - seed: What they are made of.
    ///   - isQuiet: Its standard error is thrown away.
    /// - Throws: What starting it, or reading what it says, throws.
    public init(_ range: Range<Int>, kind: String, seed: UInt64, isQuiet: Bool = false) throws {
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
