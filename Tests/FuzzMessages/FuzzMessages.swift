import ArgumentParser
import Foundation
import Glibc
import TestSupport

/// Passes damaged messages, requests and configuration files to the daemon's own code, and counts the outcomes.
///
/// Each input is made from a valid one and must be accepted or refused. A refused input must not change any state. A
/// worker reads many inputs but reports on each, so that a crash can be traced to its input.
@main
struct FuzzMessages: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fuzz-messages",
        abstract: "Give damaged timesteps, control requests and configuration files to the daemon's readers.",
        discussion: "Exit status: 0 if no input crashed, hung or changed state although it was refused, else 1.")

    @Option(help: "The number of inputs.")
    var inputs = 1_000_000

    @Option(help: "The seed. The same seed gives the same inputs.")
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Be a worker: the first input.", visibility: .hidden))
    var first: Int?

    @Option(help: ArgumentHelp("Be a worker: the kind of inputs.", visibility: .hidden))
    var kind: FuzzKind?

    func validate() throws {
        guard inputs >= 1 else { throw ValidationError("--inputs must be at least 1") }
    }

    func run() throws {
        if let first, let kind {
            try Worker(kind: kind, seed: seed).run(first..<first + inputs)
            return
        }
        let tally = try Driver(seed: seed).run(inputs: inputs)
        print(tally.lines.joined(separator: "\n"))
        if !tally.isClean { throw ExitCode.failure }
    }
}

/// The kind of input.
enum FuzzKind: String, CaseIterable, Sendable, ExpressibleByArgument {
    /// Timesteps, in one of the codecs.
    case binary, json, text, batch
    /// A control request.
    case control
    /// A configuration file.
    case config
}

/// A worker's report on an input, written as one byte to standard output.
enum Mark: UInt8 {
    /// The input was valid after all.
    case accepted = 0x61
    case refused = 0x72
    /// The input was refused but changed state, or its result cannot be read.
    case wrong = 0x77
}

/// The process that reads inputs one by one.
struct Worker {
    /// The time limit for one input, in seconds.
    private static let seconds: UInt32 = 10

    let kind: FuzzKind
    let seed: UInt64

    func run(_ range: Range<Int>) throws {
        var noCore = rlimit(rlim_cur: 0, rlim_max: 0)
        unsafe setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &noCore)
        var subject = try FuzzSubject()
        let corpus = try FuzzCorpus(of: subject)
        for index in range {
            // An input depends only on the seed and the index, no matter where a worker begins.
            var random = SplitMix64(seed: seed &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(index))
            let frames = corpus.input(kind, using: &random)
            // The alarm ends the process if the input takes too long.
            alarm(Self.seconds)
            var mark = subject.take(frames, as: kind).rawValue
            guard unsafe write(STDOUT_FILENO, &mark, 1) == 1 else { throw ExitCode.failure }
        }
    }
}
