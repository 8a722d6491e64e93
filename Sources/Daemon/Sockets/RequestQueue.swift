/// The requests that have been received but not carried out yet, in one line per controller. The hot loop owns the
/// queue.
///
///     socket ──add──▶ a line for each controller ──next, in turn──▶ read and carried out ──release──▶ answered
///
/// Controllers take turns, so a controller with many or large requests does not delay the others for long. The requests
/// of one controller are carried out one at a time, in the order in which they arrived.
struct RequestQueue {
    /// The limits on the number of waiting requests and on their total size in bytes. At either limit, the hot loop
    /// receives no more requests.
    static let maximumCount = 100
    static let maximumBytes = 4 << 20
    /// The maximum number of unanswered requests per controller: requests that the daemon has begun to carry out but
    /// has not answered yet, for example because the store is still working on them.
    static let maximumUnanswered = 100
    /// The maximum total size of the unanswered requests of all controllers, in bytes. Beyond this size, no large
    /// request is carried out.
    static let maximumUnansweredBytes = 16 << 20

    /// The requests of one controller.
    private struct Line {
        var waiting: [RawRequest] = []
        /// The number of holds that must end before the controller's next request is carried out.
        var holds = 0
        var unanswered = 0

        var isOver: Bool { waiting.isEmpty && holds == 0 && unanswered == 0 }
    }

    private var lines: [Controller: Line] = [:]
    /// The controllers that have waiting requests, in the order of their turns.
    private var turns: [Controller] = []
    private var count = 0
    private var byteCount = 0
    private var unansweredBytes = 0

    /// Whether the queue has room for another request.
    var hasRoom: Bool { count < Self.maximumCount && byteCount < Self.maximumBytes }

    /// Appends a request to its controller's line.
    mutating func add(_ request: RawRequest) {
        var line = lines[request.controller] ?? Line()
        if line.waiting.isEmpty { turns.append(request.controller) }
        line.waiting.append(request)
        lines[request.controller] = line
        count += 1
        byteCount += request.byteCount
    }

    /// Returns whether there is a request that may be carried out now.
    ///
    /// - Parameter allowsLarge: Whether a large request may be carried out.
    /// - Returns: True if ``next(allowsLarge:)`` would return a request.
    func hasNext(allowsLarge: Bool) -> Bool { indexOfNext(allowsLarge) != nil }

    /// Removes and returns the next request that may be carried out now. Other requests of the same controller wait
    /// until ``release(_:)``.
    ///
    /// - Parameter allowsLarge: Whether a large request may be carried out.
    /// - Returns: The request; nil if no request may be carried out.
    mutating func next(allowsLarge: Bool) -> RawRequest? {
        guard let index = indexOfNext(allowsLarge) else { return nil }
        let controller = turns.remove(at: index)
        guard let request = lines[controller]?.waiting.removeFirst() else { return nil }
        lines[controller]?.holds += 1
        lines[controller]?.unanswered += 1
        if lines[controller]?.waiting.isEmpty == false { turns.append(controller) }
        count -= 1
        byteCount -= request.byteCount
        unansweredBytes += request.byteCount
        return request
    }

    private func indexOfNext(_ allowsLarge: Bool) -> Int? {
        let allowsLarge = allowsLarge && unansweredBytes < Self.maximumUnansweredBytes
        return turns.firstIndex { controller in
            guard let line = lines[controller], line.holds == 0, line.unanswered < Self.maximumUnanswered else {
                return false
            }
            return allowsLarge || line.waiting.first?.isLarge == false
        }
    }

    /// Holds back a controller's requests. Each hold must be ended with one call to ``release(_:)``.
    mutating func hold(_ controller: Controller) { lines[controller, default: Line()].holds += 1 }

    /// Ends one hold of a controller.
    mutating func release(_ controller: Controller) {
        lines[controller]?.holds -= 1
        removeIfOver(controller)
    }

    /// Records that a request has been answered.
    mutating func noteAnswer(to address: ControlServer.ReturnAddress) {
        lines[address.controller]?.unanswered -= 1
        unansweredBytes -= address.byteCount
        removeIfOver(address.controller)
    }

    private mutating func removeIfOver(_ controller: Controller) {
        if lines[controller]?.isOver == true { lines[controller] = nil }
    }
}
