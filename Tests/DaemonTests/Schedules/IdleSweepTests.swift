import Testing

@testable import Daemon

@Suite struct `A sweep for idle streams` {
    @Test func `the idle clock advances between sweeps, but hardly while the machine sleeps`() {
        var sweep = IdleSweep(idleAfter: nil, forgetAfter: 60)
        let second: Int64 = 1_000_000_000
        #expect(sweep.look(at: 1_000 * second) == 0)
        #expect(sweep.look(at: 1_001 * second) == second)
        #expect(sweep.look(at: 1_003 * second) == 3 * second)
        #expect(sweep.look(at: 90_000 * second) == 8 * second)
        #expect(sweep.look(at: 90_001 * second) == 9 * second)
    }
}
