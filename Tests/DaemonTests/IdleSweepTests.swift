import Testing

@testable import Daemon

struct IdleSweepTests {
    @Test func `streams are watched for as long as the daemon looks, and not while the machine sleeps`() {
        var sweep = IdleSweep(idleAfter: nil, forgetAfter: 60)
        let second: Int64 = 1_000_000_000
        #expect(sweep.look(at: 1_000 * second) == 0)
        #expect(sweep.look(at: 1_001 * second) == second)
        #expect(sweep.look(at: 1_003 * second) == 3 * second)
        #expect(sweep.look(at: 90_000 * second) == 8 * second)
        #expect(sweep.look(at: 90_001 * second) == 9 * second)
    }
}
