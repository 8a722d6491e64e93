/// Which worker takes each job of a ``StepBatch``: the one that the hash of the job's stream names, unless that has too much to do.
@usableFromInline
package struct JobTakers: ~Copyable {
    /// Streams that a worker takes side by side.
    private let lanes: Int
    @usableFromInline let workers: UInt32
    @usableFromInline var takers = GrowingBuffer<UInt32>()
    /// How many jobs each worker has, while they are evened out.
    private var shares: GrowingBuffer<Int>

    /// No jobs.
    package init(workers: Int, lanes: Int) {
        self.workers = UInt32(workers)
        self.lanes = lanes
        shares = GrowingBuffer(repeating: 0, count: workers)
    }

    /// The worker of each job.
    package var all: Span<UInt32> {
        @_lifetime(borrow self) get { takers.span }
    }

    /// The same, for workers to read.
    var buffer: UnsafeMutableBufferPointer<UInt32> { unsafe takers.all }

    /// Adds a job.
    @inlinable
    @inline(__always)
    package mutating func append(hash: UInt32) { takers.append(hash % workers) }

    /// Forgets the jobs and keeps the memory.
    package mutating func removeAll() { takers.removeAll() }

    /// Takes jobs from workers that have more than their share, for those that have less. A hash shares streams out evenly, but
    /// not those of one batch, and all wait for the last worker.
    package mutating func evenOut() {
        let count = takers.count
        for worker in 0..<shares.count { shares[worker] = 0 }
        for job in 0..<count { shares[Int(takers[job])] += 1 }
        var most = (count + shares.count - 1) / shares.count
        // Full lanes take no longer than others.
        if most > lanes { most = (most + lanes - 1) / lanes * lanes }
        var next = 0
        for job in 0..<count where shares[Int(takers[job])] > most {
            while shares[next] >= most { next += 1 }
            shares[Int(takers[job])] -= 1
            shares[next] += 1
            takers[job] = UInt32(next)
        }
    }
}
