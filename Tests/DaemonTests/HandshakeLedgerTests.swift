import Testing
import ZeroMQ

@testable import Daemon

@Suite struct `A broken handshake` {
    private static let second: Int64 = 1_000_000_000

    @Test func `a handshake that breaks off is reported if nothing else reports it`() {
        var ledger = HandshakeLedger()
        ledger.accept(1, at: 0)
        var isTold = ledger.end(1, at: 1)
        #expect(isTold)
        // A new connection reuses the number of the connection that ended.
        ledger.accept(1, at: 2)
        ledger.admit()
        isTold = ledger.end(1, at: 3)
        #expect(!isTold)
    }

    @Test(arguments: [SocketMonitor.Refusal.incomplete, .malformed, .otherMechanism, .denied(300), .denied(400)])
    func `a refused handshake is not reported twice`(refusal: SocketMonitor.Refusal) {
        var ledger = HandshakeLedger()
        ledger.accept(1, at: 0)
        ledger.refuse(refusal)
        var isTold = ledger.end(1, at: 1)
        #expect(!isTold)
        ledger.accept(2, at: 2)
        isTold = ledger.end(2, at: 3)
        #expect(isTold)
    }

    @Test func `admitted connections are not reported, whatever the order in which they end`() {
        var ledger = HandshakeLedger()
        for number in 1...3 { ledger.accept(number, at: 0) }
        for _ in 1...3 { ledger.admit() }
        for number in [2, 1, 3] {
            let isTold = ledger.end(number, at: 1)
            #expect(!isTold)
        }
    }

    @Test func `a handshake is forgotten after its timeout`() {
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
