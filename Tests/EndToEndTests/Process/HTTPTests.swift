import Client
import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `The HTTP endpoint` {
    static let anyPort = ["--http", "127.0.0.1:*"]

    @Test func `every counter of the status has a metric with the same value`() throws {
        let daemon = try DaemonProcess([model2] + Self.anyPort)
        let peer = try Peer(daemon)
        _ = try peer.decide("s1", values(9), cuts: [4, 1])
        try peer.feed("s1", [1, 2], sequence: 9)
        try peer.feed("s1", [1], sequence: 13)
        try peer.feed("s2", [.nan])
        try peer.send([Array("s2".utf8)])
        _ = try peer.decide("s2", [1])
        _ = try peer.control.call(.pause(.stream("s2")))
        #expect(throws: ClientError.self) { try peer.control.call(.reset(.stream("s3")), as: [String: Int].self) }

        let status = try peer.status()
        let scrape = try Scrape(daemon)

        #expect(status.timesteps == 12 && status.decisions == 12)
        #expect(scrape["sluice_messages_total"] == 8)
        #expect(scrape["sluice_timesteps_total"] == 12)
        #expect(scrape["sluice_decisions_total"] == 12)
        #expect(scrape["sluice_duplicates_total"] == 1)
        #expect(scrape["sluice_gaps_total"] == 1)
        #expect(scrape["sluice_faults_total"] == 0)
        for cause in DropCause.allCases {
            let expected: Double = [.nonFinite, .frames].contains(cause) ? 1 : 0
            #expect(scrape["sluice_dropped_total{cause=\"\(cause.rawValue)\"}"] == expected, "\(cause)")
        }
        #expect(scrape["sluice_streams"] == 2)
        #expect(scrape["sluice_streams_paused"] == 1)
        #expect(scrape["sluice_streams_asleep"] == 0)
        #expect(scrape["sluice_subscriber_overflows_total"] == 0)
        #expect(scrape[#"sluice_refused_connections_total{endpoint="control"}"#] == 0)
        // The peer made three successful requests: two for the status, and a pause. After the refused reset, the client
        // made two more requests to find the stream that was probably meant.
        #expect(scrape[#"sluice_control_requests_total{result="ok"}"#] == 5)
        #expect(scrape[#"sluice_control_requests_total{result="error"}"#] == 1)
        #expect(scrape["sluice_build_info{version=\"\(status.version)\"}"] == 1)
        let model = try #require(status.models.first)
        let labels = "name=\"model2\",fingerprint=\"\(model.fingerprint)\",mode=\"stateful\",file=\"\(model.file)\""
        #expect(scrape["sluice_model_info{\(labels)}"] == 1)
        #expect(try #require(scrape["sluice_resident_memory_bytes"]) > 1e6)
        let start = try #require(scrape["sluice_start_timestamp_seconds"])
        #expect(abs(start + status.uptimeSeconds - Date.now.timeIntervalSince1970) < 60)
        // These metrics are missing because there is no state folder.
        #expect(scrape["sluice_checkpoint_timestamp_seconds"] == nil && scrape["sluice_journal_bytes"] == nil)
    }

    @Test(arguments: ["checkpoint", "journal"])
    func `the metrics count each decision's latency once, and cover checkpoint and journal`(durability: String) throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(
            [model2, "--state-dir", folder.path, "--durability", durability, "--checkpoint-interval", "3600"]
                + Self.anyPort)
        let peer = try Peer(daemon)
        _ = try peer.decide("s", values(100), cuts: [1, 7, 30])

        let before = try Scrape(daemon)
        _ = try peer.control.call(.checkpoint)
        let after = try Scrape(daemon)

        #expect(before.buckets.count == 22)
        #expect(before.buckets == before.buckets.sorted())
        #expect(before.buckets.last == 100)
        #expect(before["sluice_decision_latency_seconds_count"] == 100)
        #expect(try #require(before["sluice_decision_latency_seconds_sum"]) > 0)
        #expect(before["sluice_journal_bytes"].map { $0 > 0 } == (durability == "journal" ? true : nil))
        #expect(before["sluice_journal_failed"] == (durability == "journal" ? 0 : nil))
        #expect(before["sluice_checkpoint_duration_seconds"] == nil)
        #expect(try #require(after["sluice_checkpoint_duration_seconds"]) > 0)
        #expect(after["sluice_checkpoint_failed"] == 0)
        let times = try [before, after].map { try #require($0["sluice_checkpoint_timestamp_seconds"]) }
        #expect(times[0] < times[1])
    }

    @Test(.enabled(if: Prometheus.isInstalled, "needs Debian's package prometheus"))
    func `promtool finds no faults in the metrics`() throws {
        let folder = try TemporaryFolder()
        let model = "a \"b\\\nc"
        let text = """
            models: {"a \\"b\\\\\\nc": {file: \(model2)}}
            state: {dir: state, durability: journal}
            """
        let daemon = try DaemonProcess(["--config", try folder.write(text, to: "sluice.yaml")] + Self.anyPort)
        let peer = try Peer(daemon)
        try #require(try peer.status().models.map(\.name) == [model])
        _ = try peer.decide("s", [1])
        _ = try peer.control.call(.checkpoint)

        let verdict = try Prometheus.check(try Scrape(daemon).text)

        #expect(verdict.status == 0, "\(verdict.complaints)")
        #expect(verdict.complaints.isEmpty)
    }

    @Test(.enabled(if: Prometheus.isInstalled, "needs Debian's package prometheus"))
    func `a real Prometheus server scrapes the number of timesteps`() throws {
        let daemon = try DaemonProcess([model2] + Self.anyPort)
        let prometheus = try RunningPrometheus(scraping: daemon.http)
        let peer = try Peer(daemon)
        _ = try peer.decide("s", values(1234), cuts: [100])

        let value = try eventually { () -> String? in
            let value = try prometheus.value(of: "sluice_timesteps_total")
            return value == "1234" ? value : nil
        }

        #expect(value == "1234", "\(prometheus.log)")
        #expect(try prometheus.value(of: "sluice_decision_latency_seconds_count") == "1234")
        #expect(try prometheus.value(of: "up") == "1")
    }

    @Test func `the daemon reports health and readiness, but only to GET and HEAD`() throws {
        let daemon = try DaemonProcess([model2] + Self.anyPort)

        #expect(try HTTPReply("GET", "/healthz", at: daemon.http).status == 200)
        let ready = try HTTPReply("GET", "/readyz", at: daemon.http)
        #expect(ready.status == 200 && ready.body == "ready\n")
        let head = try HTTPReply("HEAD", "/readyz", at: daemon.http)
        #expect(head.status == 200 && head.body.isEmpty)
        #expect(head.headers["content-length"] == ready.headers["content-length"])
        let post = try HTTPReply("POST", "/metrics", at: daemon.http)
        #expect(post.status == 405 && post.headers["allow"] == "GET, HEAD")
        #expect(try HTTPReply("GET", "/nowhere", at: daemon.http).status == 404)
        #expect(try Peer(daemon).status().endpoints.http == daemon.http)
    }

    @Test func `the daemon reports that it is not ready while it stops`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(
            [model2, "--state-dir", folder.path] + Self.anyPort, ingest: ["pull:@tcp://127.0.0.1:*"])
        let peer = try Peer(daemon)
        // Send so many timesteps that the stop, which consumes them, takes longer than a request.
        for _ in 0..<10_000 { try peer.feed("s", values(20)) }
        kill(daemon.processIdentifier, SIGTERM)

        let stopping = eventually { () -> String? in
            guard let reply = try? HTTPReply("GET", "/readyz", at: daemon.http) else { return "gone" }
            return reply.body == "stopping\n" ? "\(reply.status) stopping" : nil
        }

        #expect(stopping == "503 stopping")
        #expect(daemon.waitForEnd() == 0)
    }

    @Test func `new clients get answers, even beside many silent connections`() throws {
        let daemon = try DaemonProcess([model2] + Self.anyPort)
        let silent = try (0..<200).map { _ in try TCPConnection(daemon.http) }
        for path in ["/healthz", "/readyz", "/metrics"] {
            #expect(try HTTPReply("GET", path, at: daemon.http).status == 200)
        }
        withExtendedLifetime(silent) {}
    }

    @Test func `--http off opens no HTTP endpoint`() throws {
        let daemon = try DaemonProcess([model2, "--http", "off"])
        #expect(daemon.http == "off")
        #expect(try Peer(daemon).status().endpoints.http == nil)
    }

    @Test(arguments: ["text", "json"])
    func `an HTTP port in use is reported in one line`(format: String) throws {
        let first = try DaemonProcess([model2] + Self.anyPort)
        let free = ["--ingest", "--decisions", "--control"].flatMap { [$0, "@tcp://127.0.0.1:*"] }
        let second = try FinishedProgram(
            "sluiced", [model2, "--http", first.http, "--log-format", format] + free)
        #expect(second.status == 75)
        let complaint = try #require(second.errorOutput.split(separator: "\n").last)
        #expect(complaint.hasPrefix(format == "json" ? "{" : "sluiced: "))
        #expect(complaint.contains("in use by another program, perhaps another sluiced: http \(first.http)"))
        #expect(!second.errorOutput.contains("ready"))
    }

    @Test(arguments: ["5553", "127.0.0.1", "example.org:80", "127.0.0.1:99999", "[127.0.0.1]:1", "::1:80", ""])
    func `an invalid HTTP endpoint is refused`(text: String) throws {
        #expect(try FinishedProgram("sluiced", [model2, "--http", text]).status == 64)
    }
}
