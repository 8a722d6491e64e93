package import Foundation
import Glibc
import Synchronization

/// One or several real NATS servers with JetStream, on free ports of this machine and with their files in a temporary
/// folder. They end with this object, and also if the process of the tests dies.
package final class NATSServers: Sendable {
    /// The failure to start servers.
    package struct Failure: Error, CustomStringConvertible {
        /// The problem and the remedy.
        package let description: String
    }

    /// The settings of the servers.
    package struct Options: Sendable {
        /// Further lines of the servers' configuration, such as users or TLS.
        package var configuration = ""
        /// Whether the servers have JetStream.
        package var hasJetStream = true
        /// When the servers write to the disk, such as `always`; nil for their own choice of every 2 minutes.
        package var syncInterval: String?
        /// The program; nil to search for it.
        package var program: String?

        /// Creates the usual settings.
        package init() {}
    }

    private let options: Options
    private let program: String
    private let folder: TemporaryFolder
    private let ports: [UInt16]
    private let clusterPorts: [UInt16]
    private let monitorPorts: [UInt16]
    private let processes: Mutex<[GuardedProcess?]>

    /// Starts servers, and waits until JetStream is ready.
    ///
    /// - Parameters:
    ///   - count: The number of servers; several form a cluster.
    ///   - options: The settings of all servers.
    /// - Throws: ``Failure`` if the program is missing, or the servers are not ready within a minute.
    package init(_ count: Int = 1, _ options: Options = Options()) throws {
        self.options = options
        program = try options.program ?? Self.installed()
        folder = try TemporaryFolder()
        let free = FreePort.reserve(count * 3)
        ports = Array(free[..<count])
        clusterPorts = Array(free[count..<2 * count])
        monitorPorts = Array(free[(2 * count)...])
        processes = Mutex(Array(repeating: nil, count: count))
        for server in 0..<count { try start(server) }
        try waitUntilReady()
    }

    deinit {
        for server in ports.indices { kill(server) }
    }

    /// The URL of each server.
    package var urls: [String] { ports.map { "nats://127.0.0.1:\($0)" } }

    /// The identifiers of the servers' processes; 0 for a server that does not run.
    package var processIdentifiers: [Int32] { processes.withLock { $0.map { $0?.processIdentifier ?? 0 } } }

    /// Returns the log of a server so far.
    package func log(_ server: Int) -> String {
        (try? String(contentsOf: folder.url("log\(server)"), encoding: .utf8)) ?? ""
    }

    /// Returns the URL of a server's folder for streams.
    package func storage(_ server: Int) -> URL { folder.url("js\(server)") }

    // MARK: Faults

    /// Ends a server as a crash does, with SIGKILL, and waits for its end.
    package func kill(_ server: Int) {
        processes.withLock { processes in
            processes[server]?.kill()
            processes[server] = nil
        }
    }

    /// Freezes a server with SIGSTOP. Its connections stay open.
    package func freeze(_ server: Int) { signal(server, SIGSTOP) }

    /// Lets a frozen server go on.
    package func thaw(_ server: Int) { signal(server, SIGCONT) }

    /// Asks a server to end in an orderly way, and waits for its end.
    package func stop(_ server: Int) {
        processes.withLock { processes in
            processes[server]?.signal(SIGTERM)
            processes[server]?.waitUntilExit()
            processes[server] = nil
        }
    }

    /// Starts a server that was killed or stopped, with its files and its port. Does not wait until it is ready.
    ///
    /// - Parameters:
    ///   - server: The server.
    ///   - lines: Lines of configuration in place of those in the options.
    /// - Throws: Foundation's error if the server cannot be started.
    package func start(_ server: Int, configuration lines: String? = nil) throws {
        let log = folder.path("log\(server)")
        if !FileManager.default.fileExists(atPath: log) { _ = try folder.write("", to: "log\(server)") }
        let configuration = try configuration(of: server, lines ?? options.configuration)
        try processes.withLock {
            $0[server] = try GuardedProcess(program, ["--config", configuration], log: URL(filePath: log))
        }
    }

    private func signal(_ server: Int, _ number: Int32) {
        processes.withLock { $0[server]?.signal(number) }
    }

    // MARK: Readiness

    /// Waits until every running server is ready, and the cluster has a leader.
    ///
    /// - Throws: ``Failure`` with the end of the servers' logs after a minute.
    package func waitUntilReady() throws {
        let deadline = ContinuousClock.now + .seconds(60)
        let running = ports.indices.filter { server in processes.withLock { $0[server] != nil } }
        while !running.allSatisfy(isReady) {
            let ended = running.first { server in processes.withLock { $0[server]?.isRunning != true } }
            if ended != nil || ContinuousClock.now > deadline {
                throw Failure(description: "the NATS servers are not ready: \(running.map { log($0).suffix(2_000) })")
            }
            usleep(10_000)
        }
    }

    private func isReady(_ server: Int) -> Bool {
        let path = options.hasJetStream ? "/healthz" : "/healthz?js-server-only=true"
        let reply = try? HTTPReply("GET", path, at: "127.0.0.1:\(monitorPorts[server])")
        guard reply?.status == 200 else { return false }
        guard options.hasJetStream, ports.count > 1 else { return true }
        // A server may be healthy before the cluster has elected the leader that creates streams.
        guard let state = try? HTTPReply("GET", "/jsz", at: "127.0.0.1:\(monitorPorts[server])").body else {
            return false
        }
        return state.contains("\"leader\": ") && !state.contains("\"leader\": \"\"")
    }

    // MARK: Configuration

    private func configuration(of server: Int, _ further: String) throws -> String {
        var lines = [
            "server_name: s\(server)", "listen: \"127.0.0.1:\(ports[server])\"",
            "http: \"127.0.0.1:\(monitorPorts[server])\"",
            further,
        ]
        if options.hasJetStream {
            let sync = options.syncInterval.map { ", sync_interval: \($0)" } ?? ""
            lines.append("jetstream: {store_dir: \"\(storage(server).path)\"\(sync)}")
        }
        if ports.count > 1 {
            let routes = clusterPorts.map { "\"nats://127.0.0.1:\($0)\"" }.joined(separator: ", ")
            lines.append("cluster: {name: tests, listen: \"127.0.0.1:\(clusterPorts[server])\", routes: [\(routes)]}")
        }
        return try folder.write(lines.joined(separator: "\n") + "\n", to: "server\(server).conf")
    }

    /// Returns the path of the program `nats-server`: `NATS_SERVER`, or the one that `tools/make/nats-server` installs.
    ///
    /// - Throws: ``Failure`` if there is none.
    private static func installed() throws -> String {
        let project = Fixtures.folder.deletingLastPathComponent().deletingLastPathComponent()
        let usual = project.appending(path: ".build/nats/bin/nats-server").path
        let program = ProcessInfo.processInfo.environment["NATS_SERVER"] ?? usual
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw Failure(
                description: "no NATS server at \(program): run tools/make/nats-server, or set NATS_SERVER")
        }
        return program
    }
}
