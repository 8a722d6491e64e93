import Wire
public import ZeroMQ

/// Sends timesteps so that none is lost between here and the daemon: it begins when the daemon listens, and waits where
/// the daemon is slower. One owner, one thread.
///
/// It is one connection: where that breaks, nothing more is sent over another by itself. What libzmq still holds would reach a
/// daemon that was started anew behind a hole, which nothing that is sent later could fill.
public final class TimestepSender {
    /// How long a daemon that answers on its control socket may take to come to the ingest endpoint.
    static let attachSeconds = 5.0

    /// The connection broke: what was sent and is not known as consumed may be lost.
    static let lost = ClientError(.temporary, "the connection to the daemon is lost")

    /// The endpoint that timesteps are sent to.
    public let endpoint: IngestEndpoint
    private let socket: Socket
    private let monitor: SocketMonitor
    private let patience: Double
    private var hasEnded = false
    /// Whether the daemon has been there.
    private var isAttached = false

    /// Attaches to the endpoint; ``waitForDaemon()`` comes next.
    ///
    /// - Parameters:
    ///   - endpoint: The client's side of the daemon's ingest endpoint; connects where it leaves that open.
    ///   - patienceSeconds: How long one message may wait for room.
    ///   - credentials: The client's keys, where the daemon asks for them.
    ///   - context: The home of the socket.
    /// - Throws: ``ClientError`` where the endpoint cannot be used.
    public init(
        endpoint: IngestEndpoint, patienceSeconds: Double, credentials: CurveCredentials? = nil, in context: Context
    ) throws(ClientError) {
        self.endpoint = endpoint
        patience = patienceSeconds
        let isPublisher = endpoint.kind == .sub
        let socket = try ClientError.wrapping { () throws(ZeroMQError) in
            try Socket(isPublisher ? .xpub : .push, in: context)
        }
        monitor = try ClientError.wrapping { () throws(ZeroMQError) in try SocketMonitor(socket) }
        try ClientError.wrapping { () throws(ZeroMQError) in
            // What nobody has taken this long after the end will not be taken.
            try socket.set(.linger, to: 5_000)
            try socket.set(.sendHighWaterMark, to: 10_000)
            try socket.set(.sendTimeout, to: 500)
            try socket.set(.receiveTimeout, to: Int(Self.attachSeconds * 1000))
            try socket.set(isPublisher ? .publisherWaits : .immediate, to: 1)
            try socket.set(.reconnectInterval, to: -1)
            try Heartbeat.setKeepalive(on: socket)
            try socket.authenticate(with: credentials, at: endpoint.endpoint)
            try socket.attach(to: endpoint.endpoint, otherwise: .connect)
        }
        self.socket = socket
    }

    deinit { socket.stopMonitoring() }

    /// Whether the connection broke, as far as was heard.
    func isLost() throws(ClientError) -> Bool {
        while let event = try ClientError.wrapping({ () throws(ZeroMQError) in try monitor.next() }) {
            if case .disconnected = event { hasEnded = true }
        }
        return hasEnded
    }

    /// Gives up what libzmq still holds: it is sent again over another connection.
    func abandon() throws(ClientError) {
        hasEnded = true
        try ClientError.wrapping { () throws(ZeroMQError) in try socket.set(.linger, to: 0) }
    }

    /// Waits until the daemon is there; a publisher's messages before that would go nowhere.
    ///
    /// - Throws: ``ClientError`` with the status `unavailable` where the daemon does not come.
    public func waitForDaemon() throws(ClientError) {
        guard endpoint.kind == .sub else {
            let milliseconds = Int(Self.attachSeconds * 1000)
            let isThere = try ClientError.wrapping { () throws(ZeroMQError) in
                try socket.waitUntilWritable(milliseconds: milliseconds)
            }
            guard isThere else { throw absence }
            isAttached = true
            return
        }
        let event = try ClientError.wrapping { () throws(ZeroMQError) in try socket.receiveFrames(wait: true) }
        guard event?.first?.first == 1 else { throw absence }
        isAttached = true
    }

    /// Sends timesteps of one stream as one message; waits where the daemon is slower.
    ///
    /// - Parameter reading: The timesteps.
    /// - Throws: ``ClientError`` with the status `temporary` where there is no room for longer than the patience, and
    ///   ``lost`` where the connection is seen to be broken.
    public func send(_ reading: Reading) throws(ClientError) {
        let header = TimestepHeader(sequence: reading.sequence, flags: reading.flags)
        let hasHeader = header != TimestepHeader()
        try send(Array(reading.stream.utf8), more: true)
        let tokens = reading.areTokens ? reading.values.map { Int32($0) } : []
        try send(tokens.isEmpty ? Timesteps.bytes(reading.values) : Timesteps.bytes(tokens: tokens), more: hasHeader)
        if hasHeader { try send(header.bytes, more: false) }
    }

    /// The endpoint as the daemon's side has it, without the sign of who calls whom.
    private var place: String {
        "\(IngestEndpoint(endpoint.kind, Endpoint(nil, endpoint.endpoint.address)))"
    }

    private var absence: ClientError {
        let act = endpoint.kind == .sub ? "subscribed" : "come"
        return ClientError(
            .unavailable,
            "the daemon has not \(act) at \(place) within \(Quantity.decimal(Self.attachSeconds)) s; is that its "
                + "ingest endpoint? --ingest says where, with pull: in front where the daemon has it so; with keys, this "
                + "one must be among its producers")
    }

    private func send(_ frame: [UInt8], more: Bool) throws(ClientError) {
        var deadline: ContinuousClock.Instant?
        while true {
            let isSent = try ClientError.wrapping { () throws(ZeroMQError) in
                try socket.send(frame.span, more: more, wait: true)
            }
            if isSent {
                isAttached = true
                return
            }
            if try isLost() { throw Self.lost }
            let now = ContinuousClock.now
            deadline = deadline ?? now + .seconds(isAttached ? patience : Self.attachSeconds)
            if let deadline, now > deadline {
                guard isAttached else { throw absence }
                throw ClientError(
                    .temporary,
                    "the daemon has taken nothing at \(place) for \(Quantity.decimal(patience)) s; "
                        + "--timeout lets it take longer")
            }
        }
    }
}
