import Logging
import ZeroMQ

/// Answers libzmq's questions about new clients, and follows the clients' connections through socket monitors.
///
/// The watch runs on its own thread until the last watched socket is closed.
///
/// `@unchecked Sendable`: the watch is created on one thread and runs on another. libzmq allows a socket to be passed
/// from one thread to another.
final class AccessWatch: @unchecked Sendable {
    /// A bound socket and its connections.
    struct WatchedSocket: Sendable {
        let role: EndpointRole
        let monitor: SocketMonitor
        let isCurve: Bool
        /// A description of the socket types that may connect.
        let peers: String
        /// All open connections by number, including those with an unfinished handshake.
        var connections: [Int: Connection] = [:]
        var handshakes = HandshakeLedger()
        /// The reasons for failed handshakes whose connections are about to end. libzmq reports these failures without
        /// naming the connection.
        var refusals: [SocketMonitor.Refusal] = []
        var isClosed = false

        init(_ role: EndpointRole, _ monitor: SocketMonitor, isCurve: Bool, peers: String) {
            self.role = role
            self.peers = peers
            self.monitor = monitor
            self.isCurve = isCurve
        }
    }

    struct Connection: Sendable {
        /// The client's address, if known.
        let peer: String?
        /// The connection itself; nil if it ended before the watch could look at it.
        let accepted: AcceptedConnection?
        /// The ``SteadyClock`` time at which the client connected.
        let time: Int64
    }

    /// A handshake that ended early. It is logged once it is clear whether libzmq has asked about the client.
    private struct BrokenHandshake {
        let role: EndpointRole
        /// The client's address; nil if the connection ended before its address was known.
        let peer: String?
        /// The reason for the failure; nil if libzmq reported only the end of the connection.
        let refusal: SocketMonitor.Refusal?
        let isCurve: Bool
        /// A description of the socket types that may connect.
        let expected: String
    }

    /// A client that the watch has allowed to connect but whose handshake is not finished yet.
    private struct Guest {
        let role: EndpointRole
        let address: String
        let time: Int64
    }

    /// The address at which libzmq asks its questions.
    private static let address = "inproc://zeromq.zap.01"
    /// The time between checks of the connections and the open files, in milliseconds.
    private static let lookMilliseconds = 500
    /// The time after which a client in ``guests`` has either connected or failed, in nanoseconds.
    private static let guestTime: Int64 = 6_000_000_000
    /// The rate of a subscriber's traffic, in bytes per second, that counts as heartbeats rather than subscriptions.
    private static let heartbeatBytes = 100

    private let access: AccessGuard
    private let requests: Socket
    private var watched: [WatchedSocket] = []
    private var poller = Poller()
    private var log: AccessLog
    private var brokenHandshakes: [BrokenHandshake] = []
    /// The clients that may connect, in the order in which libzmq asked about them.
    private var guests: [Guest] = []
    /// The ``SteadyClock`` time of the last check of the connections.
    private var lastLook: Int64 = 0
    /// Whether the last check found that the process cannot open more files.
    private var isOutOfFiles = false
    /// The value of ``AccessGuard/reading`` when the log's current entries were made.
    private var reading = 0

    init(_ access: AccessGuard, in context: Context) throws(ZeroMQError) {
        self.access = access
        log = AccessLog(access.logger)
        requests = try Socket(.rep, in: context)
        try requests.set(.linger, to: 0)
        try requests.attach(to: Endpoint(.bind, Self.address), otherwise: .bind)
    }

    /// Answers questions until no more sockets will be added and the last watched socket is closed.
    func run() {
        do throws(ZeroMQError) {
            watchSockets()
            while try turn() {}
        } catch {
            // Without the watch's answers, libzmq admits no new client. Open connections are not closed.
            log.logger.critical("no new clients are admitted; restart sluiced: \(error)")
        }
    }

    private func watchSockets() {
        poller = Poller()
        _ = poller.add(access.wakeup)
        _ = poller.add(requests)
        for socket in watched { _ = poller.add(socket.monitor) }
    }

    /// Runs one turn of the loop.
    ///
    /// - Returns: Whether the watch must continue.
    private func turn() throws(ZeroMQError) -> Bool {
        try poller.wait(milliseconds: Self.lookMilliseconds)
        let (new, isEnding) = access.takePending()
        watched += new
        if access.reading != reading {
            reading = access.reading
            log.forget()
        }
        try hearAll()
        while let frames = try requests.receiveFrames(wait: false) {
            // The monitor reports a connection before libzmq asks about it. Read the monitors again before each answer,
            // so that the new connection is counted.
            try hearAll()
            try access.whileSettled { isIngestClosed throws(ZeroMQError) in
                try requests.sendFrames(answer(frames, isIngestClosed: isIngestClosed), wait: true)
            }
        }
        // libzmq asks about a client before it reports the end of the client's connection. The questions about all
        // clients in `brokenHandshakes` have therefore been answered.
        for handshake in brokenHandshakes { tell(handshake) }
        brokenHandshakes.removeAll()
        let now = SteadyClock.now()
        log.flush(at: now)
        if now - lastLook >= Int64(Self.lookMilliseconds) * 1_000_000 {
            lastLook = now
            boundSubscriptions(at: now)
            tryFiles()
        }
        if !new.isEmpty || watched.contains(where: \.isClosed) {
            watched.removeAll(where: \.isClosed)
            watchSockets()
        }
        return !isEnding || !watched.isEmpty
    }

    private func hearAll() throws(ZeroMQError) {
        for index in watched.indices {
            while let event = try watched[index].monitor.next() { hear(event, at: index) }
        }
    }

