/// How the jobs of a ``StepBatch`` are shared out among workers: each has those of the streams whose hash names it, unless they are
/// too many.
///
///     takers:  worker of job 0 | worker of job 1 | …
///     order:   jobs of worker 0 … | jobs of worker 1 … | …
///              starts[0]           starts[1]            … starts[workers]
@usableFromInline
package struct JobShares: ~Copyable {
    /// Streams that a worker takes side by side.
    private let lanes: Int
    @usableFromInline let workers: Int
    @usableFromInline var takers = GrowingBuffer<UInt32>()
    private(set) var order = GrowingBuffer<UInt32>()
    private(set) var starts: GrowingBuffer<Int>

    /// No jobs.
    package init(workers: Int, lanes: Int) {
        self.workers = workers
        self.lanes = lanes
        starts = GrowingBuffer(repeating: 0, count: workers + 1)
    }

    /// Adds a job.
    @inlinable
    @inline(__always)
    package mutating func append(hash: UInt32) { takers.append(hash % UInt32(workers)) }

    /// Forgets the jobs and keeps the memory.
    package mutating func removeAll() { takers.removeAll() }

    /// A worker's jobs, after ``arrange()``.
    @_lifetime(borrow self)
    package func jobs(of worker: Int) -> Span<UInt32> {
        order.span.extracting(starts[worker]..<starts[worker + 1])
    }

    /// Shares the jobs out.
    package mutating func arrange() {
        for worker in 0..<workers { starts[worker] = 0 }
        for job in 0..<takers.count { starts[Int(takers[job])] += 1 }
        evenOut()
        for worker in 1..<workers { starts[worker] += starts[worker - 1] }
        starts[workers] = takers.count
        // From the ends of the shares to their starts.
        order.resize(to: takers.count)
        for job in (0..<takers.count).reversed() {
            let worker = Int(takers[job])
            starts[worker] -= 1
            order[starts[worker]] = UInt32(job)
        }
    }

    /// Takes jobs from workers that have more than their share, for those that have less. A hash shares streams out evenly, but
    /// not those of one batch, and all wait for the last worker. `starts` has how many jobs each has.
    private mutating func evenOut() {
        var most = (takers.count + workers - 1) / workers
        // Full lanes take no longer than others.
        if most > lanes { most = (most + lanes - 1) / lanes * lanes }
        var next = 0
        for job in 0..<takers.count where starts[Int(takers[job])] > most {
            while starts[next] >= most { next += 1 }
            starts[Int(takers[job])] -= 1
            starts[next] += 1
            takers[job] = UInt32(next)
        }
    }
}
