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
    /// The id prefix of the streams whose decisions ``next()`` returns.
    private let prefix: String
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
    /// The decisions of the last message in the codec `batch` that ``next()`` has not returned yet.
    private var rest: ArraySlice<(stream: String, decisions: [Decision])> = []

    /// Subscribes, and waits for the daemon's confirmation.
    ///
    /// - Parameters:
    ///   - endpoint: The client's side of the daemon's decisions endpoint. The subscriber connects if the endpoint does
    ///     not say whether to connect or to bind.
    ///   - prefix: The prefix of the streams' ids; empty for all.
    ///   - batches: The prefix of the topics of messages in the codec `batch`; nil for no such messages.
    ///   - credentials: The client's keys, if the daemon requires keys.
    ///   - context: The ZeroMQ context in which to create the socket.
    /// - Throws: ``ClientError`` with the status `unavailable` if the daemon does not answer in time.
    package convenience init(
        endpoint: Endpoint, prefix: String, batches: String? = nil, credentials: CurveCredentials? = nil,
        in context: Context
    ) throws(ClientError) {
        try self.init(
            endpoint: endpoint, prefix: prefix, batches: batches, credentials: credentials, liveness: Liveness(),
            in: context)
    }

    /// Subscribes with a given ``Liveness``, which decides when to ask whether the daemon is still running.
    init(
        endpoint: Endpoint, prefix: String, batches: String? = nil, credentials: CurveCredentials?,
        liveness: Liveness, in context: Context
    ) throws(ClientError) {
        self.endpoint = endpoint
        self.prefix = prefix
        self.liveness = liveness
        let socket = try ClientError.wrapping { () throws(ZeroMQError) in try Socket(.sub, in: context) }
        monitor = try ClientError.wrapping { () throws(ZeroMQError) in try SocketMonitor(socket) }
        // The topic is unique among all subscribers. The daemon therefore sees this subscription even while other
        // subscribers wait for their confirmations.
        let topic = Self.newTopic()
        self.topic = topic
        try ClientError.wrapping { () throws(ZeroMQError) in
            try socket.set(.linger, to: 0)
            // If the reader is slow, decisions wait in this queue, and the daemon does not have to drop them.
            try socket.set(.receiveHighWaterMark, to: 1_000_000)
            try Heartbeat.setKeepalive(on: socket)
            try socket.authenticate(with: credentials, at: endpoint)
            try socket.attach(to: endpoint, otherwise: .connect)
            try socket.subscribe(prefix)
            if let batches { try socket.subscribe(batches) }
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
            // libzmq renews the subscriptions by itself, before this question. The confirmation therefore covers all of
            // them.
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

    /// Subscribes to a new topic, which makes the daemon send a confirmation.
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
    /// subscription and not a libzmq heartbeat, because decisions may queue up ahead of the answer. See ``Heartbeat``.
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

    /// Waits until a decision or a wake-up arrives or the time has passed. The wait may also end early for other
    /// reasons.
    ///
    /// - Parameter seconds: The maximum time; nil for no limit.
    /// - Throws: ``ClientError`` if the socket failed.
    package func wait(seconds: Double?) throws(ClientError) {
        try hear()
        try checkLiveness()
        guard early.isEmpty, rest.isEmpty, changes.isEmpty else { return }
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
            if let message = rest.popFirst() { return message }
            let frames = early.isEmpty ? try receive() : early.removeFirst()
            guard let frames else { return nil }
            if frames.count == DecisionBatch.frameCount {
                rest = try decisions(ofBatch: frames)[...]
                continue
            }
            if frames[0].starts(with: StreamID.ownTopics.utf8) {
                // Return, so that the caller sees the change before the next decisions.
                if confirms(frames) { return nil }
                continue
            }
            guard frames.count == 2 else {
                throw ClientError(
                    .protocol,
                    "a decision from \(endpoint) has \(Quantity.count(frames.count, of: "frame")), not 2, or 3 for a batch"
                )
            }
            var decisions = try DecisionText.decisions(in: frames[1])
            if !takesReplayed {
                decisions.removeAll { $0.flags.contains(.replayed) }
                if decisions.isEmpty { continue }
            }
            return (String(decoding: frames[0], as: UTF8.self), decisions)
        }
    }

    /// Returns the selected decisions of a message in the codec `batch`, with one element for consecutive decisions of
    /// one stream.
    private func decisions(
        ofBatch frames: [[UInt8]]
    ) throws(ClientError) -> [(stream: String, decisions: [Decision])] {
        let (ids, column) = (frames[1], frames[2])
        let records: [(id: [UInt8], decision: Decision)]
        do throws(DecisionError) {
            records = unsafe try DecisionBatch.read(ids: ids.span, records: column.span.bytes)
        } catch {
            throw ClientError(.protocol, "a batch of decisions from \(endpoint) cannot be read: \(error)")
        }
        var found: [(stream: String, decisions: [Decision])] = []
        var last: [UInt8] = []
        for (id, decision) in records {
            guard id.starts(with: prefix.utf8), takesReplayed || !decision.flags.contains(.replayed) else { continue }
            if id == last {
                found[found.count - 1].decisions.append(decision)
            } else {
                found.append((String(decoding: id, as: UTF8.self), [decision]))
                last = id
            }
        }
        return found
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
