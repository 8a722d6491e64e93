import Recurrent
import TestSupport
import Testing

@Suite struct `The distribution of jobs over workers` {
    @Test func `if the shares are even, the hash selects the worker of a job`() {
        var shares = JobShares(workers: 3, lanes: 16)
        for hash: UInt32 in [5, 0, 7, 3, 1, 2] { shares.append(hash: hash) }
        shares.arrange()
        #expect((0..<3).map { shares.jobs(of: $0).array } == [[1, 3], [2, 4], [0, 5]])
        shares.removeAll()
        shares.arrange()
        #expect((0..<3).map { shares.jobs(of: $0).array } == [[], [], []])
    }

    @Test(arguments: 1...5, [1, 15, 16, 17, 40, 64, 100, 256])
    func `no worker gets more than an even share of jobs in full tiles, and no job moves without need`(
        workers: Int, jobs: Int
    ) {
        var random = SplitMix64(seed: UInt64(workers * 1000 + jobs))
        for _ in 0..<20 {
            var shares = JobShares(workers: workers, lanes: 16)
            var named = [Set<Int>](repeating: [], count: workers)
            // Choose the hashes so that a few workers get most of the jobs.
            for job in 0..<jobs {
                let hash = UInt32.random(in: 0...UInt32.random(in: 0...7, using: &random), using: &random)
                shares.append(hash: hash)
                named[Int(hash) % workers].insert(job)
            }
            shares.arrange()
            let given = (0..<workers).map { worker in shares.jobs(of: worker).array.map { Int($0) } }

            let even = (jobs + workers - 1) / workers
            let most = even > 16 ? (even + 15) / 16 * 16 : even
            #expect(given.joined().sorted() == Array(0..<jobs))
            #expect(given.allSatisfy { $0.count <= most && $0 == $0.sorted() })
            let moved = zip(named, given).map { $0.subtracting($1).count }
            #expect(moved == named.map { max(0, $0.count - most) })
        }
    }
}
