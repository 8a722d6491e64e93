import Recurrent
import TestSupport
import Testing

@Suite struct JobTakersTests {
    @Test func `a job has the worker that its hash names, as long as none has more than its share`() {
        var takers = JobTakers(workers: 3, lanes: 16)
        for hash: UInt32 in [5, 0, 7, 3, 1, 2] { takers.append(hash: hash) }
        takers.evenOut()
        #expect(takers.all.array == [2, 0, 1, 0, 1, 2])
        takers.removeAll()
        #expect(takers.all.array.isEmpty)
    }

    @Test(arguments: 1...5, [1, 15, 16, 17, 40, 64, 100, 256])
    func `no worker has more jobs than an even share of them fills lanes, and no more are moved than must be`(
        workers: Int, jobs: Int
    ) {
        var random = SplitMix64(state: UInt64(workers * 1000 + jobs))
        for _ in 0..<20 {
            var takers = JobTakers(workers: workers, lanes: 16)
            // Most of them of a few workers.
            for _ in 0..<jobs {
                let largest = UInt32.random(in: 0...7, using: &random)
                takers.append(hash: .random(in: 0...largest, using: &random))
            }
            let before = takers.all.array
            takers.evenOut()
            let after = takers.all.array

            let even = (jobs + workers - 1) / workers
            let most = even > 16 ? (even + 15) / 16 * 16 : even
            let surplus = (0..<workers).map { worker in max(0, before.count { $0 == worker } - most) }
            #expect((0..<workers).allSatisfy { worker in after.count { $0 == worker } <= most })
            #expect(zip(before, after).count { $0 != $1 } == surplus.reduce(0, +))
        }
    }
}
