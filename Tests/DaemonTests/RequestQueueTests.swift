import Testing
import Wire

@testable import Daemon

/// Tests the order of requests and the limits on waiting requests.
@Suite struct `A queue of control requests` {
    private var queue = RequestQueue()

    private func request(_ peer: UInt8, _ body: String = "", bytes: Int = 0) -> RawRequest {
        RawRequest(
            controller: .peer([peer]), hasDelimiter: false,
            body: [Array(body.utf8), [UInt8](repeating: 0x20, count: bytes)])
    }

    private func address(of request: RawRequest) -> ControlServer.ReturnAddress {
        ControlServer.ReturnAddress(
            controller: request.controller, hasDelimiter: false, id: .null, byteCount: request.byteCount)
    }

    /// Returns the controller's number and the text of the next request.
    private mutating func next(allowsLarge: Bool = true) -> String? {
        queue.next(allowsLarge: allowsLarge).map { request in
            guard case .peer(let peer) = request.controller else { return "page" }
            return "\(peer[0])\(String(decoding: request.body[0], as: UTF8.self))"
        }
    }

    @Test mutating func `controllers take turns, and the requests of each keep their order`() {
        for text in ["a", "b", "c"] { queue.add(request(1, text)) }
        queue.add(request(2, "a"))
        queue.add(request(3, "a"))
        queue.add(request(3, "b"))
        var order: [String] = []
        while let text = next() {
            order.append(text)
            queue.release(.peer([UInt8(String(text.first ?? "0")) ?? 0]))
        }
        #expect(order == ["1a", "2a", "3a", "1b", "3b", "1c"])
    }

    @Test mutating func `a request waits for the previous one of its controller, but not for other controllers`() {
        for peer: UInt8 in [1, 2] {
            queue.add(request(peer, "a"))
            queue.add(request(peer, "b"))
        }
        #expect(next() == "1a" && next() == "2a")
        #expect(!queue.hasNext(allowsLarge: true) && next() == nil)
        queue.hold(.peer([1]))
        queue.release(.peer([1]))
        #expect(next() == nil, "it is still held")
        queue.release(.peer([2]))
        #expect(queue.hasNext(allowsLarge: false) && next() == "2b")
        queue.release(.peer([1]))
        #expect(next() == "1b")
    }

    @Test mutating func `only small requests are served while a large one is read`() {
        let large = RawRequest.maximumBytesReadInLoop + 1
        queue.add(request(1, "large", bytes: large))
        queue.add(request(1, "small"))
        queue.add(request(2, "small"))
        #expect(next(allowsLarge: false) == "2small")
        #expect(next(allowsLarge: false) == nil, "a controller's own order stays")
        #expect(next() == "1large")
    }

    @Test mutating func `the queue accepts requests up to its bound, and one more for each request served`() {
        for _ in 0..<RequestQueue.maximumCount {
            #expect(queue.hasRoom)
            queue.add(request(1))
        }
        #expect(!queue.hasRoom)
        _ = next()
        #expect(queue.hasRoom)
    }

    @Test mutating func `the queue accepts requests until their bytes reach its bound`() {
        var count = 0
        while queue.hasRoom {
            queue.add(request(1, bytes: 1 << 20))
            count += 1
        }
        #expect(count == RequestQueue.maximumBytes >> 20)
        _ = next()
        #expect(queue.hasRoom)
    }

    @Test mutating func `a controller with too many unanswered requests waits until one is answered`() throws {
        var first: RawRequest?
        for _ in 0..<RequestQueue.maximumUnanswered {
            queue.add(request(1))
            let request = queue.next(allowsLarge: true)
            first = first ?? request
            queue.release(.peer([1]))
        }
        queue.add(request(1, "late"))
        queue.add(request(2, "other"))
        #expect(next() == "2other" && next() == nil)
        queue.noteAnswer(to: address(of: try #require(first)))
        #expect(next() == "1late")
    }

    @Test mutating func `above the bound on unanswered bytes, large requests wait and small ones do not`() {
        var taken: [RawRequest] = []
        for peer in 1...UInt8.max {
            queue.add(request(peer, bytes: 1 << 20))
            guard let request = queue.next(allowsLarge: true) else { break }
            taken.append(request)
        }
        #expect(taken.count == RequestQueue.maximumUnansweredBytes >> 20)
        queue.add(request(0, "small"))
        #expect(next() == "0small")
        queue.noteAnswer(to: address(of: taken[0]))
        #expect(queue.hasNext(allowsLarge: true))
    }
}
