import Testing
import ZeroMQ

@testable import Daemon

@Suite struct `Handshakes that break off` {
    private static let second: Int64 = 1_000_000_000

    @Test func `are told where nothing else tells them`() {
        var ledger = HandshakeLedger()
        ledger.accept(1, at: 0)
        var isTold = ledger.end(1, at: 1)
        #expect(isTold)
        // The number is used again.
        ledger.accept(1, at: 2)
        ledger.admit()
        isTold = ledger.end(1, at: 3)
        #expect(!isTold)
    }

    @Test(arguments: [SocketMonitor.Refusal.incomplete, .malformed, .otherMechanism, .denied(300), .denied(400)])
    func `are not told twice`(refusal: SocketMonitor.Refusal) {
        var ledger = HandshakeLedger()
        ledger.accept(1, at: 0)
        ledger.refuse(refusal)
        var isTold = ledger.end(1, at: 1)
        #expect(!isTold)
        ledger.accept(2, at: 2)
        isTold = ledger.end(2, at: 3)
        #expect(isTold)
    }

    @Test func `are not taken for connections that came in, whichever of several did`() {
        var ledger = HandshakeLedger()
        for number in 1...3 { ledger.accept(number, at: 0) }
        for _ in 1...3 { ledger.admit() }
        for number in [2, 1, 3] {
            let isTold = ledger.end(number, at: 1)
            #expect(!isTold)
        }
    }

    @Test func `do not count once their time is over`() {
        var ledger = HandshakeLedger()
        for number in 1...3 { ledger.accept(number, at: 0) }
        ledger.admit()
        var isTold = ledger.end(1, at: 10 * Self.second)
        #expect(!isTold)
        ledger.accept(4, at: 11 * Self.second)
        isTold = ledger.end(4, at: 11 * Self.second)
        #expect(isTold)
    }
}
