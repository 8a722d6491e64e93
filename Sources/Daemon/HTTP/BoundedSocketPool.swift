import FlyingSocks

/// The sockets of the HTTP server: so many connections at most, and none that is silent for long. Where there is one too
/// many, that which has waited longest is closed, so that whoever comes anew is answered.
actor BoundedSocketPool: AsyncSocketPool {
    /// Connections that may wait for their peer at a time.
    static let maximumConnections = 64
    /// How long one may. Longer than Prometheus, which keeps its connection, is silent between two scrapes.
    private static let patience = Duration.seconds(90)

    private let pool: any AsyncSocketPool
    /// The one that has waited longest is the first.
    private var waits: [(number: Int, task: Task<Void, any Error>)] = []
    private var lastNumber = 0

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
        if waits.count >= Self.maximumConnections { waits.removeFirst().task.cancel() }
        lastNumber += 1
        let number = lastNumber
        let task = Task { [pool] in try await Self.wait(for: socket, events, in: pool) }
        waits.append((number, task))
        defer { waits.removeAll { $0.number == number } }
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    private static func wait(
        for socket: Socket, _ events: Socket.Events, in pool: any AsyncSocketPool
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await pool.suspendSocket(socket, untilReadyFor: events) }
            group.addTask {
                try await Task.sleep(for: patience)
                throw SocketError.disconnected
            }
            try await group.next()
        }
    }
}
