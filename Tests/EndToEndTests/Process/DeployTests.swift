import Foundation
import TestSupport
import Testing
import Yams

@Suite struct `The systemd unit` {
    static let analyze = "/usr/bin/systemd-analyze"

    /// Writes a copy of the unit, changed to start the daemon under test. Returns the path of the copy.
    private func unit(in folder: TemporaryFolder) throws -> String {
        let text = try Deploy.text("systemd/sluiced.service")
        let program = RunningProgram.folder.appending(path: "sluiced").path
        return try folder.write(
            text.replacing("ExecStart=/usr/bin/sluiced", with: "ExecStart=\(program)"), to: "sluiced.service")
    }

    @Test(.enabled(if: Deploy.isHere(analyze))) func `systemd accepts the unit without a warning`() throws {
        let folder = try TemporaryFolder()
        let arguments = ["verify", "--man=no", "--recursive-errors=no", try unit(in: folder)]
        let ended = try FinishedProgram(Self.analyze, arguments)
        #expect(ended.status == 0)
        #expect(ended.errorOutput.split(separator: "\n").filter { $0.contains("sluiced.service") } == [])
    }

    @Test(.enabled(if: Deploy.isHere(analyze)))
    func `systemd rates the exposure of the unit at 1.5 or less out of 10`() throws {
        let folder = try TemporaryFolder()
        let arguments = ["security", "--offline=true", "--threshold=15", try unit(in: folder)]
        let ended = try FinishedProgram(Self.analyze, arguments)
        #expect(ended.status == 0, "\(ended.output)")
    }

    @Test func `the unit does not restart the daemon after a failure that a restart cannot fix`() throws {
        let unit = try Deploy.text("systemd/sluiced.service")
        let prevented = try #require(unit.firstMatch(of: #/RestartPreventExitStatus=(.*)/#)).1.split(separator: " ")
        #expect(try FinishedProgram("sluiced", []).status == 64)
        #expect(prevented == ["64", "65", "66", "78"])
    }
}

@Suite struct `The packaged configuration` {
    @Test func `the packaged configuration is valid`() throws {
        try Deploy.check(configuration: try Deploy.text("sluice.yaml"))
    }

    @Test func `the packaged configuration is valid with all commented-out options enabled`() throws {
        // A prose comment begins with # and one space. A commented-out option begins with # and no space.
        let text = try Deploy.text("sluice.yaml").replacing(#/(?m)^#(?! \S)(?=.)/#, with: "")
        #expect(text.contains("\ningest:") && text.contains("\n    prefixes: "))
        try Deploy.check(configuration: text)
    }

    @Test func `the packaged configuration names every key, and every default that is a value`() throws {
        struct Key: Decodable { let path: String }
        let dump = try FinishedProgram("sluiced", ["--dump-keys"])
        let keys = try JSONDecoder().decode([Key].self, from: Data(dump.output.utf8))
        let page = try Deploy.text("../Sources/sluice/Sluice.docc/Configuration.md")
        let sample = try Deploy.text("sluice.yaml")
        for key in keys {
            let name = try #require(key.path.split(separator: ".").last)
            #expect(sample.contains("\(name):"), "\(key.path) is missing")
            let row = page.firstMatch(of: try Regex("(?m)^\\| `\(key.path)` \\| [^|]* \\| ([^|]*) \\|"))
            let usual = try #require(row?.output[1].substring, "\(key.path)")
            // The values of the key in comments, either on a line of their own or within a mapping.
            let values = sample.matches(
                of: try Regex("(?m)^#(?! \\S).*\\b\(name): \"?([^{\\[,}\"\\n]+)", as: (Substring, Substring).self))
            guard usual != "none", !values.isEmpty else { continue }
            #expect(values.contains { usual.hasPrefix($0.1) }, "\(key.path): the default is \(usual)")
        }
        #expect(keys.count > 40)
    }
}

@Suite struct `The Kubernetes manifests` {
    private let documents: [Node]

    init() throws {
        documents = Array(try Yams.compose_all(yaml: try Deploy.text("kubernetes/sluice.yaml")))
    }

    private func document(_ kind: String) throws -> Node {
        try #require(documents.first { $0["kind"]?.string == kind })
    }

    private func container() throws -> Node {
        try #require(try document("StatefulSet")["spec"]?["template"]?["spec"]?["containers"]?[0])
    }

    private func ports(of list: Node?, _ key: String) -> [String: Int] {
        let pairs = (list?.array() ?? []).map { ($0["name"]?.string ?? "", $0[key]?.int ?? 0) }
        return Dictionary(pairs) { first, _ in first }
    }

