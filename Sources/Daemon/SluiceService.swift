import Foundation
public import Logging
public import ServiceLifecycle
import Streams
import UnixSignals
import Wire
import ZeroMQ

/// The daemon as a service: models and stored state are read when it is made, sockets are open while it runs.
///
/// SIGHUP has it read its models, and the keys that may come in, again. A graceful shutdown (SIGTERM, SIGINT) and the control method `shutdown` both end it in order: what producers sent is
/// taken, the state is made durable, ``run()`` returns.
public struct SluiceService: Service {
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
        models = try configuration.models.map { model throws(DaemonError) in try ServedModel(model) }
        for caution in models.compactMap(\.caution) { logger.warning("\(caution)") }
    }

    /// Serves until it is told to stop. Under systemd it is told when the daemon serves, that it is alive and when it stops.
    ///
    /// - Throws: ``DaemonError`` where it cannot begin, or did not end in order.
    public func run() async throws {
        let mailbox = try Self.makeMailbox()
        let probe = HotLoopProbe(mailbox)
        guard let listener = HTTPListener(configuration.http, pages: HTTPPages(probe: probe), logger: logger) else {
            return try await serve(mailbox, probe, http: nil)
        }
        try await listener.serve { try await serve(mailbox, probe, http: $0) }
    }

    private func serve(_ mailbox: Mailbox, _ probe: HotLoopProbe, http: HTTPEndpoint?) async throws {
        let reloads = Task {
            for await _ in await UnixSignalsSequence(trapping: .sighup) {
                access.reload()
                mailbox.post { $0.reloadAll() }
            }
        }
        defer { reloads.cancel() }
        let notifier = try ServiceNotifier()
        let watch = Task { await notifier?.keepWatch(over: mailbox) }
        defer { watch.cancel() }
        let upkeep = Task { await FreedMemory.keepGivingBack(logger) }
        defer { upkeep.cancel() }
        try await withGracefulShutdownHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                // A thread of its own: the hot loop waits in libzmq, which the cooperative pool must not do.
                let thread = Thread {
                    Self.takeProcessPriority()
                    // For top and its like. A name given to Foundation is lost where the new thread is quicker than its maker.
                    try? Data("sluice-hot".utf8).write(to: URL(filePath: "/proc/thread-self/comm"))
                    let result = Result { try decide(mailbox, probe, http: http, notifier) }
                    access.end()
                    continuation.resume(with: result)
                }
                thread.start()
            }
        } onGracefulShutdown: {
            mailbox.post { $0.isStopping = true }
        }
    }

    /// Gives this thread, and those that it makes, the priority that the process was started with. It has its maker's, which the
    /// cooperative pool raises where it may: for root.
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
        _ mailbox: Mailbox, _ probe: HotLoopProbe, http: HTTPEndpoint?, _ notifier: ServiceNotifier?
    ) throws(DaemonError) {
        let state = try StartState.open(configuration, models: models, logger: logger)
        var loop = try HotLoop(configuration, access: access, state: state, mailbox: mailbox, logger: logger)
        loop.http = http
        loop.notifier = notifier
        probe.begin()
        let endpoints = loop.endpoints
        let places = """
            ingest \(endpoints.ingest.joined(separator: " ")), decisions \(endpoints.decisions), \
            control \(endpoints.control), http \(endpoints.http ?? "off")
            """
        logger.info("ready: \(places)")
        loop.notify(.ready(status: places))
        try loop.run()
    }
}

extension SluiceService: CustomStringConvertible {
    /// What the log calls the service.
    public var description: String { "sluice" }
}
