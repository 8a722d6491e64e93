import Foundation
import Logging
import Synchronization
import ZeroMQ

/// Controls which clients may connect.
///
/// The guard sets the key and the limits of each socket before the socket is attached. Its ``AccessWatch`` answers
/// libzmq's question about every new connection. Neither runs on the path from a timestep to its decision.
final class AccessGuard: Sendable {
    /// The time limit for a handshake, in milliseconds. libzmq closes a connection whose handshake takes longer. The
    /// limit also applies to a client that was told to try again later.
    private static let handshakeMilliseconds = 5_000
    /// The time within which a peer of `decisions` or `control` must acknowledge the data sent to it, in milliseconds.
    private static let untakenMilliseconds = 60_000
    /// The TCP keepalive: seconds of silence before the first probe, seconds between probes, and the number of probes.
    private static let keepalive = (idle: 30, interval: 10, count: 3)
    /// The maximum size of one subscription, in bytes.
    private static let maximumSubscription = 4_096
    /// The number of requests from one controller that may wait in the socket. A request may be as large as 1 MiB, so
    /// without this limit a controller could fill the memory.
    private static let waitingRequests = 32

    /// Information that the watch has not picked up yet.
    private struct Pending {
        var sockets: [AccessWatch.WatchedSocket] = []
        /// Whether the watch has been started.
        var isOpen = false
        /// Whether no more sockets will be added. If so, the watch ends when the last watched socket is closed.
        var isEnding = false
    }

    let configuration: AccessConfiguration
    let refusals = ConnectionRefusals()
    /// Decides which pages may change the daemon.
    let token: TokenGuard
    let wakeup: Wakeup
    let logger: Logger
    private let serverKeys: CurveKeyPair?
    private let keys: Mutex<AccessKeys?>
    /// Whether an orderly stop has begun. From then on, no producer is admitted. The watch holds the lock while it
    /// answers a question.
    private let isIngestClosed = Mutex(false)
    /// The number of times that the keys have been reloaded. The watch detects a reload when the number changes.
    private let readings = Atomic<Int>(0)
    private let pending = Mutex(Pending())
    /// The watch, until its own thread takes ownership of it.
    private let watch = Mutex<AccessWatch?>(nil)
    private let ended = DispatchSemaphore(value: 0)

