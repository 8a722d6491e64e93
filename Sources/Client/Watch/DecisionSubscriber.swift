import Glibc
package import Wire
package import ZeroMQ

/// Receives decisions. No decision is missed from the time ``init(endpoint:prefix:credentials:in:)`` returns until
/// ``change()`` reports the loss of the daemon. A subscriber has one owner and is used on one thread.
package final class DecisionSubscriber {
    /// The maximum time for the daemon to confirm the subscription.
    static let subscribeSeconds = 2.0
    /// The prefix of the topic that confirms a subscription.
    static let subscribedTopic = StreamID.ownTopics + "subscribed/"

    /// A change in the state of the connection.
    package enum Change: Equatable, Sendable {
        /// The daemon ended or no longer answers. From this point on, decisions may be missed.
        case lost
        /// The daemon is back and has confirmed the subscription. From this point on, no decision is missed.
        case back
    }

    /// The endpoint that publishes the decisions.
    package let endpoint: Endpoint
    /// Whether ``next()`` also returns the last values that a daemon with `last_value` sends to new subscribers.
    package var takesReplayed = false
    private let socket: Socket
    private let monitor: SocketMonitor
    /// The topic that confirms the subscription.
    private var topic: String
    private var isLost = false
    private var liveness: Liveness
    /// The changes that ``change()`` has not returned yet, in order.
    private var changes: [Change] = []
    private var poller = Poller()
    private var message = Message()
    /// The messages that arrived before the confirmation.
    private var early: [[[UInt8]]] = []

    /// Subscribes, and waits for the daemon's confirmation.
    ///
    /// - Parameters:
    ///   - endpoint: The client's side of the daemon's decisions endpoint. The subscriber connects if the endpoint does
    ///     not say whether to connect or to bind.
    ///   - prefix: The prefix of the streams' ids; empty for all.
    ///   - credentials: The client's keys, if the daemon requires keys.
    ///   - context: The ZeroMQ context in which to create the socket.
    /// - Throws: ``ClientError`` with the status `unavailable` if the daemon does not answer in time.
    package convenience init(
        endpoint: Endpoint, prefix: String, credentials: CurveCredentials? = nil, in context: Context
    ) throws(ClientError) {
        try self.init(
            endpoint: endpoint, prefix: prefix, credentials: credentials, liveness: Liveness(), in: context)
    }

    /// Subscribes with a given ``Liveness``, which decides when to ask whether the daemon is still running.
    init(
        endpoint: Endpoint, prefix: String, credentials: CurveCredentials?, liveness: Liveness, in context: Context
    ) throws(ClientError) {
        self.endpoint = endpoint
        self.liveness = liveness
        let socket = try ClientError.wrapping { () throws(ZeroMQError) in try Socket(.sub, in: context) }
        monitor = try ClientError.wrapping { () throws(ZeroMQError) in try SocketMonitor(socket) }
        // The topic is unique among all subscribers. The daemon therefore sees this subscription even while other
        // subscribers wait for their confirmations.
        let topic = Self.newTopic()
        self.topic = topic
        try ClientError.wrapping { () throws(ZeroMQError) in
            try socket.set(.linger, to: 0)
            // If the reader is slow, decisions wait in this queue, so that the daemon does not have to drop them.
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
        try waitForSubscription(
            ReachDiagnosis(endpoint: endpoint, wanted: .decisions, credentials: credentials, context: context))
        isLost = false
        changes.removeAll()
    }

    deinit { socket.stopMonitoring() }

    private static func newTopic() -> String {
        subscribedTopic + "\(getpid())-\(UInt64.random(in: 0 ... .max))"
    }

    /// Returns the next change of the connection. Everything that ``next()`` has returned arrived before the change.
    /// libzmq reconnects by itself.
    ///
    /// - Returns: The change; nil if there is none.
    /// - Throws: ``ClientError`` if the socket failed.
    package func change() throws(ClientError) -> Change? {
        try hear()
        return changes.isEmpty ? nil : changes.removeFirst()
    }

    private func hear() throws(ClientError) {
        while let event = try ClientError.wrapping({ () throws(ZeroMQError) in try monitor.next() }) {
            switch event {
            case .disconnected where !isLost: lose()
            // libzmq renews the subscriptions by itself. The daemon receives them before this question.
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

    /// Subscribes to a new topic, so that the daemon sends a confirmation.
    private func ask() throws(ClientError) {
        let old = topic
        topic = Self.newTopic()
        try ClientError.wrapping { () throws(ZeroMQError) in
            try socket.subscribe(topic)
            try socket.unsubscribe(old)
        }
        liveness.noteQuestion(at: .now)
    }

    /// Asks a silent daemon whether it is still running, and reconnects if it does not answer. The question is a
    /// subscription rather than a libzmq heartbeat, because decisions may queue up before the answer.
    private func checkLiveness() throws(ClientError) {
        switch liveness.act(at: .now) {
        case .wait: break
        case .ask: try ask()
        case .giveUp:
            // Any received message counts as an answer.
            if let frames = try receive() { return early.append(frames) }
            if !isLost { lose() }
            liveness.noteLoss()
            // A subscriber that binds waits for the daemon to connect again.
            guard endpoint.attachment != .bind else { return }
            try ClientError.wrapping { () throws(ZeroMQError) in try socket.reconnect(to: endpoint) }
        }
    }

    /// Lets a wake-up end ``wait(seconds:)`` early.
    ///
    /// - Parameter wakeup: The wake-up, which any thread may signal.
    package func add(_ wakeup: Wakeup) {
        _ = poller.add(wakeup)
    }

    /// Waits until a decision or a wake-up arrives or the time has passed. The wait may also end early for no reason.
    ///
    /// - Parameter seconds: The maximum time; nil for no limit.
    /// - Throws: ``ClientError`` if the socket failed.
    package func wait(seconds: Double?) throws(ClientError) {
        try hear()
        try checkLiveness()
        guard early.isEmpty, changes.isEmpty else { return }
        let untilDue = liveness.due.map { ($0 - .now) / .seconds(1) }
        let wait = [seconds, untilDue].compactMap(\.self).min()
        let milliseconds = wait.map { Int((max(0, min($0, 86_400)) * 1000).rounded(.up)) } ?? -1
        try ClientError.wrapping { () throws(ZeroMQError) in try poller.wait(milliseconds: milliseconds) }
    }

    /// Returns the next available message.
    ///
    /// - Returns: The stream and its decisions, in order; nil if there is no message.
    /// - Throws: ``ClientError`` if the message is not a decision.
    package func next() throws(ClientError) -> (stream: String, decisions: [Decision])? {
        while true {
            let frames = early.isEmpty ? try receive() : early.removeFirst()
            guard let frames else { return nil }
            if frames[0].starts(with: StreamID.ownTopics.utf8) {
                // Return, so that the caller sees the change before the next decisions.
                if confirms(frames) { return nil }
                continue
            }
            guard frames.count == 2 else {
                throw ClientError(
                    .protocol, "a decision from \(endpoint) has \(Quantity.count(frames.count, of: "frame")), not 2")
            }
            var decisions = try DecisionText.decisions(in: frames[1])
            if !takesReplayed {
                decisions.removeAll { $0.flags.contains(.replayed) }
                if decisions.isEmpty { continue }
            }
            return (String(decoding: frames[0], as: UTF8.self), decisions)
        }
    }

    /// Returns the next available event, and discards any decisions before it.
    ///
    /// - Returns: The event as the daemon wrote it, which is one JSON object; nil if there is no event.
    /// - Throws: ``ClientError`` if the socket failed.
    package func nextEvent() throws(ClientError) -> [UInt8]? {
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

    private func waitForSubscription(_ diagnosis: ReachDiagnosis) throws(ClientError) {
        let deadline = ContinuousClock.now + .seconds(Self.subscribeSeconds)
        while true {
            let left = (deadline - ContinuousClock.now) / .seconds(1)
            guard left > 0 else {
                throw ClientError(
                    .unavailable,
                    diagnosis.reason()
                        ?? "cannot reach the daemon's decisions at \(endpoint.address); start sluiced, give its address with "
                        + "--decisions and, with keys, add this client's key to the subscribers")
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
