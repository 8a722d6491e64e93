import Cluster
import Testing

@testable import Daemon

private let second: Int64 = 1_000_000_000

@Suite struct `The lag of a partition` {

    @Test func `an owner that has applied all messages has no lag, however old they are`() {
        var lag = LogLag(now: 0)
        lag.deliver(5, pending: 0, time: -1000 * second)
        lag.note(5, logEnd: 5, at: second)
        #expect(lag.end == 5)
        #expect(lag.seconds(5, at: 100 * second, wallTime: 0) == 0)
    }

    @Test func `the lag grows from the last moment at which the owner was level`() {
        var lag = LogLag(now: 0)
        lag.deliver(5, pending: 0, time: 0)
        lag.note(5, logEnd: 5, at: 10 * second)
        // A look at the log finds two more messages, which do not come.
        lag.note(5, logEnd: 7, at: 11 * second)
        #expect(lag.end == 7)
        #expect(lag.seconds(5, at: 13 * second, wallTime: 9999 * second) == 3)
    }

    @Test func `an owner that keeps up is little behind, although it is never level`() {
        var lag = LogLag(now: 0)
        for sequence in 1...100 as ClosedRange<UInt64> {
            let now = Int64(sequence) * second
            lag.deliver(sequence, pending: 3, time: now - second / 10)
            lag.note(sequence, logEnd: sequence, at: now)
        }
        #expect(lag.end == 103)
        #expect(lag.seconds(100, at: 100 * second, wallTime: 100 * second) == 0.1)
    }

    @Test func `a clock of NATS that is ahead gives no negative lag`() {
        var lag = LogLag(now: 0)
        lag.deliver(1, pending: 1, time: 50 * second)
        #expect(lag.seconds(1, at: second, wallTime: 0) == 0)
    }
}

@Suite struct `The times of a take-over` {
    @Test func `each part lasts until the next phase, and does not change later`() {
        var times = TakeOverTimes(now: 0)
        times.note(.claiming, at: second)
        #expect(times.parts == .init())
        times.note(.restoring, at: 2 * second)
        times.note(.replaying, at: 5 * second)
        #expect(times.parts == .init(claim: 2, restore: 3))
        times.note(.serving, at: 9 * second)
        times.note(.serving, at: 20 * second)
        times.note(.draining, at: 30 * second)
        #expect(times.parts == .init(claim: 2, restore: 3, replay: 4))
    }

    @Test func `a part that was too short to be seen lasts no time`() {
        var times = TakeOverTimes(now: 0)
        times.note(.replaying, at: second)
        times.note(.serving, at: 3 * second)
        #expect(times.parts == .init(claim: 1, restore: 0, replay: 2))
    }
}
