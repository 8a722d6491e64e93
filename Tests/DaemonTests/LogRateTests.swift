import Testing

@testable import Daemon

@Suite struct `The rate of log lines` {
    @Test func `five lines a second are written, and the others are counted`() {
        let second: Int64 = 1_000_000_000
        var rate = LogRate()
        func written(_ times: [Int64]) -> Int {
            var count = 0
            for time in times where rate.admits(at: time) { count += 1 }
            return count
        }
        #expect(written((0..<9).map { 10 * second + $0 }) == 5)
        let unlogged = [rate.takeUnlogged(), rate.takeUnlogged()]
        #expect(unlogged == [4, 0])
        #expect(written([11 * second - 1]) == 0)
        #expect(written([11 * second]) == 1)
        #expect(rate.unlogged == 1)
    }
}
