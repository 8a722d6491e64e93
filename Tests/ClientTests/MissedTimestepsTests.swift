import Testing
import Wire

@testable import Client

@Suite struct `Missed timesteps` {
    private func decisions(_ sequences: ClosedRange<UInt64>, _ flags: Decision.Flags = []) -> [Decision] {
        sequences.map { Decision(sequence: $0, step: $0, time: 0, flags: flags, label: 0, probabilities: [0]) }
    }

    @Test func `timesteps that passed unseen are reported, as missed decisions if every timestep is decided`() {
        var missed = MissedTimesteps { $0.hasPrefix("every") }
        missed.add(decisions(1...5), stream: "every-1")
        missed.add(decisions(2...2), stream: "last-1")
        missed.add(decisions(3...3), stream: "every-2")
        // Without an interruption, a gap comes from the stream itself.
        missed.add(decisions(8...8), stream: "every-2")
        #expect(missed.isEmpty)

        missed.interrupt()
        missed.add(decisions(9...10), stream: "every-1")
        missed.add(decisions(9...9), stream: "last-1")
        missed.add(decisions(9...9), stream: "every-2")
        missed.add(decisions(100...100), stream: "new")
        #expect(
            missed.report() == [
                "3 decisions were missed: every-1 6 to 8", "6 timesteps passed meanwhile: last-1 3 to 8",
            ])
        #expect(missed.isEmpty && missed.report().isEmpty)
        missed.add(decisions(20...20), stream: "every-1")
        #expect(missed.isEmpty)

        // Timesteps that never reached the daemon do not count as missed decisions.
        missed.interrupt()
        missed.add(decisions(30...30, .gap), stream: "every-1")
        #expect(missed.report() == ["9 timesteps passed meanwhile: every-1 21 to 29"])
    }

    @Test func `a replayed decision counts as missed, and a stream may go back`() {
        var missed = MissedTimesteps { _ in true }
        missed.add(decisions(5...5), stream: "a")
        missed.add(decisions(5...5), stream: "b")
        missed.interrupt()
        missed.add(decisions(7...7, .replayed), stream: "a")
        missed.add(decisions(1...2), stream: "b")
        #expect(missed.report() == ["b went back from sequence 5 to 1", "2 decisions were missed: a 6 to 7"])
    }
}
