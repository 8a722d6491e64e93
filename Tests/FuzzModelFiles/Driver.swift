import Foundation
import Glibc
import ModelFiles
import Synchronization
import TestSupport

/// Runs workers, one per core at a time, and observes how each worker ends.
struct Driver {
    /// The number of inputs per worker. It is small enough to limit how much memory libhdf5 leaks.
    private static let chunk = 500
    /// Of this many inputs for libhdf5 and libzip, one is also read in a separate process, as in the programs.
    private static let sample = 200

    let corpus: Corpus
    let seed: UInt64
    /// The folder for inputs that crashed or hung a worker.
    let kept: String?

    func run(inputs: Int) throws -> Tally {
        let chunks = (0..<inputs).filter { $0 % Self.chunk == 0 }.map { $0..<min(inputs, $0 + Self.chunk) }
        let tally = Mutex(Tally())
        DispatchQueue.concurrentPerform(iterations: chunks.count) { number in
            let kinds = FuzzInput.Kind.allCases
            let ofChunk = Result { try run(chunks[number], kind: kinds[number % kinds.count]) }
            tally.withLock { $0.add(ofChunk) }
        }
        return tally.withLock { $0 }
    }

    /// Runs a chunk. After a crash, a new worker continues with the next input.
    private func run(_ chunk: Range<Int>, kind: FuzzInput.Kind) throws -> Tally {
        var tally = Tally()
        var next = chunk.lowerBound
        while next < chunk.upperBound {
            let (marks, signal) = try work(next..<chunk.upperBound, kind: kind)
            var step: Mark?
            for mark in marks {
                if mark == .library || mark == .safetensors {
                    step = mark
                } else {
                    tally.count(mark, kind)
                    step = nil
                    next += 1
                }
            }
            guard next < chunk.upperBound else { break }
            let input = corpus.input(next, of: kind, seed: seed)
            let isTimeOut = signal == SIGALRM
            if let kept {
                try Data(input.bytes).write(to: URL(filePath: kept).appending(path: "\(seed)-\(next).\(kind)"))
            }
            let isContained = try kind != .safetensors && isRead(input)
            if !isContained {
                tally.fail(
                    "input \(next) (\(kind)) of seed \(seed) \(isTimeOut ? "hung" : "crashed") our own reader: signal \(signal)"
                )
            } else {
                // libhdf5 may damage memory and crash only later. The programs run libhdf5 in a separate process, where
                // the damage has no effect.
                tally.contain(isTimeOut: isTimeOut, kind, isLate: step != .library)
            }
            next += 1
        }
        for index in chunk where kind != .safetensors && index % Self.sample == 0 {
            if try isRead(corpus.input(index, of: kind, seed: seed)) { tally.sampled += 1 }
        }
        return tally
    }

    /// Reads an input as the programs do.
    ///
    /// - Returns: Whether the outcome was a model or a one-line error. A crash here ends the driver.
    private func isRead(_ input: FuzzInput) throws -> Bool {
        let folder = try TemporaryFolder()
        do {
            _ = try ModelFile.read(try input.write(input.bytes, to: folder))
            return true
        } catch let error as ModelFileError {
            return !error.description.contains { $0.isNewline }
        }
    }

    private func work(_ range: Range<Int>, kind: FuzzInput.Kind) throws -> (marks: [Mark], signal: Int32) {
        let worker = try FuzzWorker(range, kind: kind.rawValue, seed: seed, isQuiet: true)
        return (worker.marks.compactMap(Mark.init), worker.reason == .uncaughtSignal ? worker.status : 0)
    }
}

/// A tally of the outcomes.
struct Tally: Sendable {
    private var counts: [FuzzInput.Kind: [Mark: Int]] = [:]
    private var crashes: [FuzzInput.Kind: Int] = [:]
    private var timeOuts: [FuzzInput.Kind: Int] = [:]
    private var late = 0
    private var failures: [String] = []
    /// The number of inputs that were also read in a separate process, as in the programs.
    var sampled = 0

    /// Whether nothing crashed or hung, apart from libhdf5 and libzip in their separate process.
    var isClean: Bool { failures.isEmpty }

    mutating func count(_ mark: Mark, _ kind: FuzzInput.Kind) { counts[kind, default: [:]][mark, default: 0] += 1 }

    mutating func contain(isTimeOut: Bool, _ kind: FuzzInput.Kind, isLate: Bool) {
        if isTimeOut { timeOuts[kind, default: 0] += 1 } else { crashes[kind, default: 0] += 1 }
        if isLate { late += 1 }
    }

    mutating func fail(_ what: String) { failures.append(what) }

    mutating func add(_ other: Result<Tally, any Error>) {
        switch other {
        case .failure(let error): failures.append("the driver failed: \(error)")
        case .success(let other):
            counts.merge(other.counts) { $0.merging($1, uniquingKeysWith: +) }
            crashes.merge(other.crashes, uniquingKeysWith: +)
            timeOuts.merge(other.timeOuts, uniquingKeysWith: +)
            late += other.late
            sampled += other.sampled
            failures += other.failures
        }
    }

    /// The tally as readable lines.
    var lines: [String] {
        let kinds = FuzzInput.Kind.allCases.map { kind in
            let marks = counts[kind] ?? [:]
            let (crashes, timeOuts) = (crashes[kind] ?? 0, timeOuts[kind] ?? 0)
            return
                ".\(kind): \(marks.values.reduce(crashes + timeOuts, +)) inputs: \(marks[.accepted] ?? 0) accepted; refused: "
                + "\(marks[.corrupt] ?? 0) corrupt, \(marks[.unsupported] ?? 0) unsupported, "
                + "\(marks[.notAModel] ?? 0) not a model, \(marks[.otherwise] ?? 0) otherwise; "
                + "contained: \(crashes) crashes, \(timeOuts) time-outs"
        }
        return kinds + [
            "\(sampled) of them, and each that crashed, were also read as the programs do: a model or an error each time",
            "crashes after the libraries had returned: \(late)",
            "peak memory: driver \(peakMemory(RUSAGE_SELF)) MB, largest worker \(peakMemory(RUSAGE_CHILDREN)) MB",
        ] + failures
            + [isClean ? "nothing else crashed or hung" : "\(failures.count) failures"]
    }

    private func peakMemory(_ who: __rusage_who) -> Int {
        var usage = rusage()
        return unsafe getrusage(__rusage_who_t(who.rawValue), &usage) == 0 ? usage.ru_maxrss / 1000 : 0
    }
}
