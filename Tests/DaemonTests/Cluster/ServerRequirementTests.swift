#if Cluster
import NATS
import Testing

@testable import Daemon

@Suite struct `The NATS servers that a node accepts` {
    private func server(_ version: String) throws -> ServerInformation {
        let line = #"INFO {"server_name":"s1","version":"\#(version)","max_payload":1048576,"jetstream":true}"#
        return try #require(ServerInformation(line: Array(line.utf8)))
    }

    @Test(arguments: [
        ("2.12.0", false), ("2.12.0", true), ("2.12.0-RC.1", false), ("2.15.1", false), ("3.0.0", false),
    ])
    func `a node accepts version 2.12 and later`(version: String, acceptsUnsafe: Bool) throws {
        #expect(try ServerRequirement(acceptsUnsafe: acceptsUnsafe).warning(of: server(version)) == nil)
    }

    @Test(arguments: ["2.10.23", "2.11.11"])
    func `a node accepts an older version only with --unsafe-server, and warns`(version: String) throws {
        let error = try #require(throws: DaemonError.self) {
            try ServerRequirement(acceptsUnsafe: false).warning(of: server(version))
        }
        #expect(error.code == .configuration)
        #expect(error.description.contains(version) && error.description.contains("--unsafe-server"))
        let warning = try ServerRequirement(acceptsUnsafe: true).warning(of: server(version))
        #expect(warning?.contains(version) == true)
    }

    @Test(arguments: ["2.9.10", "2.10.22", "1.4.1", "unknown"], [false, true])
    func `a node never accepts a version before 2.10.23`(version: String, acceptsUnsafe: Bool) throws {
        let error = try #require(throws: DaemonError.self) {
            try ServerRequirement(acceptsUnsafe: acceptsUnsafe).warning(of: server(version))
        }
        #expect(error.code == .configuration)
        #expect(error.description.contains(version) && !error.description.contains("--unsafe-server"))
    }

    @Test(arguments: [(1, true), (2, true), (3, false), (5, false)])
    func `a node warns of logs with fewer than 3 replicas`(count: Int, warns: Bool) {
        #expect((ServerRequirement.warning(replicas: count) != nil) == warns)
    }
}
#endif
