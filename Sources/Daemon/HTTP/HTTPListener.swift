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
    /// How soon a server that failed is tried again. Not at once: each that fails costs the process a descriptor.
    private static let retryInterval = Duration.seconds(10)

    private let endpoint: HTTPEndpoint
    private let pages: HTTPPages
    private let logger: Logger

    /// Nil is made of an endpoint that is `off`.
    init?(_ endpoint: HTTPEndpoint, pages: HTTPPages, logger: Logger) {
        guard endpoint != .off else { return nil }
        self.endpoint = endpoint
        self.pages = pages
        self.logger = logger
    }

    /// Answers requests as long as a function runs.
    ///
    /// - Parameter body: Begins once the endpoint is open; is told where, a port `*` resolved.
    /// - Throws: ``DaemonError`` where the endpoint cannot be had, and what the function throws. A server that fails later,
    ///   as where the process has no descriptor left for a connection, ends nothing: it is tried again.
    func serve(while body: @escaping @Sendable (HTTPEndpoint) async throws -> Void) async throws {
        let (openings, opened) = AsyncStream.makeStream(of: HTTPEndpoint.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await keepOpen(opened) }
            group.addTask {
                guard let place = await openings.first(where: { _ in true }) else { return }
                try await body(place)
            }
            try await group.next()
        }
    }

    /// Runs the server until it is cancelled.
    ///
    /// - Parameter opened: Told where, once.
    /// - Throws: ``DaemonError`` where the endpoint cannot be had from the start.
    private func keepOpen(_ opened: AsyncStream<HTTPEndpoint>.Continuation) async throws {
        var place: HTTPEndpoint?
        var hasFailed = false
        while true {
            do {
                try await run(at: place ?? endpoint) { resolved in
                    if hasFailed { logger.notice("http \(resolved) answers again") }
                    hasFailed = false
                    if place == nil { opened.yield(resolved) }
                    place = resolved
                }
            } catch {
                try Task.checkCancellation()
                guard let place else { throw DaemonError(error, at: endpoint) }
                if !hasFailed { logger.error("http \(place) failed, and is tried again every 10 s: \(error)") }
                hasFailed = true
            }
            try await Task.sleep(for: Self.retryInterval)
        }
    }

    /// Runs a server until it fails or is cancelled.
    private func run(at endpoint: HTTPEndpoint, _ didOpen: (HTTPEndpoint) -> Void) async throws {
        guard let address = endpoint.socketAddress else { return }
        let server = HTTPServer(
            config: .init(
                address: address, timeout: Self.timeout, sharedRequestBufferSize: Self.maximumBody,
                sharedRequestReplaySize: Self.maximumBody, pool: BoundedSocketPool(HTTPServer.defaultPool()),
                logger: ServerLog(logger: logger)))
        await pages.install(on: server)
        try await withThrowingTaskGroup(of: HTTPEndpoint?.self) { group in
            group.addTask {
                try await server.run()
                return nil
            }
            group.addTask {
                try await server.waitUntilListening()
                return await server.listeningAddress.flatMap(HTTPEndpoint.init) ?? endpoint
            }
            for try await place in group {
                if let place { didOpen(place) }
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
