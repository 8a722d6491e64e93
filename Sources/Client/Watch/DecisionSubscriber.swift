import Glibc
public import Wire
public import ZeroMQ

/// Receives decisions, from a moment that is known: after ``init(endpoint:prefix:in:)`` every decision comes, until
/// ``change()`` says that the daemon is lost. One owner, one thread.
public final class DecisionSubscriber {
    /// How long the daemon may take to say that it has taken the subscription.
    static let subscribeSeconds = 2.0
    /// The daemon's answer to a subscription comes on a topic that begins so.
    static let subscribedTopic = StreamID.ownTopics + "subscribed/"

    /// The state of the connection.
    public enum Change: Equatable, Sendable {
        /// The daemon ended, or does not answer any more: decisions may be missed from here on.
        case lost
        /// The daemon is there again, and has taken the subscription: every decision comes again.
        case back
    }

    /// Where decisions come from.
    public let endpoint: Endpoint
    /// Whether ``next()`` gives decisions too that a daemon with `last_value` replays to new subscribers.
    public var takesReplayed = false
    private let socket: Socket
    private let monitor: SocketMonitor
    /// The topic by which the daemon confirms the subscription.
    private var topic: String
    private var isLost = false
    /// Those that ``change()`` has not told yet, in order.
    private var changes: [Change] = []
    private var poller = Poller()
    private var message = Message()
    /// What came before the subscription was confirmed.
    private var early: [[[UInt8]]] = []

    /// Subscribes, and waits until the daemon has taken the subscription.
    ///
    /// - Parameters:
    ///   - endpoint: The client's side of the daemon's decisions endpoint; connects where it leaves that open.
    ///   - prefix: What the ids of the streams begin with; empty: all.
    ///   - credentials: The client's keys, where the daemon asks for them.
    ///   - context: The home of the socket.
    /// - Throws: ``ClientError`` with the status `unavailable` where the daemon does not answer in time.
    public init(
        endpoint: Endpoint, prefix: String, credentials: CurveCredentials? = nil, in context: Context
    ) throws(ClientError) {
        self.endpoint = endpoint
        let socket = try ClientError.wrapping { () throws(ZeroMQError) in try Socket(.sub, in: context) }
        monitor = try ClientError.wrapping { () throws(ZeroMQError) in try SocketMonitor(socket) }
        // Unique among all subscribers, so that the daemon hears of it even where others wait for theirs.
        let topic = Self.newTopic()
        self.topic = topic
        try ClientError.wrapping { () throws(ZeroMQError) in
            try socket.set(.linger, to: 0)
            // Decisions that the reader is too slow for wait here, before the daemon must drop any.
            try socket.set(.receiveHighWaterMark, to: 1_000_000)
            try Heartbeat.set(on: socket)
            try socket.authenticate(with: credentials, at: endpoint)
            try socket.attach(to: endpoint, otherwise: .connect)
            try socket.subscribe(prefix)
            try socket.subscribe(topic)
        }
        self.socket = socket
        _ = poller.add(self.socket)
        _ = poller.add(monitor)
        try waitForSubscription()
        isLost = false
        changes.removeAll()
    }

    deinit { socket.stopMonitoring() }

    private static func newTopic() -> String {
        subscribedTopic + "\(getpid())-\(UInt64.random(in: 0 ... .max))"
    }

    /// Tells of one change of the connection, after whatever ``next()`` gave came. libzmq connects again by itself.
    ///
    /// - Returns: The change; nil where there is none.
    /// - Throws: ``ClientError`` where the socket failed.
    public func change() throws(ClientError) -> Change? {
        try hear()
        return changes.isEmpty ? nil : changes.removeFirst()
    }

