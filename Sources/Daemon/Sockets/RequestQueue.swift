/// Requests that were taken from the socket and are not carried out yet, controller by controller. Owned by the hot loop.
///
///     socket ──add──▶ a line for each controller ──next, in turn──▶ read and carried out ──release──▶ answered
///
/// Controllers have their turn one after another, so that who sends many requests, or large ones, does not keep the others
/// waiting for all of them. Requests of one controller are carried out one by one, in the order in which they came.
struct RequestQueue {
    /// Requests, and bytes of them, that wait before no more are taken from the socket.
    static let maximumCount = 100
    static let maximumBytes = 4 << 20
    /// Requests of one controller that are carried out and not answered yet, as while the store is at work.
    static let maximumUnanswered = 100
    /// Bytes of unanswered requests, of all controllers, from which on no large request is carried out.
    static let maximumUnansweredBytes = 16 << 20

    /// One controller.
    private struct Line {
        var waiting: [RawRequest] = []
        /// What must come to an end before the next request of this controller is carried out.
        var holds = 0
        var unanswered = 0

        var isOver: Bool { waiting.isEmpty && holds == 0 && unanswered == 0 }
    }

    private var lines: [[UInt8]: Line] = [:]
    /// The controllers whose requests wait; the one whose turn is next comes first.
    private var turns: [[UInt8]] = []
    private var count = 0
    private var byteCount = 0
    private var unansweredBytes = 0

    /// Whether more may be taken from the socket.
    var hasRoom: Bool { count < Self.maximumCount && byteCount < Self.maximumBytes }

    /// Puts a request to those that wait.
    mutating func add(_ request: RawRequest) {
        var line = lines[request.peer] ?? Line()
        if line.waiting.isEmpty { turns.append(request.peer) }
        line.waiting.append(request)
        lines[request.peer] = line
        count += 1
        byteCount += request.byteCount
    }

    /// Whether there is a request that may be carried out now.
    ///
    /// - Parameter allowsLarge: Whether it may be a large one.
    /// - Returns: Whether there is one.
    func hasNext(allowsLarge: Bool) -> Bool { indexOfNext(allowsLarge) != nil }

    /// Takes the next request that may be carried out now. Its controller's others wait until ``release(_:)``.
    ///
    /// - Parameter allowsLarge: Whether it may be a large one.
    /// - Returns: The request; nil where none may be carried out.
    mutating func next(allowsLarge: Bool) -> RawRequest? {
        guard let index = indexOfNext(allowsLarge) else { return nil }
        let peer = turns.remove(at: index)
        guard let request = lines[peer]?.waiting.removeFirst() else { return nil }
        lines[peer]?.holds += 1
        lines[peer]?.unanswered += 1
        if lines[peer]?.waiting.isEmpty == false { turns.append(peer) }
        count -= 1
        byteCount -= request.byteCount
        unansweredBytes += request.byteCount
        return request
    }

    private func indexOfNext(_ allowsLarge: Bool) -> Int? {
        let allowsLarge = allowsLarge && unansweredBytes < Self.maximumUnansweredBytes
        return turns.firstIndex { peer in
            guard let line = lines[peer], line.holds == 0, line.unanswered < Self.maximumUnanswered else {
                return false
            }
            return allowsLarge || line.waiting.first?.isLarge == false
        }
    }

    /// Lets requests of a controller wait until ``release(_:)`` was called as often as this.
    mutating func hold(_ peer: [UInt8]) { lines[peer, default: Line()].holds += 1 }

    /// Ends one hold of a controller.
    mutating func release(_ peer: [UInt8]) {
        lines[peer]?.holds -= 1
        removeIfOver(peer)
    }

    /// Notes that a request is answered.
    mutating func noteAnswer(to address: ControlServer.ReturnAddress) {
        lines[address.peer]?.unanswered -= 1
        unansweredBytes -= address.byteCount
        removeIfOver(address.peer)
    }

    private mutating func removeIfOver(_ peer: [UInt8]) {
        if lines[peer]?.isOver == true { lines[peer] = nil }
    }
}
