import Foundation
import HTTPServer
public import Logging
import Streams
import Synchronization
import Wire
import ZeroMQ

/// The daemon. `init` reads the models; ``run(_:)`` reads the stored state, opens the sockets and serves.
///
/// SIGHUP reloads the models and the authorized keys. SIGTERM, SIGINT and the control method `shutdown` start an
/// orderly stop: the daemon consumes what producers have sent and makes the state durable, then ``run(_:)`` returns.
/// The daemon does not use Swift's concurrency pool, so nothing in the pool can block it.
public struct SluiceService: Sendable {
    private let configuration: DaemonConfiguration
    private let models: [ServedModel]
    private let access: AccessGuard
    private let logger: Logger

    /// Reads the models.
    ///
    /// - Parameters:
    ///   - configuration: The models, endpoints and options.
    ///   - logger: The daemon's log.
    /// - Throws: ``DaemonError`` with one line that names the file and the problem.
    public init(_ configuration: DaemonConfiguration, logger: Logger) throws(DaemonError) {
        self.configuration = configuration
        self.logger = logger
        try configuration.checkPlaces()
        try configuration.checkCluster()
        access = try AccessGuard(configuration, logger: logger)
        try configuration.http.check()
        models = try configuration.models.map { model throws(DaemonError) in try ServedModel(model) }
        let httpCaution = [configuration.http.caution].compactMap(\.self)
        for caution in httpCaution + models.flatMap(\.cautions) { logger.warning("\(caution)") }
    }

    /// Serves until a stop is requested. Tells systemd when the daemon is ready, that it is alive, and when it stops.
    ///
    /// - Parameter stop: Receives signals and limits how long a stop may take.
    /// - Throws: ``DaemonError`` if the daemon cannot start or does not stop cleanly.
    public func run(_ stop: StopWatch) throws(DaemonError) {
        #if Cluster
        if let cluster = configuration.cluster {
            let node = ClusterService(configuration, cluster, models: models, access: access, logger: logger)
            return try node.run(stop)
        }
        #endif
        try configuration.checkFree()
        let mailbox = try Self.makeMailbox()
        let probe = HotLoopProbe(mailbox)
        let notifier = try ServiceNotifier()
        let http = try DaemonPages(probe, configuration.http, access.token).open(logger: logger)
        // Both threads run until the process ends.
        Thread.detachNewThread { notifier?.keepWatch(over: mailbox) }
        Thread.detachNewThread { [logger] in FreedMemory.keepGivingBack(logger) }

        let result = Mutex<Result<Void, DaemonError>>(.success(()))
        let ended = DispatchSemaphore(value: 0)
        // The loop has its own thread, so that `top` shows its cost separately, under its own name.
        let thread = Thread { [self] in
            Self.takeProcessPriority()
            ThreadName.take("sluice-hot")
            do throws(DaemonError) {
                try decide(mailbox, probe, http: http?.place, notifier, stop)
            } catch {
                result.withLock { $0 = .failure(error) }
            }
            ended.signal()
        }
        thread.start()
        ended.wait()
        stop.end()
        try result.withLock { $0 }.get()
    }

    /// Gives this thread, and the threads that it creates, the priority with which the process was started. This is
    /// needed if the user is root, because Foundation and Dispatch then raise the priority of their threads.
    private static func takeProcessPriority() {
        let kind = __priority_which_t(PRIO_PROCESS.rawValue)
        // If the system refuses, the priority does not change.
        _ = setpriority(kind, 0, getpriority(kind, id_t(getpid())))
    }

    private static func makeMailbox() throws(DaemonError) -> Mailbox {
        do throws(ZeroMQError) {
            return try Mailbox()
        } catch {
            throw DaemonError(.software, error.description)
        }
    }

    private func decide(
        _ mailbox: Mailbox, _ probe: HotLoopProbe, http: HTTPEndpoint?, _ notifier: ServiceNotifier?, _ stop: StopWatch
    ) throws(DaemonError) {
        var loop = try makeLoop(mailbox)
        loop.http = http
        loop.notifier = notifier
        loop.stop = stop
        probe.begin()
        stop.begin(.init(stop: { mailbox.post { $0.isStopping = true } }, reload: { mailbox.post { $0.reloadAll() } }))
        let endpoints = loop.endpoints
        let places = """
            ingest \(endpoints.ingest.joined(separator: " ")), \
            decisions \((endpoints.allDecisions ?? []).map(\.endpoint).joined(separator: " ")), control \(endpoints.control), http \(endpoints.http ?? "off")
            """
        let decisions = models.map { model in
            "; \(model.name): \(model.decisionsInWords)"
                + (model.couldDecideOnEveryTimestep ? "; --mode stateful decides on every timestep" : "")
        }.joined()
        logger.info("ready: \(places)\(decisions)")
        loop.notify(.ready(status: places))
        var failure: DaemonError?
        do throws(DaemonError) {
            try loop.run()
        } catch {
            failure = error
        }
        // The databases must outlive the sockets: closing a database may write, and a stop never cuts off a write.
        let databases = (loop.worker, loop.group.worker)
        close(loop, within: stop.beginClosing(status: failure?.code.rawValue ?? EXIT_SUCCESS))
        withExtendedLifetime(databases) {
            stop.beginStoring()
            // A job that has just ended may still hold a database, and must not close it while the process exits.
            databases.0.finish()
            databases.1?.finish()
        }
        if let failure { throw failure }
    }

    /// Loads the state and opens the sockets.
    private func makeLoop(_ mailbox: Mailbox) throws(DaemonError) -> HotLoop {
        do throws(DaemonError) {
            let state = try StartState.open(configuration, models: models, logger: logger)
            // The token's file may be in the state folder, which exists now.
            try access.token.begin()
            return try HotLoop(configuration, access: access, state: state, mailbox: mailbox, logger: logger)
        } catch {
            access.end()
            throw error
        }
    }

    /// Closes the sockets. They linger for peers that have not yet read all of their messages.
    private func close(_ loop: consuming HotLoop, within patience: Duration) {
        let linger = min(patience, .milliseconds(HotLoop.lingerMilliseconds))
        loop.limitLinger(to: linger)
        let start = ContinuousClock.now
        _ = consume loop
        access.end()
        let time = start.duration(to: .now)
        guard time >= linger else { return }
        logger.warning("some peers did not read their messages within \(linger); the unread messages are lost")
    }
}

extension HotLoop {
    /// Limits how long unsent messages are kept after their sockets are closed.
    fileprivate func limitLinger(to time: Duration) {
        let milliseconds = Int(time / .milliseconds(1))
        // A socket that refuses the option has failed and has no messages to send.
        for publisher in publishers { try? publisher.socket.socket.set(.linger, to: milliseconds) }
        try? control.socket.set(.linger, to: milliseconds)
    }
}
