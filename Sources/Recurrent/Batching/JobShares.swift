/// The distribution of a ``StepBatch``'s jobs over the workers. A stream's hash selects the worker, unless that worker
/// has too many jobs.
///
///     assigned: worker of job 0 | worker of job 1 | …
///     order:    jobs of worker 0 … | jobs of worker 1 … | …
///               starts[0]            starts[1]            … starts[workers]
@usableFromInline
package struct JobShares: ~Copyable {
    /// The number of streams that a worker steps at once.
    private let lanes: Int
    @usableFromInline let workers: Int
    @usableFromInline var assigned = GrowingBuffer<UInt32>()
    private(set) var order = GrowingBuffer<UInt32>()
    private(set) var starts: GrowingBuffer<Int>

    /// Creates an empty distribution.
    package init(workers: Int, lanes: Int) {
        self.workers = workers
        self.lanes = lanes
        starts = GrowingBuffer(repeating: 0, count: workers + 1)
    }

    /// Adds a job.
    @inlinable
    @inline(__always)
    package mutating func append(hash: UInt32) { assigned.append(hash % UInt32(workers)) }

    /// Removes all jobs, but keeps the capacity.
    package mutating func removeAll() { assigned.removeAll() }

    /// Returns the indices of a worker's jobs. Call ``arrange()`` first.
    @_lifetime(borrow self)
    package func jobs(of worker: Int) -> Span<UInt32> {
        order.span.extracting(starts[worker]..<starts[worker + 1])
    }

    /// Distributes the jobs.
    package mutating func arrange() {
        for worker in 0..<workers { starts[worker] = 0 }
        for job in 0..<assigned.count { starts[Int(assigned[job])] += 1 }
        balance()
        for worker in 1..<workers { starts[worker] += starts[worker - 1] }
        starts[workers] = assigned.count
        // A counting sort: each start moves down from the end of its share.
        order.resize(to: assigned.count)
        for job in (0..<assigned.count).reversed() {
            let worker = Int(assigned[job])
            starts[worker] -= 1
            order[starts[worker]] = UInt32(job)
        }
    }

    /// Moves jobs from workers with more than an even share to workers with less. On entry, `starts` holds each
    /// worker's number of jobs.
    ///
    /// A hash distributes all streams evenly, but not necessarily the streams of one batch. A batch takes as long as
    /// its slowest worker.
    private mutating func balance() {
        var limit = (assigned.count + workers - 1) / workers
        // Round up to whole tiles, because a full tile takes no longer than a partial one.
        if limit > lanes { limit = (limit + lanes - 1) / lanes * lanes }
        var next = 0
        for job in 0..<assigned.count where starts[Int(assigned[job])] > limit {
            while starts[next] >= limit { next += 1 }
            starts[Int(assigned[job])] -= 1
            starts[next] += 1
            assigned[job] = UInt32(next)
        }
    }
}
