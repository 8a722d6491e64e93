import Foundation
import Glibc
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// The daemon's HTTP server: SwiftNIO on its own thread, connected to the daemon's pages, limits and log.
final class HTTPListener: Sendable {
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
    let place: HTTPEndpoint
    private let configuration: HTTPConfiguration
    private let pages: HTTPPages
    private let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let connections = HTTPConnections()
    private let state = Mutex(State())

    /// Opens the server. Returns nil if HTTP is `off`.
    ///
    /// - Throws: ``DaemonError`` if the server cannot listen at the endpoint.
    init?(_ configuration: HTTPConfiguration, pages: HTTPPages, logger: Logger) throws(DaemonError) {
        guard let address = configuration.endpoint.socketAddress else { return nil }
        guard Self.hasDescriptors else {
            throw DaemonError(
                .cannotCreate, "http \(configuration.endpoint): the process may open no more files; raise 'ulimit -n'")
        }
        self.configuration = configuration
        self.pages = pages
        self.logger = logger
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let channel: any Channel
        do {
            channel = try Self.bootstrap(group, configuration, pages, connections, logger).bind(to: address).wait()
        } catch {
            try? group.syncShutdownGracefully()
            throw DaemonError(error, at: configuration.endpoint)
        }
        place = HTTPEndpoint(channel.localAddress) ?? configuration.endpoint
        group.next().execute { ThreadName.take("sluice-http") }
        watch(channel)
    }

    /// Closes the server and its connections. Without this call, the server runs until the process ends.
    func close() {
        state.withLock { $0.isClosed = true }
        try? group.syncShutdownGracefully()
    }

    private static var hasDescriptors: Bool {
        let opened = (0..<descriptors).map { _ in dup(STDERR_FILENO) }.filter { $0 >= 0 }
        for descriptor in opened { _ = Glibc.close(descriptor) }
        return opened.count == descriptors
    }

    private static func bootstrap(
        _ group: MultiThreadedEventLoopGroup, _ configuration: HTTPConfiguration, _ pages: HTTPPages,
        _ connections: HTTPConnections, _ logger: Logger
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
                    let frames = HTTPHeadFrames()
                    try channel.pipeline.syncOperations.addHandlers(
                        frames, ByteToMessageHandler(HTTPRequestDecoder()), HTTPResponseEncoder(),
                        HTTPExchange(behind: frames, pages, hosts: configuration.hosts, in: connections))
                }
            }
    }

    /// Reopens the server at the same address if it ends before ``close()``.
    private func watch(_ channel: any Channel) {
        state.withLock { $0.channel = channel }
        channel.closeFuture.whenComplete { [self] _ in
            guard !state.withLock({ $0.isClosed }) else { return }
            logger.error("http \(place) failed; the daemon tries again every 10 s")
            reopen()
        }
    }

    private func reopen() {
        _ = group.next().scheduleTask(in: Self.retryInterval) { [self] in
            guard !state.withLock({ $0.isClosed }), let address = place.socketAddress else { return }
            Self.bootstrap(group, configuration, pages, connections, logger).bind(to: address)
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

extension DaemonError {
    fileprivate init(_ error: any Error, at endpoint: HTTPEndpoint) {
        guard let error = error as? IOError else {
            self.init(.cannotCreate, "http \(endpoint): \(error)")
            return
        }
        if error.errnoCode == EADDRINUSE {
            self.init(
                .inUse, "http \(endpoint): the address is in use; give another one with --http HOST:PORT, or --http off"
            )
        } else {
            self.init(.cannotCreate, "http \(endpoint): \(unsafe String(cString: strerror(error.errnoCode)))")
        }
    }
}