    @Test func `the manifests configure a daemon that starts, with keys at their mounts`() throws {
        let folder = try TemporaryFolder()
        let mounts = try #require(try container()["volumeMounts"]?.array()).compactMap { $0["mountPath"]?.string }
        let clients = mounts.filter { $0.hasPrefix("/etc/sluice/clients/") }
        #expect(clients.count == 3)
        for mount in clients + ["/etc/sluice/keys"] {
            let path = folder.path(String(mount.dropFirst("/etc/sluice/".count)))
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        #expect(try FinishedProgram("sluice", ["keygen", folder.path("keys/daemon")]).status == 0)
        let text = try #require(try document("ConfigMap")["data"]?["sluice.yaml"]?.string)
        try Deploy.check(configuration: text.replacing("/etc/sluice/", with: folder.path("")))
    }

    @Test func `the manifests have the daemon's default ports`() throws {
        let ports = try Deploy.defaultPorts()
        #expect(self.ports(of: try container()["ports"], "containerPort") == ports)
        #expect(self.ports(of: try document("Service")["spec"]?["ports"], "port") == ports)
        let annotations = try document("StatefulSet")["spec"]?["template"]?["metadata"]?["annotations"]
        #expect(annotations?["prometheus.io/port"]?.string == ports["http"].map(String.init))
        #expect(annotations?["prometheus.io/path"]?.string == "/metrics")
    }

    @Test func `the probes request the readiness and health pages`() throws {
        let daemon = try DaemonProcess([model2, "--http", "127.0.0.1:0"])
        for (probe, path) in [
            ("startupProbe", "/readyz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz"),
        ] {
            let asked = try container()[probe]?["httpGet"]
            #expect(asked?["path"]?.string == path)
            #expect(asked?["port"]?.string == "http")
            #expect(try HTTPReply("GET", path, at: daemon.http).status == 200)
        }
    }

    @Test func `the daemon answers under each host name that Prometheus uses`() throws {
        let text = try #require(try document("ConfigMap")["data"]?["sluice.yaml"]?.string)
        let hosts = try #require(try Yams.compose(yaml: text)?["http"]?["hosts"]?.array()).compactMap(\.string)
        let service = try #require(try document("Service")["metadata"]?["name"]?.string)
        // The file has the target inside the cluster only in a comment, which the pattern also matches.
        let scrape = try Deploy.text("prometheus/scrape.yml")
        let targets = scrape.matches(of: #/targets: \["(.+)"\]/#).map { String($0.1) }
        #expect(targets.contains { $0.hasPrefix("\(service).") } && targets.contains { $0.hasPrefix("127.0.0.1:") })

        let flags = hosts.flatMap { ["--http-host", $0] }
        let daemon = try DaemonProcess([model2, "--http", "127.0.0.1:0"] + flags)
        for host in targets + [service, "10.1.2.3:5553"] {
            let connection = try TCPConnection(daemon.http)
            try connection.send("GET /readyz HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n")
            #expect(try connection.receiveAll().hasPrefix("HTTP/1.1 200 "), "\(host)")
        }
    }

    @Test func `the manifests allow only the necessary rights, and keep the state on a disk`() throws {
        let pod = try #require(try document("StatefulSet")["spec"]?["template"]?["spec"])
        #expect(pod["securityContext"]?["runAsNonRoot"]?.bool == true)
        #expect(try container()["securityContext"]?["readOnlyRootFilesystem"]?.bool == true)
        #expect(try container()["securityContext"]?["allowPrivilegeEscalation"]?.bool == false)

        let mounts = try #require(try container()["volumeMounts"]?.array())
        let claims = try #require(try document("StatefulSet")["spec"]?["volumeClaimTemplates"]?.array())
        let volumes = try #require(pod["volumes"]?.array())
        let kept = claims.compactMap { $0["metadata"]?["name"]?.string }
        #expect(mounts.first { $0["mountPath"]?.string == "/var/lib/sluice" }?["name"]?.string == kept.first)
        let names = kept + volumes.compactMap { $0["name"]?.string }
        #expect(Set(mounts.compactMap { $0["name"]?.string }) == Set(names))
    }
}

@Suite struct `The Dockerfile` {
    @Test func `the image runs the daemon without root or a shell, and exposes its default ports`() throws {
        let lines = try Deploy.text("docker/Dockerfile").split(separator: "\n").map(String.init)
        func last(_ instruction: String) throws -> Substring {
            let line = try #require(lines.last { $0.hasPrefix("\(instruction) ") })
            return line.dropFirst(instruction.count + 1)
        }
        let user = try #require(Int(try last("USER").prefix { $0 != ":" }))
        #expect(user > 0)
        let health = try #require(try last("HEALTHCHECK").firstMatch(of: #/ CMD (.*)/#)).1
        for command in [try last("ENTRYPOINT"), try last("CMD"), health] {
            #expect(try JSONDecoder().decode([String].self, from: Data(command.utf8)).isEmpty == false)
        }
        let ports = try last("EXPOSE").split(separator: " ").compactMap { Int($0) }
        #expect(ports == (try Deploy.defaultPorts().values.sorted()))
    }
}

@Suite struct `The Prometheus rules and the Grafana dashboard` {
    static let promtool = "/usr/bin/promtool"
    static let files = ["prometheus/rules.yml", "prometheus/rules_test.yml", "grafana/sluice.json"]

    @Test(
        .enabled(if: Deploy.isHere(promtool)),
        arguments: [
            ["check", "config", "prometheus/scrape.yml"], ["check", "rules", "prometheus/rules.yml"],
            ["test", "rules", "prometheus/rules_test.yml"],
        ])
    func `the rules are well formed, and alert exactly when they should`(arguments: [String]) throws {
        let ended = try FinishedProgram(Self.promtool, arguments.dropLast() + [Deploy.path(arguments[2])])
        #expect(ended.status == 0, "\(ended.output)\n\(ended.errorOutput)")
        #expect(!ended.output.contains("0 rules found"))
    }

    @Test(arguments: files) func `the rules and the dashboard use only metrics of the daemon`(file: String) throws {
        // Start the daemon with all optional parts, so that it exposes every metric: a state folder, a checkpoint and a
        // journal.
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path("state"), "--durability", "journal"]
        let daemon = try DaemonProcess(arguments + ["--http", "127.0.0.1:0"])
        let control = daemon.control.replacing("@", with: "")
        #expect(try FinishedProgram("sluice", ["checkpoint", "--control", control]).status == 0)
        // The first question begins the count of streams by label.
        _ = try HTTPReply("GET", "/metrics", at: daemon.http)
        let exposed = try self.exposed(by: daemon).union(exposedByNode())
        // Remove the suffixes that only a histogram's metrics have.
        let named = Set(
            try Deploy.text(file).matches(of: #/\bsluice_\w+/#).map { match in
                String(match.0.replacing(#/_(bucket|count|sum)$/#, with: ""))
            })
        #expect(named.count > 10)
        let unknown = named.subtracting(exposed)
        #expect(unknown.isEmpty)
    }

    /// Returns the names of a daemon's metrics.
    private func exposed(by daemon: DaemonProcess) throws -> Set<String> {
        let text = try HTTPReply("GET", "/metrics", at: daemon.http).body
        return Set(text.matches(of: #/(?m)^# TYPE (\S+) /#).map { String($0.1) })
    }

    /// Returns the names of the metrics of a node that has written a checkpoint.
    private func exposedByNode() throws -> Set<String> {
        #if Cluster
        let cluster = try TestCluster([model2, "--http", "127.0.0.1:*"], nodes: 1, partitions: 1)
        _ = try Peer(cluster.nodes[0]).decide("s", values(3))
        let size = "sluice_partition_checkpoint_bytes"
        return try #require(
            try eventually { try exposed(by: cluster.nodes[0]).contains(size) ? exposed(by: cluster.nodes[0]) : nil })
        #else
        // This build has no cluster, so it cannot tell which metrics a node has.
        let files = try Self.files.map { try Deploy.text($0) }.joined()
        let names = files.matches(of: #/\bsluice_(cluster|partition|gateway|outlet|take_overs)\w*/#)
        return Set(names.map { String($0.0) })
        #endif
    }

    @Test func `each panel of the dashboard has an expression and a description`() throws {
        struct Dashboard: Decodable {
            struct Panel: Decodable {
                struct Target: Decodable { let expr: String }
                let id: Int
                let type: String
                let description: String?
                let targets: [Target]?
            }
            let panels: [Panel]
        }
        let data = Data(try Deploy.text("grafana/sluice.json").utf8)
        let panels = try JSONDecoder().decode(Dashboard.self, from: data).panels
        #expect(Set(panels.map(\.id)).count == panels.count)
        for panel in panels where panel.type != "row" {
            #expect(panel.description?.isEmpty == false)
            #expect(panel.targets?.isEmpty == false)
        }
    }
}
