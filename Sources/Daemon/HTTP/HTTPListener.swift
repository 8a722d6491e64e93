import FlyingFox
import FlyingSocks
import Foundation
import Glibc
import Logging

/// The daemon's HTTP server: FlyingFox with the daemon's pages, limits and log.
struct HTTPListener: Sendable {
    /// How long a page may take, in seconds.
    private static let timeout: TimeInterval = 5
    /// Bytes of a request's body that are read into memory. No page takes one.
    private static let maximumBody = 4096

    private enum Step: Sendable {
        case listening
        case ended(any Error)
        case served
    }

    private let endpoint: HTTPEndpoint
    private let server: HTTPServer
    private let pages: HTTPPages
    private let logger: Logger

    /// - Returns: Nil for an endpoint that is `off`.
    init?(_ endpoint: HTTPEndpoint, pages: HTTPPages, logger: Logger) {
        guard let address = endpoint.socketAddress else { return nil }
        self.endpoint = endpoint
        self.pages = pages
        self.logger = logger
        server = HTTPServer(
            config: .init(
                address: address, timeout: Self.timeout, sharedRequestBufferSize: Self.maximumBody,
                sharedRequestReplaySize: Self.maximumBody, pool: BoundedSocketPool(HTTPServer.defaultPool()),
                logger: ServerLog(logger: logger)))
    }

    /// Answers requests as long as a function runs.
    ///
    /// - Parameter body: Begins once the endpoint is open; is told where, a port `*` resolved.
    /// - Throws: ``DaemonError`` where the endpoint cannot be had, and what the function throws. That the server fails later
    ///   is logged, and ends nothing.
    func serve(while body: @escaping @Sendable (HTTPEndpoint) async throws -> Void) async throws {
        await pages.install(on: server)
        try await withThrowingTaskGroup(of: Step.self) { [server, endpoint] group in
            defer { group.cancelAll() }
            group.addTask {
                do {
                    try await server.run()
                    return .ended(SocketError.disconnected)
                } catch {
                    return .ended(error)
                }
            }
            group.addTask {
                try await server.waitUntilListening()
                return .listening
            }
            var isServing = false
            for try await step in group {
                switch step {
                case .listening:
                    isServing = true
                    let resolved = await server.listeningAddress.flatMap(HTTPEndpoint.init) ?? endpoint
                    group.addTask {
                        try await body(resolved)
                        return .served
                    }
                case .ended(let error):
                    guard isServing else { throw DaemonError(error, at: endpoint) }
                    logger.error("http \(endpoint) failed, and the daemon goes on without it: \(error)")
                case .served: return
                }
            }
        }
    }
}

/// What the server says for itself goes to the log of those who look for faults.
private struct ServerLog: FlyingSocks.Logging {
    let logger: Logger

    func logDebug(_ debug: @autoclosure () -> String) { logger.trace("http: \(debug())") }
    func logInfo(_ info: @autoclosure () -> String) { logger.trace("http: \(info())") }
    func logWarning(_ warning: @autoclosure () -> String) { logger.debug("http: \(warning())") }
    func logError(_ error: @autoclosure () -> String) { logger.debug("http: \(error())") }
    // Of a stop that was asked for, too. What ends the server is told by whoever runs it.
    func logCritical(_ critical: @autoclosure () -> String) { logger.debug("http: \(critical())") }
}

extension HTTPEndpoint {
    /// Where a socket really is.
    fileprivate init?(_ address: Socket.Address) {
        switch address {
        case .ip4(let host, let port), .ip6(let host, let port): self = .address(host, port: port)
        case .unix: return nil
        }
    }
}

extension DaemonError {
    fileprivate init(_ error: any Error, at endpoint: HTTPEndpoint) {
        guard case SocketError.failed(_, let code, let message) = error else {
            self.init(.cannotCreate, "http \(endpoint): \(error)")
            return
        }
        if code == EADDRINUSE {
            self.init(
                .inUse, "http \(endpoint): the address is in use; give another by --http HOST:PORT, or --http off")
        } else {
            self.init(.cannotCreate, "http \(endpoint): \(message)")
        }
    }
}
