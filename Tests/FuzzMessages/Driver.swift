import Foundation
import Glibc
import Synchronization
import TestSupport

/// Runs workers, one per core at a time, and observes how each worker ends.
struct Driver {
    /// The number of inputs per worker. It is small enough to limit the growth of the worker's stream table.
    private static let chunk = 20_000

    let seed: UInt64

    func run(inputs: Int) throws -> Tally {
        let kinds = FuzzKind.allCases
        // Make the chunks small enough that each kind of input gets at least one.
        let chunk = max(1, min(Self.chunk, inputs / kinds.count))
        let starts = Array(stride(from: 0, to: inputs, by: chunk))
        let tally = Mutex(Tally())
        DispatchQueue.concurrentPerform(iterations: starts.count) { number in
            let range = starts[number]..<min(inputs, starts[number] + chunk)
            let ofChunk = Result { try run(range, kind: kinds[number % kinds.count]) }
            tally.withLock { $0.add(ofChunk) }
        }
        return tally.withLock { $0 }
    }

    /// Runs a chunk. After a crash, a new worker continues with the next input.
    private func run(_ range: Range<Int>, kind: FuzzKind) throws -> Tally {
        var tally = Tally()
        var next = range.lowerBound
        while next < range.upperBound {
            let (marks, end) = try work(next..<range.upperBound, kind: kind)
            for mark in marks {
                tally.count(mark, kind)
                if mark == .wrong {
                    tally.fail("input \(next) (\(kind)) of seed \(seed) changed state though it was refused")
                }
                next += 1
            }
            guard next < range.upperBound else { break }
            let how = end == SIGALRM ? "hung" : "crashed"
            tally.fail("input \(next) (\(kind)) of seed \(seed) \(how): signal \(end)")
            next += 1
        }
        return tally
    }

    private func work(_ range: Range<Int>, kind: FuzzKind) throws -> (marks: [Mark], end: Int32) {
        let worker = try FuzzWorker(range, kind: kind.rawValue, seed: seed)
        return (worker.marks.compactMap(Mark.init), worker.status)
    }
}

/// A tally of the outcomes.
struct Tally: Sendable {
    private var counts: [FuzzKind: [Mark: Int]] = [:]
    private var failures: [String] = []

    var isClean: Bool { failures.isEmpty }

    mutating func count(_ mark: Mark, _ kind: FuzzKind) { counts[kind, default: [:]][mark, default: 0] += 1 }

    mutating func fail(_ what: String) { failures.append(what) }

    mutating func add(_ other: Result<Tally, any Error>) {
        switch other {
        case .failure(let error): failures.append("the driver failed: \(error)")
        case .success(let other):
            counts.merge(other.counts) { $0.merging($1, uniquingKeysWith: +) }
            failures += other.failures
        }
    }

    /// The tally as readable lines.
    var lines: [String] {
        let kinds = FuzzKind.allCases.map { kind in
            let marks = counts[kind] ?? [:]
            return
                "\(kind): \(marks.values.reduce(0, +)) inputs: \(marks[.accepted] ?? 0) accepted, \(marks[.refused] ?? 0) refused"
        }
        return kinds + failures
            + [isClean ? "nothing crashed or hung, and what was refused changed nothing" : "\(failures.count) failures"]
    }
}
