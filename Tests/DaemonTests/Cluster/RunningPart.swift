#if Cluster
import Dispatch
import Foundation
import Logging
import NATS
import Streams
import Synchronization
import TestSupport
import Wire
import ZeroMQ

@testable import Daemon

/// A gateway or an outlet on a thread of its own.
final class RunningPart: Sendable {
    private let ended = DispatchSemaphore(value: 0)
    private let failure = Mutex<DaemonError?>(nil)
    private let end: @Sendable () -> Void

    /// - Parameters:
    ///   - run: The thread's work.
    ///   - end: Asks the work to end.
    init(_ run: @escaping @Sendable () throws(DaemonError) -> Void, end: @escaping @Sendable () -> Void) {
        self.end = end
        let thread = Thread { [self] in
            do throws(DaemonError) {
                try run()
            } catch {
                failure.withLock { $0 = error }
            }
            ended.signal()
        }
        thread.start()
    }

    /// Stops the part, and waits for its end.
    func stop() throws {
        end()
        ended.wait()
        ended.signal()
        if let failure = failure.withLock({ $0 }) { throw failure }
    }
}

/// The configuration, the context and the guard of a node in a test.
final class TestNode {
    let context: Context
    let access: AccessGuard
    let logger: Logger
    var configuration: DaemonConfiguration
    let models: [ServedModel]

    init(_ configure: (inout DaemonConfiguration) throws -> Void = { _ in }) throws {
        var configuration = DaemonConfiguration()
        configuration.ingest = [
            DaemonConfiguration.Ingest(IngestEndpoint(.pull, Endpoint(.bind, "tcp://127.0.0.1:*")))
        ]
        configuration.decisions = [DaemonConfiguration.Decisions(Endpoint(.bind, "tcp://127.0.0.1:*"))]
        configuration.models = [DaemonConfiguration.Model(name: "m", file: "m", policy: ServingPolicy())]
        try configure(&configuration)
        self.configuration = configuration
        models = [
            ServedModel(
                name: "m", file: "m", fingerprint: "f", model: ServableModel(try livelyModel()),
                policy: ServingPolicy())
        ]
        logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        context = try Context()
        access = try AccessGuard(configuration, logger: logger)
        try access.open(in: context)
    }

    /// Connects to the cluster.
    func connect(to server: ClusterServer) throws -> Connection {
        try Connection(ConnectionOptions(servers: server.servers.urls, name: "node"))
    }

    /// Opens a producer's socket for an endpoint.
    func producer(for endpoint: IngestEndpoint, highWaterMark: Int = 100_000) throws -> Socket {
        let socket = try Socket(endpoint.kind == .pull ? .push : .pub, in: context)
        try socket.set(.sendHighWaterMark, to: highWaterMark)
        try socket.attach(to: Endpoint(.connect, endpoint.endpoint.address), otherwise: .connect)
        return socket
    }
}

/// Waits until a condition holds.
func wait(seconds: Double = 30, until condition: () throws -> Bool) throws {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < deadline else { throw TimedOut() }
        usleep(2_000)
    }
}

struct TimedOut: Error {}
#endif
