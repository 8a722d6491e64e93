import Glibc
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A bounded HTTP server: SwiftNIO on its own thread, connected to a site and a log.
package final class HTTPListener: Sendable {
    /// The time between two attempts to reopen a failed server.
    private static let retryInterval = TimeAmount.seconds(10)
    /// The maximum number of bytes in one read from a connection.
    private static let bytesPerRead = 4096
    /// The sizes of the system's buffers for each connection, in bytes. Linux doubles both.
    private static let bytesKept: (receiving: Int, sending: Int) = (1 << 14, 1 << 17)
    /// The maximum number of connections that the system queues until they are accepted.
    private static let backlog: Int32 = 128
    /// The number of file descriptors that an event loop needs. If they are not available, SwiftNIO ends the process.
    private static let descriptors = 8

    private struct State {
        var channel: (any Channel)?
        var isClosed = false
    }

    /// The endpoint at which the server answers, with its actual port in place of a `*`.
    package let place: HTTPEndpoint
    private let site: HTTPSite
    private let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let connections = HTTPConnections()
    private let state = Mutex(State())

    /// Opens the server. Returns nil if the endpoint is `off`.
    ///
    /// - Parameters:
    ///   - endpoint: The endpoint at which the server answers.
    ///   - site: The pages.
    ///   - logger: The log of the server's own failures.
    ///   - begin: Called once on the server's thread, for example to name the thread.
    /// - Throws: ``HTTPServerError`` if the server cannot listen at the endpoint.
    package init?(
        at endpoint: HTTPEndpoint, _ site: HTTPSite, logger: Logger, begin: @escaping @Sendable () -> Void = {}
    ) throws(HTTPServerError) {
        guard let address = endpoint.socketAddress else { return nil }
        guard Self.hasDescriptors else {
            throw HTTPServerError(
                .cannotCreate, "http \(endpoint): the process may open no more files; raise 'ulimit -n'")
        }
        self.site = site
        self.logger = logger
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel: any Channel
        do {
            channel = try Self.bootstrap(group, site, connections, logger).bind(to: address).wait()
        } catch {
            try? group.syncShutdownGracefully()
            throw HTTPServerError(error, at: endpoint)
        }
        place = HTTPEndpoint(channel.localAddress) ?? endpoint
        group.next().execute(begin)
        watch(channel)
    }

    /// Closes the server and its connections. Without this call, the server runs until the process ends.
    package func close() {
        state.withLock { $0.isClosed = true }
        try? group.syncShutdownGracefully()
    }

    private static var hasDescriptors: Bool {
        let opened = (0..<descriptors).map { _ in dup(STDERR_FILENO) }.filter { $0 >= 0 }
        for descriptor in opened { _ = Glibc.close(descriptor) }
        return opened.count == descriptors
    }

    private static func bootstrap(
        _ group: MultiThreadedEventLoopGroup, _ site: HTTPSite, _ connections: HTTPConnections, _ logger: Logger
    ) -> ServerBootstrap {
        ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // Connections inherit these options from the listening socket.
            .serverChannelOption(.socketOption(.so_rcvbuf), value: bytesKept.receiving)
            .serverChannelOption(.socketOption(.so_sndbuf), value: bytesKept.sending)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // If the process has no free descriptors, the backoff handler makes the server retry after a
                    // second.
                    try channel.pipeline.syncOperations.addHandlers(AcceptBackoffHandler(), AcceptFailures(logger))
                }
            }
            .childChannelOption(.autoRead, value: false)
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: bytesPerRead))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let frames = HTTPRequestFrames()
                    try channel.pipeline.syncOperations.addHandlers(
                        frames, ByteToMessageHandler(HTTPRequestDecoder()), HTTPResponseEncoder(),
                        HTTPExchange(behind: frames, site, in: connections))
                }
            }
    }

    /// Reopens the server at the same address if it ends before ``close()``.
    private func watch(_ channel: any Channel) {
        state.withLock { $0.channel = channel }
        channel.closeFuture.whenComplete { [self] _ in
            guard !state.withLock({ $0.isClosed }) else { return }
            logger.error("http \(place) failed; it is tried again every 10 s")
            reopen()
        }
    }

    private func reopen() {
        _ = group.next().scheduleTask(in: Self.retryInterval) { [self] in
            guard !state.withLock({ $0.isClosed }), let address = place.socketAddress else { return }
            Self.bootstrap(group, site, connections, logger).bind(to: address)
                .whenComplete { [self] result in
                    switch result {
                    case .success(let channel):
                        logger.notice("http \(place) answers again")
                        watch(channel)
                    case .failure(let error):
                        logger.debug("http \(place): \(error)")
                        reopen()
                    }
                }
        }
    }
}

/// Logs once when the server cannot accept connections, and once when it accepts them again.
private final class AcceptFailures: ChannelInboundHandler {
    typealias InboundIn = any Channel

    private let logger: Logger
    private var isFailing = false

    init(_ logger: Logger) { self.logger = logger }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isFailing { logger.notice("http accepts connections again") }
        isFailing = false
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if !isFailing { logger.error("http cannot accept connections and tries again every second: \(error)") }
        isFailing = true
    }
}

extension HTTPServerError {
    fileprivate init(_ error: any Error, at endpoint: HTTPEndpoint) {
        guard let error = error as? IOError else {
            self.init(.cannotCreate, "http \(endpoint): \(error)")
            return
        }
        self =
            error.errnoCode == EADDRINUSE
            ? HTTPServerError(.inUse, "http \(endpoint): the address is in use")
            : HTTPServerError(.cannotCreate, "http \(endpoint): \(unsafe String(cString: strerror(error.errnoCode)))")
    }
}
