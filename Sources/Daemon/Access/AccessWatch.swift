import Logging
import ZeroMQ

/// Answers libzmq's questions about who may come in, and hears by monitors who came and who did not. Runs on a thread of its
/// own until the last socket that it watches has been closed.
///
/// `@unchecked Sendable`: made on one thread and run on another; libzmq's sockets may be handed over so.
final class AccessWatch: @unchecked Sendable {
    /// One socket that is bound: who is connected to it.
    struct Door: Sendable {
        let role: EndpointRole
        let monitor: SocketMonitor
        let isCurve: Bool
        /// The sockets that belong there, in words.
        let peers: String
        /// The connections that there are, those among them that have not come in yet too, by number.
        var connections: [Int: Connection] = [:]
        var handshakes = HandshakeLedger()
        /// Why the connections failed that end next; libzmq does not say with which numbers.
        var refusals: [SocketMonitor.Refusal] = []
        var isClosed = false

        init(_ role: EndpointRole, _ monitor: SocketMonitor, isCurve: Bool, peers: String) {
            self.role = role
            self.peers = peers
            self.monitor = monitor
            self.isCurve = isCurve
        }
    }

    /// One connection.
    struct Connection: Sendable {
        /// The address it comes from, if known.
        let peer: String?
        /// Nil where it had ended before it was looked at.
        let accepted: AcceptedConnection?
        /// When it came, by the ``SteadyClock``.
        let time: Int64
    }

    /// A handshake that ended, and that is logged once it is known whether libzmq has asked about it.
    private struct BrokenHandshake {
        let role: EndpointRole
        /// The address it came from; nil where that could not be told any more.
        let peer: String?
        /// Nil where libzmq told only that the connection has ended.
        let refusal: SocketMonitor.Refusal?
        let isCurve: Bool
        /// The sockets that belong there, in words.
        let expected: String
    }

    /// A client that was welcome, and that has not come in yet.
    private struct Guest {
        let role: EndpointRole
        let address: String
        let time: Int64
    }

    /// Where libzmq asks.
    private static let address = "inproc://zeromq.zap.01"
    /// The time from one look at the connections and at the open files to the next.
    private static let lookMilliseconds = 500
    /// Nanoseconds after which a client that was welcome has come in, or never will.
    private static let guestTime: Int64 = 6_000_000_000
    /// Bytes for each second of a subscriber's connection, beside its subscriptions: heartbeats.
    private static let heartbeatBytes = 100

    private let access: AccessGuard
    private let requests: Socket
    private var doors: [Door] = []
    private var poller = Poller()
    private var log: AccessLog
    private var brokenHandshakes: [BrokenHandshake] = []
    /// In the order in which they asked.
    private var guests: [Guest] = []
    /// When the connections were looked at last, by the ``SteadyClock``.
    private var lastLook: Int64 = 0
    /// The process could open no more files when that was tried last.
    private var isOutOfFiles = false
    /// The reading of the keys that the log goes with.
    private var reading = 0

    init(_ access: AccessGuard, in context: Context) throws(ZeroMQError) {
        self.access = access
        log = AccessLog(access.logger)
        requests = try Socket(.rep, in: context)
        try requests.set(.linger, to: 0)
        try requests.attach(to: Endpoint(.bind, Self.address), otherwise: .bind)
    }

    /// Answers until the last door is closed and no more come.
    func run() {
        do throws(ZeroMQError) {
            watchDoors()
            while try turn() {}
        } catch {
            // Nobody comes in without an answer, and who is in stays.
            log.logger.critical("nobody new is let in, restart sluiced: \(error)")
        }
    }

    private func watchDoors() {
        poller = Poller()
        _ = poller.add(access.wakeup)
        _ = poller.add(requests)
        for door in doors { _ = poller.add(door.monitor) }
    }

    /// - Returns: Whether there is more to do.
    private func turn() throws(ZeroMQError) -> Bool {
        try poller.wait(milliseconds: Self.lookMilliseconds)
        let (new, isEnding) = access.takeNews()
        doors += new
        if access.reading != reading {
            reading = access.reading
            log.forget()
        }
        try hearAll()
        while let frames = try requests.receiveFrames(wait: false) {
            // Once more for each, so that the connection that is asked about is among those that are counted: it may have come
            // since, and is told of before it is asked about.
            try hearAll()
            try access.whileSettled { isIngestClosed throws(ZeroMQError) in
                try requests.sendFrames(answer(frames, isIngestClosed: isIngestClosed), wait: true)
            }
        }
        // Whoever libzmq asked about before it told of an end has been answered by now.
        for handshake in brokenHandshakes { tell(handshake) }
        brokenHandshakes.removeAll()
        let now = SteadyClock.now()
        log.flush(at: now)
        if now - lastLook >= Int64(Self.lookMilliseconds) * 1_000_000 {
            lastLook = now
            boundSubscriptions(at: now)
            tryFiles()
        }
        if !new.isEmpty || doors.contains(where: \.isClosed) {
            doors.removeAll(where: \.isClosed)
            watchDoors()
        }
        return !isEnding || !doors.isEmpty
    }