    /// Reads the keys.
    ///
    /// - Parameters:
    ///   - configuration: The configuration of the daemon.
    ///   - logger: The logger that records refused clients.
    /// - Throws: ``DaemonError`` if an endpoint would be open to more clients than the user has allowed, or if a key
    ///   cannot be read.
    init(_ configuration: DaemonConfiguration, logger: Logger) throws(DaemonError) {
        try configuration.checkAccess()
        self.configuration = configuration.access
        self.logger = logger
        token = try TokenGuard(file: configuration.http.controlFile, refusals, logger)
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

    /// Starts the watch for the sockets of a context. Call this before any of the sockets is bound.
    func open(in context: Context) throws(ZeroMQError) {
        let watch = try AccessWatch(self, in: context)
        self.watch.withLock { $0 = watch }
        pending.withLock { $0.isOpen = true }
        let thread = Thread { [self] in
            ThreadName.take("sluice-access")
            // Take the watch out of the property, so that it is freed and its sockets are closed when `run` returns.
            self.watch.withLock { $0.take() }?.run()
            ended.signal()
        }
        thread.start()
        guard let serverKeys, let summary = keys.withLock({ $0?.summary }) else { return }
        logger.info("CURVE: this daemon's public key is \(serverKeys.publicKey); authorized clients: \(summary)")
    }

    /// Tells the watch that no more sockets will be added, and waits until all watched sockets have been closed.
    func end() {
        let isOpen = pending.withLock { pending in
            pending.isEnding = true
            return pending.isOpen
        }
        guard isOpen else { return }
        wakeup.signal()
        ended.wait()
    }

    /// Whether there are keys that ``reload()`` reads.
    var hasKeys: Bool { configuration.authorizedClients != nil || token.isOn }

    /// Reads the public keys and the token for HTTP again. If any key cannot be read, the previous keys remain in force.
    /// Open connections are not closed.
    func reload() {
        token.reload()
        guard let folder = configuration.authorizedClients else { return }
        do throws(DaemonError) {
            let keys = try AccessKeys(folder: folder)
            self.keys.withLock { $0 = keys }
            readings.add(1, ordering: .releasing)
            logger.info("authorized clients: \(keys.summary)")
        } catch {
            logger.error("the authorized keys could not be reloaded and stay as they are: \(error)")
        }
    }

    /// Stops admitting producers. When this method returns, every producer that was admitted earlier is connected.
    func closeIngest() {
        isIngestClosed.withLock { $0 = true }
    }

    /// Sends one of the watch's answers. ``closeIngest()`` waits until the answer has been sent, so the answer cannot
    /// become outdated in the meantime.
    ///
    /// - Parameter answer: A closure that sends the answer. Its argument tells whether producers are refused.
    /// - Throws: Any error that `answer` throws.
    func whileSettled(_ answer: (_ isIngestClosed: Bool) throws(ZeroMQError) -> Void) throws(ZeroMQError) {
        let result = isIngestClosed.withLock { isClosed in
            Result<Void, ZeroMQError> { () throws(ZeroMQError) in try answer(isClosed) }
        }
        try result.get()
    }

    /// The number of times that the keys have been reloaded. This number identifies the keys in force.
    var reading: Int { readings.load(ordering: .acquiring) }

    /// Sets the key and the limits of a socket. Call this before the socket is attached.
    ///
    /// - Parameters:
    ///   - socket: The socket.
    ///   - role: The role of the endpoint.
    ///   - endpoint: The endpoint to which the socket will be attached.
    ///   - serverKey: The public key of the server that the endpoint connects to, if it connects.
    ///   - peers: A description of the socket types that may connect; nil for the usual types of the role.
    /// - Throws: ``ZeroMQError`` if the process cannot open more files.
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
        let watched = AccessWatch.WatchedSocket(
            role, try SocketMonitor(socket), isCurve: serverKeys != nil, peers: peers ?? role.peers)
        pending.withLock { $0.sockets.append(watched) }
        wakeup.signal()
    }

    /// Returns the frame size above which libzmq silently closes the connection.
    ///
    /// For timesteps, this is twice the configured maximum, so that the hot loop can count and log frames that exceed
    /// the maximum only slightly.
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
        // Heartbeats are off for two reasons. First, libzmq stops reading from a peer while the queue for the peer's
        // messages is full, so it would miss the peer's replies. Second, libzmq 4.3 aborts the process if a heartbeat
        // falls due on a broken connection (https://github.com/zeromq/libzmq/issues/4364).
        guard role != .ingest else { return }
        try socket.set(.transmissionTimeout, to: untakenMilliseconds)
    }

    /// Returns the sockets that are new to the watch, and whether no more will be added. Called by the watch.
    func takePending() -> (sockets: [AccessWatch.WatchedSocket], isEnding: Bool) {
        wakeup.clear()
        return pending.withLock { pending in
            defer { pending.sockets = [] }
            return (pending.sockets, pending.isEnding)
        }
    }

    /// Returns the reason for refusing a client; nil if the client may connect.
    ///
    /// Without CURVE, every client that can reach the endpoint may connect. Access is then limited only by the
    /// endpoint's address or by the permissions of its socket file. If an endpoint needs a key, libzmq itself refuses
    /// clients that have none.
    func refusal(of request: AccessRequest) -> AccessLog.Cause? {
        guard case .key(let key) = request.proof else { return nil }
        return keys.withLock { keys in
            guard keys?.file(of: key, for: request.role) == nil else { return nil }
            return .unknownKey(key, elsewhere: keys?.file(of: key))
        }
    }
}
