import Wire
package import ZeroMQ

/// Sends timesteps to the daemon without losing any. The sender starts once the daemon listens, and waits while the
/// daemon cannot keep up. A sender has one owner and one thread.
///
/// A sender represents one connection and does not reconnect if the connection breaks. If it did, a restarted daemon
/// would receive libzmq's queued messages after a gap that no later message could fill.
package final class TimestepSender {
    /// The maximum time for a daemon that answers on its control socket to attach to the ingest endpoint.
    static let attachSeconds = 5.0
    /// The maximum time between the first sign of a daemon and the report of its handshake.
    private static let admissionSeconds = 2.0

    /// The error for a broken connection. Timesteps may be lost unless they are known to be consumed.
    static let lost = ClientError(.temporary, "the connection to the daemon is lost")

    /// The ingest endpoint.
    package let endpoint: IngestEndpoint
    private let socket: Socket
    private let monitor: SocketMonitor
    private let patience: Double
    private let diagnosis: ReachDiagnosis
    private var hasEnded = false
    /// Whether a ZeroMQ peer has completed the handshake. The check is needed because libzmq mistakes a program that
    /// does not speak ZeroMQ for a peer of an old version.
    private var isAdmitted = false
    /// Whether the daemon has been connected at least once.
    private var isAttached = false
    /// The rows of the next message; nil if each row is a message.
    private var rows: RowBatch?

    /// Attaches to the endpoint. Call ``waitForDaemon()`` next.
    ///
    /// - Parameters:
    ///   - endpoint: The client's side of the daemon's ingest endpoint. The sender connects if the endpoint does not
    ///     say whether to connect or to bind.
    ///   - patienceSeconds: The maximum time to wait for room to send one message, in seconds.
    ///   - rowsPerMessage: The maximum number of rows in one message. If it is more than 1, the messages have the codec
    ///     `batch`.
    ///   - credentials: The client's keys, if the daemon requires keys.
    ///   - context: The ZeroMQ context in which to create the socket.
    /// - Throws: ``ClientError`` if the endpoint cannot be used.
    package init(
        endpoint: IngestEndpoint, patienceSeconds: Double, rowsPerMessage: Int = 1,
        credentials: CurveCredentials? = nil, in context: Context
    ) throws(ClientError) {
        self.endpoint = endpoint
        rows = rowsPerMessage > 1 ? RowBatch(capacity: rowsPerMessage) : nil
        patience = patienceSeconds
        diagnosis = ReachDiagnosis(
            endpoint: endpoint.endpoint, wanted: EndpointKind(endpoint.kind), credentials: credentials, context: context
        )
        let isPublisher = endpoint.kind == .sub
        let socket = try ClientError.wrapping { () throws(ZeroMQError) in
            try Socket(isPublisher ? .xpub : .push, in: context)
        }
        monitor = try ClientError.wrapping { () throws(ZeroMQError) in try SocketMonitor(socket) }
        try ClientError.wrapping { () throws(ZeroMQError) in
            // After the socket is closed, libzmq discards messages that no peer has received within this time.
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

    /// Reads the monitor's events. Returns whether the connection is known to be broken.
    func checkLoss() throws(ClientError) -> Bool {
        while let event = try ClientError.wrapping({ () throws(ZeroMQError) in try monitor.next() }) {
            switch event {
            case .disconnected: hasEnded = true
            case .admitted: isAdmitted = true
            case .accepted, .refused, .stopped: break
            }
        }
        return hasEnded
    }

    /// Discards the messages that libzmq still holds. The caller sends them again over the next connection.
    func abandon() throws(ClientError) {
        hasEnded = true
        try ClientError.wrapping { () throws(ZeroMQError) in try socket.set(.linger, to: 0) }
    }

    /// Waits until the daemon is connected. A publisher would lose messages that it sends earlier.
    ///
    /// - Throws: ``ClientError`` with the status `unavailable` if the daemon does not connect.
    package func waitForDaemon() throws(ClientError) {
        guard endpoint.kind == .sub else {
            let milliseconds = Int(Self.attachSeconds * 1000)
            let isThere = try ClientError.wrapping { () throws(ZeroMQError) in
                try socket.waitUntilWritable(milliseconds: milliseconds)
            }
            guard isThere else { throw absence }
            return try noteAttached()
        }
        let event = try ClientError.wrapping { () throws(ZeroMQError) in try socket.receiveFrames(wait: true) }
        guard event?.first?.first == 1 else { throw absence }
        try noteAttached()
    }

    private func noteAttached() throws(ClientError) {
        guard try waitForAdmission() else { throw absence }
        isAttached = true
    }

    /// Waits for the monitor to report that the handshake is complete. libzmq makes the socket usable first, and
    /// reports the handshake on another thread a moment later.
    private func waitForAdmission() throws(ClientError) -> Bool {
        var poller = Poller()
        _ = poller.add(monitor)
        let deadline = ContinuousClock.now + .seconds(Self.admissionSeconds)
        while try !checkLoss(), !isAdmitted {
            let left = (deadline - .now) / .milliseconds(1)
            guard left > 0 else { return false }
            try ClientError.wrapping { () throws(ZeroMQError) in try poller.wait(milliseconds: Int(left) + 1) }
        }
        return isAdmitted
    }

    /// Sends timesteps of one stream, or keeps them until there are enough for a message. Waits while the daemon cannot
    /// keep up.
    ///
    /// - Parameter row: The timesteps.
    /// - Throws: ``ClientError`` with the status `temporary` if there is no room within the time limit, and ``lost`` if
    ///   the connection is broken.
    package func send(_ row: InputRow) throws(ClientError) {
        guard rows != nil else { return try sendAlone(row) }
        while rows?.add(row) == false { try flush() }
    }

    /// Sends the rows that were kept.
    ///
    /// - Throws: Same as ``send(_:)``.
    package func flush() throws(ClientError) {
        guard let batch = rows, !batch.isEmpty else { return }
        try send(batch.frames)
        rows?.removeAll()
    }

    private func sendAlone(_ row: InputRow) throws(ClientError) {
        let header = TimestepHeader(sequence: row.sequence, flags: row.flags)
        let tokens = row.areTokens ? row.values.map { Int32($0) } : []
        let values = tokens.isEmpty ? Timesteps.bytes(row.values) : Timesteps.bytes(tokens: tokens)
        try send([Array(row.stream.utf8), values] + (header == TimestepHeader() ? [] : [header.bytes]))
    }

    private func send(_ frames: [[UInt8]]) throws(ClientError) {
        for (index, frame) in frames.enumerated() { try send(frame, more: index < frames.count - 1) }
    }

    /// The endpoint in the daemon's notation, without `@` or `>`.
    private var place: String {
        "\(IngestEndpoint(endpoint.kind, Endpoint(nil, endpoint.endpoint.address)))"
    }

    private var absence: ClientError {
        let act = endpoint.kind == .sub ? "subscribed" : "connected"
        return ClientError(
            .unavailable,
            diagnosis.reason()
                ?? "the daemon has not \(act) at \(place) within \(Quantity.decimal(Self.attachSeconds)) s; "
                + "check --ingest (with pull: in front for a PULL socket) and, with keys, that this client's key "
                + "is among the producers")
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
            if try checkLoss() { throw Self.lost }
            let now = ContinuousClock.now
            deadline = deadline ?? now + .seconds(isAttached ? patience : Self.attachSeconds)
            if let deadline, now > deadline {
                guard isAttached else { throw absence }
                throw ClientError(
                    .temporary,
                    "the daemon has received nothing at \(place) for \(Quantity.decimal(patience)) s; "
                        + "give a longer --timeout")
            }
        }
    }
}