    private func hearAll() throws(ZeroMQError) {
        for index in doors.indices {
            while let event = try doors[index].monitor.next() { hear(event, at: index) }
        }
    }

    private func hear(_ event: SocketMonitor.Event, at index: Int) {
        let role = doors[index].role
        switch event {
        case .accepted(let number, let peer):
            welcome(
                Connection(peer: peer, accepted: AcceptedConnection(number), time: SteadyClock.now()), number, at: index
            )
        case .admitted:
            doors[index].handshakes.admit()
            if let first = guests.firstIndex(where: { $0.role == role }) { guests.remove(at: first) }
        case .refused(let refusal):
            doors[index].handshakes.refuse(refusal)
            access.refusals.count(role)
            // By this daemon: it is in the log already.
            if case .denied = refusal { return }
            doors[index].refusals.append(refusal)
        case .disconnected(let number):
            let peer = doors[index].connections.removeValue(forKey: number)?.peer
            let brokeOff = doors[index].handshakes.end(number, at: SteadyClock.now())
            let refusal = doors[index].refusals.isEmpty ? nil : doors[index].refusals.removeFirst()
            guard brokeOff || refusal != nil else { return }
            if refusal == nil { access.refusals.count(role) }
            brokenHandshakes.append(
                BrokenHandshake(
                    role: role, peer: peer, refusal: refusal, isCurve: doors[index].isCurve,
                    expected: doors[index].peers))
        case .stopped:
            doors[index].isClosed = true
        }
    }

    /// Logs a handshake that ended.
    ///
    /// A client that sees first that the types of the sockets do not fit hangs up, as a port probe does. libzmq asks about the
    /// client, and not about the probe.
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
        if let cause { log.record(handshake.role, from: peer, cause) }
    }

    /// Notes a connection, and cuts it off at once where there are so many that most of them cannot have come in. libzmq tells
    /// that as a handshake that failed, which counts it.
    private func welcome(_ connection: Connection, _ number: Int, at index: Int) {
        doors[index].connections[number] = connection
        let (role, limit) = (doors[index].role, access.configuration.maximumConnections)
        guard connectionCount(of: role) > limit + Self.handshakes(beside: limit) else {
            return doors[index].handshakes.accept(number, at: connection.time)
        }
        log.record(role, from: connection.peer, .tooMany(limit))
        connection.accepted?.cutOff()
    }

    /// Connections that may be in their handshake beside as many as may come in.
    private static func handshakes(beside limit: Int) -> Int { max(16, limit / 100) }

    private func connectionCount(of role: EndpointRole) -> Int {
        doors.reduce(0) { $0 + ($1.role == role ? $1.connections.count : 0) }
    }

    /// Cuts off subscribers that have sent more subscriptions than one may: libzmq keeps all of them, and asks nobody.
    private func boundSubscriptions(at now: Int64) {
        let limit = access.configuration.maximumSubscriptionBytes
        for door in doors where door.role == .decisions {
            for connection in door.connections.values {
                let allowed = limit + Int((now - connection.time) / 1_000_000_000) * Self.heartbeatBytes
                guard let count = connection.accepted?.byteCount, count > allowed else { continue }
                access.refusals.count(door.role)
                log.record(door.role, from: connection.peer, .tooManySubscriptions(limit))
                connection.accepted?.cutOff()
            }
        }
    }

    /// Sees whether the process can open files. Where it cannot, libzmq accepts nobody, and tries again and again in silence.
    private func tryFiles() {
        let canOpen = OpenFiles.canOpenMore
        if !canOpen, !isOutOfFiles {
            access.refusals.countExhaustion()
            log.logger.error(
                """
                the process may open no more files (\(OpenFiles.limit) are allowed): nobody new can connect, and state may \
                not be written; allow more (LimitNOFILE, ulimit -n) or have clients close connections
                """)
        }
        if canOpen, isOutOfFiles { log.logger.notice("the process can open files again") }
        isOutOfFiles = !canOpen
    }

    private func answer(_ frames: [[UInt8]], isIngestClosed: Bool) -> [[UInt8]] {
        guard let request = AccessRequest(frames) else { return AccessRequest.denial(of: frames) }
        // Denied, a producer would not call again when the daemon is back.
        if isIngestClosed, request.role == .ingest { return request.reply(.later) }
        if let cause = access.refusal(of: request) {
            log.record(request.role, from: request.address, cause)
            return request.reply(.denied)
        }
        let limit = access.configuration.maximumConnections
        guard connectionCount(of: request.role) <= limit else {
            log.record(request.role, from: request.address, .tooMany(limit))
            return request.reply(.later)
        }
        let now = SteadyClock.now()
        guests.removeFirst(guests.prefix { now - $0.time > Self.guestTime }.count)
        guests.append(Guest(role: request.role, address: request.address, time: now))
        return request.reply(.welcome)
    }
}
