import ZeroMQ

/// A socket that publishes messages to many subscribers. The hot loop owns it.
///
/// A slow subscriber loses the messages beyond its high-water mark, but never slows down the daemon. By default, libzmq
/// drops these messages silently. With `ZMQ_XPUB_NODROP`, it refuses a message if any subscriber has no room. The
/// socket counts the refusal, and sends the message again without that option, so that all other subscribers receive
/// it. From then on, libzmq skips the slow subscriber without further refusals until the subscriber has read half of
/// its queue. The counter is therefore the number of times that a subscriber fell behind.
final class PublishingSocket {
    /// The libzmq socket.
    let socket: Socket
    /// The endpoint of the socket. A `*` is replaced by the actual port.
    let endpoint: Endpoint
    /// Whether anyone has subscribed since the start. Until then, nothing is sent: libzmq would discard each message,
    /// and discarding it would take about as long as a decision of a small model. The flag stays set when subscriptions
    /// end, because libzmq also reports the end of subscriptions that never began.
    var isSubscribed = false
    /// The number of times that a subscriber's queue was full and the subscriber began to miss messages.
    private(set) var overflows: UInt64 = 0

    /// - Parameters:
    ///   - endpoint: The endpoint.
    ///   - highWaterMark: The maximum number of messages queued for each subscriber.
    ///   - context: The libzmq context in which to create the socket.
    ///   - access: The guard that admits subscribers.
    /// - Throws: `ZeroMQError`, for example if the address is in use.
    init(
        _ endpoint: Endpoint, highWaterMark: Int, in context: Context, by access: AccessGuard
    ) throws(ZeroMQError) {
        let socket = try Socket(.xpub, in: context)
        try socket.set(.sendHighWaterMark, to: highWaterMark)
        try socket.set(.publisherWaits, to: 1)
        try socket.set(.everySubscription, to: 1)
        try socket.set(.linger, to: HotLoop.lingerMilliseconds)
        try access.prepare(socket, for: .decisions, at: endpoint)
        try socket.attach(to: endpoint, otherwise: .bind)
        self.endpoint = try socket.resolved(endpoint)
        self.socket = socket
    }

    /// Sends a message of two frames to all subscribers whose queues have room.
    func send(_ topic: Span<UInt8>, _ content: Span<UInt8>) throws(ZeroMQError) {
        if try offer(topic, content) { return }
        try sendToOthers { () throws(ZeroMQError) in try offer(topic, content) }
    }

    /// Sends a message of three frames to all subscribers whose queues have room.
    func send(_ topic: Span<UInt8>, _ first: Span<UInt8>, _ second: Span<UInt8>) throws(ZeroMQError) {
        if try offer(topic, first, second) { return }
        try sendToOthers { () throws(ZeroMQError) in try offer(topic, first, second) }
    }

    /// Sends a message of two frames, unless the queue of a subscriber to the topic is full.
    ///
    /// - Returns: Whether all subscribers had room.
    func offer(_ topic: Span<UInt8>, _ content: Span<UInt8>) throws(ZeroMQError) -> Bool {
        guard try socket.send(topic, more: true, wait: false) else { return false }
        // If libzmq accepts the first frame of a message, it has room for the whole message.
        return try socket.send(content, wait: false)
    }

    /// Sends a message of three frames, unless the queue of a subscriber to the topic is full.
    ///
    /// - Returns: Whether all subscribers had room.
    func offer(_ topic: Span<UInt8>, _ first: Span<UInt8>, _ second: Span<UInt8>) throws(ZeroMQError) -> Bool {
        guard try socket.send(topic, more: true, wait: false) else { return false }
        try socket.send(first, more: true, wait: false)
        return try socket.send(second, wait: false)
    }

    /// Sends a refused message to the subscribers whose queues have room.
    private func sendToOthers(_ send: () throws(ZeroMQError) -> Bool) throws(ZeroMQError) {
        overflows += 1
        try socket.set(.publisherWaits, to: 0)
        _ = try send()
        try socket.set(.publisherWaits, to: 1)
    }
}
