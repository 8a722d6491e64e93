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

    /// The endpoint that decisions come from.
    public let endpoint: Endpoint
    /// Whether ``next()`` gives decisions too that a daemon with `last_value` replays to new subscribers.
    public var takesReplayed = false
    private let socket: Socket
    private let monitor: SocketMonitor
    /// The topic by which the daemon confirms the subscription.
    private var topic: String
    private var isLost = false
    private var liveness: Liveness
    /// Changes that ``change()`` has not told yet, in order.
    private var changes: [Change] = []
    private var poller = Poller()
    private var message = Message()
    /// Messages that came before the subscription was confirmed.
    private var early: [[[UInt8]]] = []

    /// Subscribes, and waits until the daemon has taken the subscription.
    ///
    /// - Parameters:
    ///   - endpoint: The client's side of the daemon's decisions endpoint; connects where it leaves that open.
    ///   - prefix: What the ids of the streams begin with; empty: all.
    ///   - credentials: The client's keys, where the daemon asks for them.
    ///   - context: The home of the socket.
    /// - Throws: ``ClientError`` with the status `unavailable` where the daemon does not answer in time.
    public convenience init(
        endpoint: Endpoint, prefix: String, credentials: CurveCredentials? = nil, in context: Context
    ) throws(ClientError) {
        try self.init(
            endpoint: endpoint, prefix: prefix, credentials: credentials, liveness: Liveness(), in: context)
    }

    /// The same, with a ``Liveness`` of the caller's, which says when the daemon is asked whether it is still there.
    init(
        endpoint: Endpoint, prefix: String, credentials: CurveCredentials?, liveness: Liveness, in context: Context
    ) throws(ClientError) {
        self.endpoint = endpoint
        self.liveness = liveness
        let socket = try ClientError.wrapping { () throws(ZeroMQError) in try Socket(.sub, in: context) }
        monitor = try ClientError.wrapping { () throws(ZeroMQError) in try SocketMonitor(socket) }
        // Unique among all subscribers, so that the daemon hears of it even where others wait for theirs.
        let topic = Self.newTopic()
        self.topic = topic
        try ClientError.wrapping { () throws(ZeroMQError) in
            try socket.set(.linger, to: 0)
            // Decisions that the reader is too slow for wait here, before the daemon must drop any.
            try socket.set(.receiveHighWaterMark, to: 1_000_000)
            try Heartbeat.setKeepalive(on: socket)
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
            case .disconnected where !isLost: lose()
            // After the subscriptions that libzmq repeats by itself.
            case .admitted where isLost: try ask()
            default: break
            }
        }
    }

    private func lose() {
        isLost = true
        changes.append(.lost)
        liveness.noteLoss()
    }

    /// Subscribes to a new topic, which the daemon confirms.
    private func ask() throws(ClientError) {
        let old = topic
        topic = Self.newTopic()
        try ClientError.wrapping { () throws(ZeroMQError) in
            try socket.subscribe(topic)
            try socket.unsubscribe(old)
        }
        liveness.noteQuestion(at: .now)
    }

    /// Asks a daemon that has been silent whether it is there; where it does not answer, connects anew. The question goes the way
    /// of the subscriptions, and not that of libzmq's heartbeats, as decisions may queue up before the answer.
    private func checkLiveness() throws(ClientError) {
        switch liveness.act(at: .now) {
        case .wait: break
        case .ask: try ask()
        case .giveUp:
            // What has come and was not read yet is an answer.
            if let frames = try receive() { return early.append(frames) }
            if !isLost { lose() }
            liveness.noteLoss()
            // One that was called waits to be called again.
            guard endpoint.attachment != .bind else { return }
            try ClientError.wrapping { () throws(ZeroMQError) in try socket.reconnect(to: endpoint) }
        }
    }

    /// Lets ``wait(seconds:)`` end early, from any thread.
    ///
    /// - Parameter wakeup: What to call.
    public func add(_ wakeup: Wakeup) {
        _ = poller.add(wakeup)
    }

    /// Waits until a decision is there, a wake-up call came or the time is over; sometimes not so long.
    ///
    /// - Parameter seconds: How long at most; nil: as long as nothing comes.
    /// - Throws: ``ClientError`` where the socket failed.
    public func wait(seconds: Double?) throws(ClientError) {
        try hear()
        try checkLiveness()
        guard early.isEmpty, changes.isEmpty else { return }
        let untilDue = liveness.due.map { ($0 - .now) / .seconds(1) }
        let wait = [seconds, untilDue].compactMap(\.self).min()
        let milliseconds = wait.map { Int((max(0, min($0, 86_400)) * 1000).rounded(.up)) } ?? -1
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
        let frames = try ClientError.wrapping { () throws(ZeroMQError) in try socket.receiveFrames(wait: false) }
        if frames != nil { liveness.noteSign(at: .now) }
        return frames
    }
}
