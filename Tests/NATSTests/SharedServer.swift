#if Cluster
import NATS
import Synchronization
import TestSupport

/// One NATS server for all tests of a suite. The first test starts it.
final class SharedServer: Sendable {
    private let servers = Mutex<NATSServers?>(nil)

    /// Returns the server.
    func running() throws -> NATSServers {
        try servers.withLock { servers in
            if let servers { return servers }
            let started = try NATSServers()
            servers = started
            return started
        }
    }

    /// Connects to the server.
    func connect() throws -> Connection {
        try Connection(ConnectionOptions(servers: running().urls, name: "tests"))
    }
}
#endif
