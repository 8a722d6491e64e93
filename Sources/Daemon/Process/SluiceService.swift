import Foundation
public import Logging
import Streams
import Synchronization
import Wire
import ZeroMQ

/// The daemon: models are read when it is made, stored state when it runs, and sockets are open while it serves.
///
/// SIGHUP has it read its models, and the keys that may come in, again. SIGTERM, SIGINT and the control method `shutdown`
/// end it in order: what producers sent is taken, the state is made durable, ``run()`` returns. Nothing of it depends on
/// Swift's concurrency pool.
public struct SluiceService: Sendable {
    private let configuration: DaemonConfiguration
    private let models: [ServedModel]
    private let access: AccessGuard
    private let logger: Logger

    /// Reads the models.
    ///
    /// - Parameters:
    ///   - configuration: What to serve and where.
    ///   - logger: Where the daemon says what it does.
    /// - Throws: ``DaemonError`` with one line that names the file and what is wrong with it.
    public init(_ configuration: DaemonConfiguration, logger: Logger) throws(DaemonError) {
        self.configuration = configuration
        self.logger = logger
        access = try AccessGuard(configuration, logger: logger)
        try configuration.http.check()
        models = try configuration.models.map { model throws(DaemonError) in try ServedModel(model) }
        for caution in models.compactMap(\.caution) { logger.warning("\(caution)") }
    }

    /// Serves until it is told to stop. Under systemd it is told when the daemon serves, that it is alive and when it stops.
    ///
    /// - Parameter stop: Listens to signals, and sees that a stop ends in time.
    /// - Throws: ``DaemonError`` where it cannot begin, or did not end in order.
    public func run(_ stop: StopWatch) throws(DaemonError) {
        let mailbox = try Self.makeMailbox()
        let probe = HotLoopProbe(mailbox)
        let notifier = try ServiceNotifier()
        let http = try HTTPListener(configuration.http, pages: HTTPPages(probe: probe), logger: logger)
        // Both go on until the process ends.
        Thread.detachNewThread { notifier?.keepWatch(over: mailbox) }
        Thread.detachNewThread { [logger] in FreedMemory.keepGivingBack(logger) }

        let result = Mutex<Result<Void, DaemonError>>(.success(()))
        let ended = DispatchSemaphore(value: 0)
        // A thread of its own, by whose name top and its like show what the loop costs.
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

    /// Gives this thread, and those that it makes, the priority that the process was started with: Foundation and Dispatch
    /// raise that of their threads where they may, for root.
    private static func takeProcessPriority() {
        let kind = __priority_which_t(PRIO_PROCESS.rawValue)
        // What may not be done leaves the priority as it is.
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
        stop.begin(mailbox)
        let endpoints = loop.endpoints
        let places = """
            ingest \(endpoints.ingest.joined(separator: " ")), decisions \(endpoints.decisions), \
            control \(endpoints.control), http \(endpoints.http ?? "off")
            """
        logger.info("ready: \(places)")
        loop.notify(.ready(status: places))
        var failure: DaemonError?
        do throws(DaemonError) {
            try loop.run()
        } catch {
            failure = error
        }
        // They outlive the sockets: closing a database writes too, which is not cut off.
        let databases = (loop.worker, loop.group.worker)
        close(loop, within: stop.beginClosing(status: failure?.code.rawValue ?? EXIT_SUCCESS))
        withExtendedLifetime(databases) {
            stop.beginStoring()
            // Work that is done may hold a database for a moment longer, and must not close it while the process exits.
            databases.0.finish()
            databases.1?.finish()
        }
        if let failure { throw failure }
    }

    /// Loads the state and opens the sockets.
    private func makeLoop(_ mailbox: Mailbox) throws(DaemonError) -> HotLoop {
        do throws(DaemonError) {
            let state = try StartState.open(configuration, models: models, logger: logger)
            return try HotLoop(configuration, access: access, state: state, mailbox: mailbox, logger: logger)
        } catch {
            access.end()
            throw error
        }
    }

    /// Closes the sockets, which wait for peers that have not taken yet what was sent to them.
    private func close(_ loop: consuming HotLoop, within patience: Duration) {
        let linger = min(patience, .milliseconds(HotLoop.lingerMilliseconds))
        loop.limitLinger(to: linger)
        let start = ContinuousClock.now
        _ = consume loop
        access.end()
        let time = start.duration(to: .now)
        guard time >= linger else { return }
        logger.warning("some peers did not take within \(linger) what was sent to them; the rest of it is lost")
    }
}

extension HotLoop {
    /// Has what was sent to peers wait for them so long at most, once the sockets are closed.
    fileprivate func limitLinger(to time: Duration) {
        let milliseconds = Int(time / .milliseconds(1))
        // A socket that takes no option has failed, and has nothing that waits.
        try? publisher.socket.set(.linger, to: milliseconds)
        try? control.socket.set(.linger, to: milliseconds)
    }
}