    private func hear(_ event: SocketMonitor.Event, at index: Int) {
        let role = watched[index].role
        switch event {
        case .accepted(let number, let peer):
            welcome(
                Connection(peer: peer, accepted: AcceptedConnection(number), time: SteadyClock.now()), number, at: index
            )
        case .admitted:
            watched[index].handshakes.admit()
            if let first = guests.firstIndex(where: { $0.role == role }) { guests.remove(at: first) }
        case .refused(let refusal):
            watched[index].handshakes.refuse(refusal)
            access.refusals.count(role)
            // The daemon itself denied this client, and has already logged the refusal.
            if case .denied = refusal { return }
            watched[index].refusals.append(refusal)
        case .disconnected(let number):
            let peer = watched[index].connections.removeValue(forKey: number)?.peer
            let brokeOff = watched[index].handshakes.end(number, at: SteadyClock.now())
            let refusal = watched[index].refusals.isEmpty ? nil : watched[index].refusals.removeFirst()
            guard brokeOff || refusal != nil else { return }
            if refusal == nil { access.refusals.count(role) }
            brokenHandshakes.append(
                BrokenHandshake(
                    role: role, peer: peer, refusal: refusal, isCurve: watched[index].isCurve,
                    expected: watched[index].peers))
        case .stopped:
            watched[index].isClosed = true
        }
    }

    /// Logs a handshake that ended early.
    ///
    /// A client with the wrong socket type hangs up, and so does a port scanner. libzmq asks a question about the
    /// client but none about the scanner, which tells the two apart.
    private func tell(_ handshake: BrokenHandshake) {
        var cause =
            handshake.refusal.map { AccessLog.Cause($0, isCurve: handshake.isCurve) }
            ?? .brokenOff(expected: handshake.expected)
        var peer = handshake.peer
        if handshake.refusal == nil || handshake.refusal == .incomplete {
            let index = guests.firstIndex {
                $0.role == handshake.role && (peer == nil || $0.address == peer)
            }
            if let index {
                let guest = guests.remove(at: index)
                if !guest.address.isEmpty { peer = guest.address }
                cause = .brokenOff(expected: handshake.expected)
            }
        }
        if let cause { log.record(handshake.role, from: peer, cause, at: SteadyClock.now()) }
    }

    /// Records a connection. If far more connections are open than can be admitted, the new one is cut off at once.
    ///
    /// The refusal is counted later, when libzmq reports that the handshake failed.
    private func welcome(_ connection: Connection, _ number: Int, at index: Int) {
        watched[index].connections[number] = connection
        let (role, limit) = (watched[index].role, access.configuration.maximumConnections)
        guard connectionCount(of: role) > limit + Self.handshakes(beside: limit) else {
            return watched[index].handshakes.accept(number, at: connection.time)
        }
        log.record(role, from: connection.peer, .tooMany(limit), at: SteadyClock.now())
        connection.accepted?.cutOff()
    }

    /// Returns the number of unfinished handshakes that are allowed in addition to the admitted connections.
    private static func handshakes(beside limit: Int) -> Int { max(16, limit / 100) }

    private func connectionCount(of role: EndpointRole) -> Int {
        watched.reduce(0) { $0 + ($1.role == role ? $1.connections.count : 0) }
    }

    /// Cuts off subscribers whose subscriptions exceed the limit, because libzmq accepts any number of subscriptions.
    private func boundSubscriptions(at now: Int64) {
        let limit = access.configuration.maximumSubscriptionBytes
        for socket in watched where socket.role == .decisions {
            for connection in socket.connections.values {
                let allowed = limit + Int((now - connection.time) / 1_000_000_000) * Self.heartbeatBytes
                guard let count = connection.accepted?.byteCount, count > allowed else { continue }
                access.refusals.count(socket.role)
                log.record(socket.role, from: connection.peer, .tooManySubscriptions(limit), at: SteadyClock.now())
                connection.accepted?.cutOff()
            }
        }
    }

    /// Checks whether the process can open files. If it cannot, libzmq accepts no connections, and silently keeps
    /// trying.
    private func tryFiles() {
        let canOpen = OpenFiles.canOpenMore
        if !canOpen, !isOutOfFiles {
            access.refusals.countExhaustion()
            log.logger.error(
                """
                the process may open no more files (the limit is \(OpenFiles.limit)): no new clients can connect, and state \
                may not be written; raise the limit (LimitNOFILE, ulimit -n) or close connections
                """)
        }
        if canOpen, isOutOfFiles { log.logger.notice("the process can open files again") }
        isOutOfFiles = !canOpen
    }

    private func answer(_ frames: [[UInt8]], isIngestClosed: Bool) -> [[UInt8]] {
        guard let request = AccessRequest(frames) else { return AccessRequest.denial(of: frames) }
        // Tell the producer to try again later: if denied, it would not reconnect once the daemon is back.
        if isIngestClosed, request.role == .ingest { return request.reply(.later) }
        if let cause = access.refusal(of: request) {
            log.record(request.role, from: request.address, cause, at: SteadyClock.now())
            return request.reply(.denied)
        }
        let limit = access.configuration.maximumConnections
        guard connectionCount(of: request.role) <= limit else {
            log.record(request.role, from: request.address, .tooMany(limit), at: SteadyClock.now())
            return request.reply(.later)
        }
        let now = SteadyClock.now()
        guests.removeFirst(guests.prefix { now - $0.time > Self.guestTime }.count)
        guests.append(Guest(role: request.role, address: request.address, time: now))
        return request.reply(.welcome)
    }
}
