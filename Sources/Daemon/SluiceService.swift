import Foundation
public import Logging
public import ServiceLifecycle
import Streams
import UnixSignals
import Wire
import ZeroMQ

/// The daemon as a service: models and stored state are read when it is made, sockets are open while it runs.
///
/// SIGHUP has it read its models again. A graceful shutdown (SIGTERM, SIGINT) and the control method `shutdown` both end it in order: what producers sent is
/// taken, the state is made durable, ``run()`` returns.
public struct SluiceService: Service {
    private let configuration: DaemonConfiguration
    private let models: [ServedModel]
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
        models = try configuration.models.map { model throws(DaemonError) in try ServedModel(model) }
    }

    /// Serves until it is told to stop.
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
            for await _ in await UnixSignalsSequence(trapping: .sighup) { mailbox.post { $0.reloadAll() } }
        }
        defer { reloads.cancel() }
        try await withGracefulShutdownHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                // A thread of its own: the hot loop waits in libzmq, which the cooperative pool must not do.
                let thread = Thread {
                    continuation.resume(with: Result { try decide(mailbox, probe, http: http) })
                }
                thread.name = "sluice-hot"
                thread.start()
            }
        } onGracefulShutdown: {
            mailbox.post { $0.isStopping = true }
        }
    }

    private static func makeMailbox() throws(DaemonError) -> Mailbox {
        do throws(ZeroMQError) {
            return try Mailbox()
        } catch {
            throw DaemonError(.software, error.description)
        }
    }

    private func decide(_ mailbox: Mailbox, _ probe: HotLoopProbe, http: HTTPEndpoint?) throws(DaemonError) {
        let state = try StartState.open(configuration, models: models, logger: logger)
        var loop = try HotLoop(configuration, state: state, mailbox: mailbox, logger: logger)
        loop.http = http
        probe.begin()
        let endpoints = loop.endpoints
        logger.info(
            """
            ready: ingest \(endpoints.ingest.joined(separator: " ")), decisions \(endpoints.decisions), \
            control \(endpoints.control), http \(endpoints.http ?? "off")
            """)
        try loop.run()
    }
}

extension SluiceService: CustomStringConvertible {
    /// What the log calls the service.
    public var description: String { "sluice" }
}
