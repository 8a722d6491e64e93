import Foundation
import Testing
import ZeroMQ

/// Tests waiting for sockets and wake-ups.
@Suite struct `A poller` {
    @Test func `a poller finds the readable socket and no other`() throws {
        let context = try Context()
        let quiet = try Socket(.pull, in: context)
        let busy = try Socket(.pull, in: context)
        try quiet.attach(to: Endpoint(.bind, "inproc://quiet"), otherwise: .bind)
        try busy.attach(to: Endpoint(.bind, "inproc://busy"), otherwise: .bind)
        let push = try Socket(.push, in: context)
        try push.attach(to: Endpoint(.connect, "inproc://busy"), otherwise: .bind)
        var poller = Poller()
        let quietItem = poller.add(quiet)
        let busyItem = poller.add(busy)

        try poller.wait(milliseconds: 0)
        var found = [poller.mayBeReadable(quietItem), poller.mayBeReadable(busyItem)]
        #expect(found == [false, false])
        try push.sendFrames([[1]], wait: true)
        try poller.wait(milliseconds: 10_000)
        found = [poller.mayBeReadable(quietItem), poller.mayBeReadable(busyItem)]
        #expect(found == [false, true])
        _ = try busy.receiveFrames(wait: true)
        try poller.wait(milliseconds: 0)
        found = [poller.mayBeReadable(quietItem), poller.mayBeReadable(busyItem)]
        #expect(found == [false, false])
    }

    @Test func `a poller finds a socket that was empty before`() throws {
        let context = try Context()
        let pull = try Socket(.pull, in: context)
        let push = try Socket(.push, in: context)
        try push.set(.linger, to: 0)
        try pull.attach(to: Endpoint(.bind, "tcp://127.0.0.1:*"), otherwise: .bind)
        try push.attach(to: Endpoint(.connect, pull.lastAddress()), otherwise: .connect)
        var poller = Poller()
        let item = poller.add(pull)
        var received: [[[UInt8]]] = []
        for number in UInt8(0)..<100 {
            // Check that the socket is empty: in even rounds with a poll and a receive, in odd rounds with only a
            // receive.
            if number.isMultiple(of: 2) { try poller.wait(milliseconds: 0) }
            let before = try pull.receiveFrames(wait: false)
            #expect(before == nil)
            try push.sendFrames([[number], [0]], wait: true)
            // A signal does not guarantee a message. The message may arrive later, with another signal.
            while received.count <= number {
                try poller.wait(milliseconds: 10_000)
                let isTold = poller.mayBeReadable(item)
                try #require(isTold)
                if let frames = try pull.receiveFrames(wait: false) { received.append(frames) }
            }
        }
        #expect(received == (UInt8(0)..<100).map { [[$0], [0]] })
    }

    @Test func `a wake-up from another thread ends the wait`() throws {
        let wakeup = try Wakeup()
        var poller = Poller()
        let item = poller.add(wakeup)
        let start = ContinuousClock.now
        Thread.detachNewThread { wakeup.signal() }
        try poller.wait(milliseconds: 30_000)
        let isReadable = poller.mayBeReadable(item)
        #expect(isReadable)
        #expect(ContinuousClock.now - start < .seconds(25))
    }

    @Test(arguments: [1, 2, 64, 65, 200_000])
    func `any number of wake-ups counts as one`(count: Int) throws {
        let wakeup = try Wakeup()
        var poller = Poller()
        let item = poller.add(wakeup)
        // The signals must not block, even if there are more than a pipe can hold.
        for _ in 0..<count { wakeup.signal() }
        try poller.wait(milliseconds: 0)
        let before = poller.mayBeReadable(item)
        wakeup.clear()
        try poller.wait(milliseconds: 0)
        let after = poller.mayBeReadable(item)
        wakeup.signal()
        try poller.wait(milliseconds: 0)
        let again = poller.mayBeReadable(item)
        #expect(before)
        #expect(!after)
        #expect(again)
    }

    @Test func `a poller keeps its sockets open`() throws {
        let context = try Context()
        var poller = Poller()
        let item = try Self.watchAndForget(&poller, in: context)
        let push = try Socket(.push, in: context)
        try push.attach(to: Endpoint(.connect, "inproc://kept"), otherwise: .bind)
        try push.sendFrames([[1]], wait: true)
        try poller.wait(milliseconds: 10_000)
        let isReadable = poller.mayBeReadable(item)
        #expect(isReadable)
    }

    private static func watchAndForget(_ poller: inout Poller, in context: Context) throws -> Int {
        let pull = try Socket(.pull, in: context)
        try pull.attach(to: Endpoint(.bind, "inproc://kept"), otherwise: .bind)
        return poller.add(pull)
    }
}
