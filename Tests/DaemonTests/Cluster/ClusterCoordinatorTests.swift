#if Cluster
import Cluster
import NATS
import Testing
import Wire

@testable import Daemon

@Suite struct `The coordinator of a node` {
    private let bucket = KeyValue(bucket: ClusterNames.members)

    @Test func `a node that was killed and starts again counts the restart in its first heartbeat`() throws {
        let server = try ClusterServer(partitions: 1)
        _ = try StreamInformation(server.ask(JetStream.create(bucket.configuration(replicas: 1))))
        let subject = bucket.subject(of: NodeName.key(of: "n1"))
        let heartbeat = Heartbeat(incarnation: 7, presence: .member, restarts: 1, program: "tests")
        let old = try server.publish(heartbeat.json, to: subject)

        let node = try TestNode()
        let connection = try node.connect(to: server)
        let logger = node.logger
        let coordinator = ClusterCoordinator(Membership(node: "n1", incarnation: 8, partitions: 1))
        let part = RunningPart({ () throws(DaemonError) in
            do throws(NATSError) {
                _ = try coordinator.run(at: .init(), over: connection, workers: [], watchdog: nil, logger: logger)
            } catch {
                throw DaemonError(.software, error.description)
            }
        }) { coordinator.post(.leave) }

        try wait { try server.state(of: bucket.stream).lastSequence > old }
        // Each key has one message, so this is the node's last heartbeat.
        let stored = try #require(try server.payloads(of: bucket.stream).last)
        let first = try Heartbeat(json: stored, node: "n1", partitions: 1)
        #expect(first.incarnation == 8 && first.restarts == 2)
        try part.stop()
    }
}
#endif
