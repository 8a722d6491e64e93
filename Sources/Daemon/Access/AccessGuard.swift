import Foundation
import Logging
import Synchronization
import ZeroMQ

/// Who may come in: gives each socket its key and its bounds before it is attached, and has ``AccessWatch`` answer libzmq for
/// every connection. Nothing of it is between a timestep and its decision.
final class AccessGuard: Sendable {
    /// What a handshake may take, in milliseconds, before whoever began it is sent away. For so long, too, libzmq may keep a
    /// connection that was told to come again later.
    private static let handshakeMilliseconds = 5_000
    /// How long a peer of decisions or control may take nothing of what was sent to it.
    private static let untakenMilliseconds = 60_000
    /// After how many seconds of silence the kernel asks too, how often, and how many times.
    private static let keepalive = (idle: 30, interval: 10, count: 3)
    /// The most bytes of a subscription.
    private static let maximumSubscription = 4_096
    /// Requests that may wait in the socket for each controller: at up to 1 MiB each, they are memory that a peer chooses.
    private static let waitingRequests = 32

    /// What the watch has still to be told.
    private struct News {
        var doors: [AccessWatch.Door] = []
        /// The watch has been started.
        var isOpen = false
        /// No more doors come: the watch ends with the last of them.
        var isEnding = false
    }

    let configuration: AccessConfiguration
    let refusals = ConnectionRefusals()
    let wakeup: Wakeup
    let logger: Logger
    private let serverKeys: CurveKeyPair?
    private let keys: Mutex<AccessKeys?>
    /// An orderly stop has begun: no producer is let in. Held while a question is answered.
    private let isIngestClosed = Mutex(false)
    /// Counts the readings of the folder, so that the watch sees a new one.
    private let readings = Atomic<Int>(0)
    private let news = Mutex(News())
    /// On its way to its thread.
    private let watch = Mutex<AccessWatch?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    /// Reads the keys.
    ///
    /// - Parameters:
    ///   - configuration: The daemon's.
    ///   - logger: Where refused clients are said.
    /// - Throws: ``DaemonError`` where an endpoint would be open to others than was asked for, or a key cannot be read.
    init(_ configuration: DaemonConfiguration, logger: Logger) throws(DaemonError) {
        try configuration.checkAccess()
        self.configuration = configuration.access
        self.logger = logger
        do {
            serverKeys = try configuration.access.curveKey.map { file throws(CurveKeyFileError) in
                try CurveKeyFile.keyPair(at: file)
            }
        } catch {
            throw DaemonError(error)
        }
        let folder = configuration.access.authorizedClients
        keys = Mutex(try folder.map { folder throws(DaemonError) in try AccessKeys(folder: folder) })
        do {
            wakeup = try Wakeup()
        } catch {
            throw DaemonError(.software, error.description)
        }
    }

    /// Begins to answer for the sockets of a context; to be called before one is bound.
    func open(in context: Context) throws(ZeroMQError) {
        let watch = try AccessWatch(self, in: context)
        self.watch.withLock { $0 = watch }
        news.withLock { $0.isOpen = true }
        let thread = Thread { [self] in
            ThreadName.take("sluice-access")
            // Taken away, so that its sockets are closed when it has ended.
            self.watch.withLock { $0.take() }?.run()
            ended.signal()
        }
        thread.start()
        guard let serverKeys, let summary = keys.withLock({ $0?.summary }) else { return }
        logger.info("CURVE: this daemon's public key is \(serverKeys.publicKey); authorized are \(summary)")
    }

    /// Has no more sockets to answer for, and waits until those that there are have been closed.
    func end() {
        let isOpen = news.withLock { news in
            news.isEnding = true
            return news.isOpen
        }
        guard isOpen else { return }
        wakeup.signal()
        ended.wait()
    }

    /// Reads the public keys again; if one cannot be read, those from before stay. Connections that are there stay too.
    func reload() {
        guard let folder = configuration.authorizedClients else { return }
        do throws(DaemonError) {
            let keys = try AccessKeys(folder: folder)
            self.keys.withLock { $0 = keys }
            readings.add(1, ordering: .releasing)
            logger.info("authorized are \(keys.summary)")
        } catch {
            logger.error("the authorized clients stay as they are: \(error)")
        }
    }

    /// Lets no producer in any more. Every producer that was let in before is connected when this returns.
    func closeIngest() {
        isIngestClosed.withLock { $0 = true }
    }

