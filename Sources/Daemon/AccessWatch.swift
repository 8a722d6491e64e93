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
        /// The connections that there are, those among them that have not come in yet too: number and address, if known.
        var connections: [Int: String?] = [:]
        /// Why the connections failed that end next; libzmq does not say with which numbers.
        var refusals: [AccessLog.Cause] = []
        var isClosed = false

        init(_ role: EndpointRole, _ monitor: SocketMonitor, isCurve: Bool) {
            self.role = role
            self.monitor = monitor
            self.isCurve = isCurve
        }
    }

    /// Where libzmq asks.
    private static let address = "inproc://zeromq.zap.01"
    /// How long a line may wait that says how many were left out.
    private static let flushMilliseconds = 1_000

    private let access: AccessGuard
    private let requests: Socket
    private var doors: [Door] = []
    private var poller = Poller()
    private var log: AccessLog
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
        try poller.wait(milliseconds: log.hasUnlogged ? Self.flushMilliseconds : -1)
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
        log.flush(at: SteadyClock.now())
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
            doors[index].connections[number] = .some(peer)
        case .admitted:
            break
        case .refused(let refusal):
            access.refusals.count(role)
            if let cause = AccessLog.Cause(refusal, isCurve: doors[index].isCurve) {
                doors[index].refusals.append(cause)
            }
        case .disconnected(let number):
            let address = doors[index].connections.removeValue(forKey: number) ?? nil
            if doors[index].refusals.isEmpty { break }
            log.record(role, from: address, doors[index].refusals.removeFirst())
        case .stopped:
            doors[index].isClosed = true
        }
    }

    private func answer(_ frames: [[UInt8]], isIngestClosed: Bool) -> [[UInt8]] {
        guard let request = AccessRequest(frames) else { return AccessRequest.denial(of: frames) }
        // Denied, a producer would not call again when the daemon is back.
        if isIngestClosed, request.role == .ingest { return request.reply(.later) }
        if let cause = access.refusal(of: request) {
            log.record(request.role, from: request.address, cause)
            return request.reply(.denied)
        }
        let count = doors.reduce(0) { $0 + ($1.role == request.role ? $1.connections.count : 0) }
        let limit = access.configuration.maximumConnections
        guard count <= limit else {
            log.record(request.role, from: request.address, .tooMany(limit))
            return request.reply(.later)
        }
        return request.reply(.welcome)
    }
}
