#if Cluster
import Client
import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `The pages of a node of a cluster` {
    private static let options = [model2, "--http", "127.0.0.1:*"]

    private func status(_ path: String, _ node: DaemonProcess) throws -> Int {
        try HTTPReply("GET", path, at: node.http).status
    }

    @Test func `a node is ready once it serves its partitions level with their logs`() throws {
        let cluster = try TestCluster(Self.options)
        for node in cluster.nodes {
            let ready: Bool? = eventually { (try? status("/readyz", node)) == 200 ? true : nil }
            #expect(ready == true)
            #expect(try status("/healthz", node) == 200)
        }
        // It serves other weights than the cluster, so it is a member without partitions.
        try cluster.start([model2, "--threshold", "0.9", "--http", "127.0.0.1:*"])
        let late = cluster.nodes[2]
        // Before its first heartbeat comes back, it gives another reason.
        let isJoining: Bool? = eventually {
            let reply = try? HTTPReply("GET", "/readyz", at: late.http)
            return reply?.status == 503 && reply?.body.contains("it is joining") ?? false ? true : nil
        }
        #expect(isJoining == true)
    }

    @Test func `the owners' counters add up to what producers sent, also after a take-over`() throws {
        let cluster = try TestCluster(Self.options)
        let peer = try Peer(cluster.nodes[0])
        for number in 0..<20 { _ = try peer.decide("s\(number)", values(10, seed: number)) }
        try peer.send([Array("s0".utf8)])
        try peer.feed("s0", [.nan])
        let names = ["timesteps", "decisions"].map { "sluice_\($0)_total" }
        let counted: [Double]? = try eventually {
            let sums = try names.map { name in try cluster.nodes.reduce(0) { try $0 + Scrape($1).sum(name) } }
            return sums == [200, 200] ? sums : nil
        }
        #expect(counted == [200, 200])
        let labels = try cluster.nodes.reduce(0) { try $0 + Scrape($1).sum("sluice_model_decisions_total") }
        #expect(labels == 200)
        let dropped: Double? = try eventually {
            let scrapes = try cluster.nodes.map { try Scrape($0) }
            let causes = [#"{cause="frames"}"#, #"{cause="non_finite"}"#]
            let total = scrapes.reduce(0) { sum, scrape in
                sum + causes.reduce(0) { $0 + (scrape["sluice_dropped_total" + $1] ?? 0) }
            }
            return total == 2 ? total : nil
        }
        #expect(dropped == 2)
        #expect(try Scrape(cluster.nodes[0])["sluice_messages_total"] ?? 0 > 20)

        let killed = try cluster.killOwner(of: "s1")
        let other = cluster.nodes[1 - killed]
        let served: Bool? = try eventually {
            let scrape = try Scrape(other)
            let isServing = (0..<cluster.partitions).allSatisfy {
                scrape["sluice_partition_state{partition=\"\($0)\",state=\"serving\"}"] == 1
            }
            return isServing && scrape["sluice_cluster_unowned_partitions"] == 0 ? true : nil
        }
        #expect(served == true)
        let scrape = try Scrape(other)
        // The replay of the dead node's timesteps is not counted again.
        #expect(scrape.sum("sluice_timesteps_total") <= 200)
        #expect(scrape.sum("sluice_partition_claims_total") >= Double(cluster.partitions))
        #expect(scrape.sum("sluice_partition_lag_messages") == 0)
        #expect(scrape["sluice_cluster_nodes{standing=\"dead\"}"] == 1)
        for part in ["claim", "restore", "replay"] {
            let name = "sluice_partition_take_over_seconds{partition=\"0\",part=\"\(part)\"}"
            #expect(try #require(scrape[name]) >= 0)
        }
    }

    @Test(.enabled(if: Prometheus.isInstalled, "needs Debian's package prometheus"))
    func `promtool finds no faults in the metrics of a node`() throws {
        let cluster = try TestCluster(Self.options, nodes: 1, partitions: 2)
        let peer = try Peer(cluster.nodes[0])
        _ = try peer.decide("s", values(10))
        let verdict = try Prometheus.check(try Scrape(cluster.nodes[0]).text)
        #expect(verdict.status == 0 && verdict.complaints.isEmpty, "\(verdict.complaints)")
    }

    @Test func `the page's events show the cluster, and its requests reach the node`() throws {
        let cluster = try TestCluster(Self.options)
        let node = cluster.nodes[0]
        // The node learns from heartbeats what the others serve.
        let event = try #require(
            eventually {
                let event = try? EventReader(node).nextStatus()
                let partitions = event?.cluster?.partitions ?? []
                let isLevel = partitions.allSatisfy {
                    $0.state == "serving" && ($0.owner == "n1") == ($0.lagSeconds == 0)
                }
                return isLevel && !partitions.isEmpty ? event : nil
            })
        let shown = try #require(event.cluster)
        #expect(event.latency == nil && event.status.endpoints.http == node.http)
        #expect(shown.node == "n1" && shown.nodes.map(\.name) == ["n1", "n2"])
        #expect(shown.nodes.map(\.http) == cluster.nodes.map { "http://\($0.http)" })
        #expect(shown.partitions.count == 4)
        let page = try HTTPReply("GET", "/", at: node.http)
        #expect(page.status == 200 && page.headers["content-security-policy"]?.contains("default-src 'none'") == true)
        // Without the token, a page changes nothing.
        let reply = try HTTPReply(
            "POST", "/api/call", at: node.http, ["Content-Type": "application/json"],
            body: #"{"method": "reset", "params": {"all": true}}"#)
        #expect(reply.status == 403)
    }
}
#endif