    /// Has the watch answer a question while nobody changes who may come in.
    ///
    /// - Parameter answer: Sends the answer; told whether producers are let in.
    /// - Throws: What `answer` throws.
    func whileSettled(_ answer: (_ isIngestClosed: Bool) throws(ZeroMQError) -> Void) throws(ZeroMQError) {
        let result = isIngestClosed.withLock { isClosed in
            Result<Void, ZeroMQError> { () throws(ZeroMQError) in try answer(isClosed) }
        }
        try result.get()
    }

    /// Which reading of the keys is in force.
    var reading: Int { readings.load(ordering: .acquiring) }

    /// Gives a socket its key and its bounds. To be called before it is attached.
    ///
    /// - Parameters:
    ///   - socket: The socket.
    ///   - role: What the endpoint is for.
    ///   - endpoint: Where the socket will be attached.
    ///   - serverKey: The key of whoever is called, where the endpoint connects.
    ///   - peers: The sockets that belong there, in words; nil: those of the role.
    /// - Throws: ``ZeroMQError`` where the process may open no more files.
    func prepare(
        _ socket: borrowing Socket, for role: EndpointRole, at endpoint: Endpoint, serverKey: CurvePublicKey? = nil,
        peers: String? = nil
    ) throws(ZeroMQError) {
        try Self.bound(socket, role, maximumMessageSize: configuration.maximumMessageSize)
        guard endpoint.attachment != .connect else {
            guard let serverKey, let serverKeys else { return }
            return try socket.authenticate(
                with: CurveCredentials(keys: serverKeys, server: serverKey), at: endpoint)
        }
        let serverKeys = endpoint.isTCP ? serverKeys : nil
        if let serverKeys { try socket.serveCurve(with: serverKeys) }
        try socket.ask(accessDomain: role.rawValue)
        let door = AccessWatch.Door(
            role, try SocketMonitor(socket), isCurve: serverKeys != nil, peers: peers ?? role.peers)
        news.withLock { $0.doors.append(door) }
        wakeup.signal()
    }

    /// The size of a frame past which libzmq disconnects in silence. Of timesteps it is twice what is allowed, so that the loop
    /// can count and log what is just too large.
    private static func bytesOfFrame(_ role: EndpointRole, _ maximumMessageSize: Int) -> Int {
        switch role {
        case .ingest: 2 * maximumMessageSize
        case .decisions: maximumSubscription
        case .control: maximumMessageSize
        }
    }

    private static func bound(
        _ socket: borrowing Socket, _ role: EndpointRole, maximumMessageSize: Int
    ) throws(ZeroMQError) {
        try socket.set(.maximumMessageSize, to: bytesOfFrame(role, maximumMessageSize))
        try socket.set(.handshakeInterval, to: handshakeMilliseconds)
        try socket.set(.keepalive, to: 1)
        try socket.set(.keepaliveIdle, to: keepalive.idle)
        try socket.set(.keepaliveInterval, to: keepalive.interval)
        try socket.set(.keepaliveCount, to: keepalive.count)
        if role == .control { try socket.set(.receiveHighWaterMark, to: waitingRequests) }
        // No heartbeats. A peer that waits for room is not read from, so its answers would not be seen. And libzmq 4.3 ends the
        // process if a heartbeat falls due on a connection that broke meanwhile (https://github.com/zeromq/libzmq/issues/4364).
        guard role != .ingest else { return }
        try socket.set(.transmissionTimeout, to: untakenMilliseconds)
    }

    /// The sockets that the watch does not know yet, and whether there will be more. For the watch.
    func takeNews() -> (doors: [AccessWatch.Door], isEnding: Bool) {
        wakeup.clear()
        return news.withLock { news in
            defer { news.doors = [] }
            return (news.doors, news.isEnding)
        }
    }

    /// Why somebody may not come in; nil: they may. Without CURVE everybody may who reaches the endpoint: who that is, is
    /// said by its address, or by the permissions of its file. libzmq itself sends away who shows no key where one is needed.
    func refusal(of request: AccessRequest) -> AccessLog.Cause? {
        guard case .key(let key) = request.proof else { return nil }
        return keys.withLock { keys in
            guard keys?.file(of: key, for: request.role) == nil else { return nil }
            return .unknownKey(key, elsewhere: keys?.file(of: key))
        }
    }
}
