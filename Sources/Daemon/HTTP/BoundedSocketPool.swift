import FlyingSocks

/// The sockets of the HTTP server, so many at most and none that is silent for long: those that are past either bound are
/// closed.
actor BoundedSocketPool: AsyncSocketPool {
    /// Connections that may wait for their peer at a time.
    private static let maximumConnections = 64
    /// How long one may. Longer than Prometheus, which keeps its connection, is silent between two scrapes.
    private static let patience = Duration.seconds(90)

    private let pool: any AsyncSocketPool
    private var waiting = 0

    init(_ pool: any AsyncSocketPool) {
        self.pool = pool
    }

    nonisolated func prepare() async throws { try await pool.prepare() }

    nonisolated func run() async throws { try await pool.run() }

    func suspendSocket(_ socket: Socket, untilReadyFor events: Socket.Events) async throws {
        // The one socket without a peer is that which connections come in by.
        guard (try? socket.remotePeer()) != nil else {
            return try await pool.suspendSocket(socket, untilReadyFor: events)
        }
        guard waiting < Self.maximumConnections else { throw SocketError.disconnected }
        waiting += 1
        defer { waiting -= 1 }
        try await withThrowingTaskGroup(of: Void.self) { [pool] group in
            defer { group.cancelAll() }
            group.addTask { try await pool.suspendSocket(socket, untilReadyFor: events) }
            group.addTask {
                try await Task.sleep(for: Self.patience)
                throw SocketError.disconnected
            }
            try await group.next()
        }
    }
}
