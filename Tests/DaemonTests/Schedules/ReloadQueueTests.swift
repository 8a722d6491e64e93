import Testing
import Wire

@testable import Daemon

/// Tests the order in which model files are read, without a daemon.
@Suite struct `A reload queue` {
    private func request(_ number: Int, resetting: Bool = false) -> ReloadQueue.Reload {
        let address = ControlServer.ReturnAddress(
            controller: .peer([]), hasDelimiter: false, id: .integer(Int64(number)), byteCount: 0)
        return .request(from: address, resetting: resetting)
    }

    /// Evaluates the condition outside `#expect`, because the macro cannot call mutating functions.
    private func check(_ holds: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(holds, sourceLocation: sourceLocation)
    }

    @Test func `all requests during a reload lead to one further reload, and each gets an answer`() {
        var queue = ReloadQueue(models: 2)
        check(queue.ask(request(1), ofModel: 0))
        check(!queue.ask(request(2), ofModel: 0))
        check(!queue.ask(.bySignal, ofModel: 0))
        check(!queue.ask(request(3, resetting: true), ofModel: 0))
        // The other model is read immediately.
        check(queue.ask(.bySignal, ofModel: 1))

        check(queue.didRead(0) == false)
        let first = queue.end(0)
        #expect(first.ended.addresses.map(\.id) == [.integer(1)] && !first.ended.isLogged)
        #expect(first.readsAgain)
        check(queue.didRead(0) == true)
        let second = queue.end(0)
        #expect(second.ended.addresses.map(\.id) == [.integer(2), .integer(3)] && second.ended.isLogged)
        #expect(!second.readsAgain)
        check(queue.ask(request(4), ofModel: 0))
    }

    @Test func `a stop drops unread and queued reloads, and completes those whose weights are read`() {
        var queue = ReloadQueue(models: 3)
        for number in 1...2 { _ = queue.ask(request(number), ofModel: 0) }
        for number in 3...4 { _ = queue.ask(request(number), ofModel: 1) }
        check(queue.didRead(1) == false)

        let dropped = queue.stop()

        #expect(dropped.map(\.model) == [0, 0, 1])
        #expect(dropped.flatMap { $0.dropped.addresses.map(\.id) } == [.integer(1), .integer(2), .integer(4)])
        check(queue.didRead(0) == nil)
        let last = queue.end(1)
        #expect(last.ended.addresses.map(\.id) == [.integer(3)] && !last.readsAgain)
    }
}
