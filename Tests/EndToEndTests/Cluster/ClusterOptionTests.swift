#if Cluster
import NATS
import TestSupport
import Testing

/// Tests options that a node of a cluster refuses at its start, before it connects to NATS.
@Suite struct `An option that does not work in a cluster` {
    private static let refused = [
        (["--state-dir", "state"], "NATS stores the state"),
        (["--last-value"], "a node does not have the state of all streams"),
        (["--durability", "journal"], "the logs in NATS take its place"),
        (["--idle-after", "60"], "all streams stay in memory"),
        (["--max-streams", "10"], "no node counts the streams of all partitions"),
        (["--on-fault", "checkpoint"], "when the last checkpoint was"),
        (["--max-streams-per-partition", "0"], "must be at least 1"),
        (["--retained-messages", "1000000001"], "must be from 0 to 1000000000"),
    ]

    @Test(arguments: refused) func `the option is refused with the reason`(
        _ arguments: [String], _ reason: String
    ) throws {
        let ended = try FinishedProgram("sluiced", [model2, "--cluster", "nats://127.0.0.1:1"] + arguments)
        #expect(ended.status == 64 && ended.errorOutput.contains(reason), "\(ended.errorOutput)")
    }

    @Test func `a limit per partition needs a cluster`() throws {
        let ended = try FinishedProgram("sluiced", [model2, "--max-streams-per-partition", "10"])
        #expect(ended.status == 64 && ended.errorOutput.contains("need --cluster"), "\(ended.errorOutput)")
    }
}

/// Tests the streams of NATS that a node needs.
@Suite struct `The streams of a cluster` {
    @Test func `those of an earlier version are refused, until they are created again`() throws {
        let servers = try NATSServers()
        let create = ["cluster", "create", "--nats", servers.urls[0], "--partitions", "1", "--replicas", "1"]
        #expect(try FinishedProgram("sluice", create).status == 0)
        let connection = try Connection(ConnectionOptions(servers: servers.urls, name: "tests"))
        let earlier = StreamConfiguration(name: "CK", subjects: ["ck.*"])
        let changed = try StreamInformation(
            connection.request(JetStream.update(earlier), timeoutMilliseconds: 10_000))
        #expect(!changed.allowsDirect)

        let node = try FinishedProgram("sluiced", [model2, "--cluster", servers.urls[0], "--node", "n1"])
        #expect(node.status == 78 && node.errorOutput.contains("the stream CK cannot be used"), "\(node.errorOutput)")

        #expect(try FinishedProgram("sluice", create).status == 0)
        let repaired = try StreamInformation(
            connection.request(JetStream.streamInformation("CK"), timeoutMilliseconds: 10_000))
        #expect(repaired.allowsDirect)
    }
}
#endif
