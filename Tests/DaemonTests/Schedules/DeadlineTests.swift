import Testing

@testable import Daemon

@Suite struct `A deadline` {
    @Test func `a deadline has passed only once its wait is over`() {
        let past = Deadline(in: .zero)
        #expect(past.isPast && past.millisecondsLeft == 1)
        let later = Deadline(in: .seconds(3600))
        #expect(!later.isPast)
        #expect((3_599_000...3_600_001).contains(later.millisecondsLeft))
    }
}