    private func hear() throws(ClientError) {
        while let event = try ClientError.wrapping({ () throws(ZeroMQError) in try monitor.next() }) {
            switch event {
            case .disconnected where !isLost:
                isLost = true
                changes.append(.lost)
            case .admitted where isLost:
                // Under a new topic, which is asked for after the subscriptions that libzmq repeats by itself.
                let old = topic
                topic = Self.newTopic()
                try ClientError.wrapping { () throws(ZeroMQError) in
                    try socket.subscribe(topic)
                    try socket.unsubscribe(old)
                }
            default: break
            }
        }
    }

    /// Lets ``wait(seconds:)`` end early, from any thread.
    ///
    /// - Parameter wakeup: What to call.
    public func add(_ wakeup: Wakeup) {
        _ = poller.add(wakeup)
    }

    /// Waits until a decision is there, a wake-up call came or the time is over.
    ///
    /// - Parameter seconds: How long at most; nil: for ever.
    /// - Throws: ``ClientError`` where the socket failed.
    public func wait(seconds: Double?) throws(ClientError) {
        try hear()
        guard early.isEmpty, changes.isEmpty else { return }
        let milliseconds = seconds.map { Int((max(0, min($0, 86_400)) * 1000).rounded(.up)) } ?? -1
        try ClientError.wrapping { () throws(ZeroMQError) in try poller.wait(milliseconds: milliseconds) }
    }

    /// Takes one message that is there.
    ///
    /// - Returns: The stream and its decisions, in order; nil where nothing waits.
    /// - Throws: ``ClientError`` where what came is no decision.
    public func next() throws(ClientError) -> (stream: String, decisions: [Decision])? {
        while true {
            let frames = early.isEmpty ? try receive() : early.removeFirst()
            guard let frames else { return nil }
            if frames[0].starts(with: StreamID.ownTopics.utf8) {
                // The caller hears of it before the decisions that follow.
                if confirms(frames) { return nil }
                continue
            }
            guard frames.count == 2 else {
                throw ClientError(
                    .protocol, "a decision of \(Quantity.count(frames.count, of: "frame")) at \(endpoint), not 2")
            }
            var decisions = try DecisionText.decisions(in: frames[1])
            if !takesReplayed {
                decisions.removeAll { $0.flags.contains(.replayed) }
                if decisions.isEmpty { continue }
            }
            return (String(decoding: frames[0], as: UTF8.self), decisions)
        }
    }

    /// Takes one event that is there; decisions before it are left out.
    ///
    /// - Returns: The event as the daemon wrote it, one JSON object; nil where nothing waits.
    /// - Throws: ``ClientError`` where the socket failed.
    public func nextEvent() throws(ClientError) -> [UInt8]? {
        while let frames = early.isEmpty ? try receive() : early.removeFirst() {
            if confirms(frames) { return nil }
            if frames.count == 2, frames[0] == Array(StreamEvent.topic.utf8) { return frames[1] }
        }
        return nil
    }

    private func confirms(_ frames: [[UInt8]]) -> Bool {
        guard isLost, frames[0].elementsEqual(topic.utf8) else { return false }
        isLost = false
        changes.append(.back)
        return true
    }

    private func waitForSubscription() throws(ClientError) {
        let deadline = ContinuousClock.now + .seconds(Self.subscribeSeconds)
        while true {
            let left = (deadline - ContinuousClock.now) / .seconds(1)
            guard left > 0 else {
                throw ClientError(
                    .unavailable,
                    "cannot reach the daemon's decisions at \(endpoint.address): is sluiced running? "
                        + "--decisions says where, and with keys, this one must be among its subscribers")
            }
            let milliseconds = Int(left * 1000) + 1
            try ClientError.wrapping { () throws(ZeroMQError) in try poller.wait(milliseconds: milliseconds) }
            try hear()
            while let frames = try receive() {
                if frames[0].elementsEqual(topic.utf8) { return }
                early.append(frames)
            }
        }
    }

    private func receive() throws(ClientError) -> [[UInt8]]? {
        try ClientError.wrapping { () throws(ZeroMQError) in try socket.receiveFrames(wait: false) }
    }
}
