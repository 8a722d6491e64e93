#if Cluster
import Foundation
import TestSupport
import Testing
import Yams

@Suite struct `The Kubernetes manifests of a cluster` {
    private let documents: [Node]
    private let values: Node

    init() throws {
        documents = Array(try Yams.compose_all(yaml: try Deploy.text("kubernetes/cluster.yaml")))
        values = try #require(try Yams.compose(yaml: try Deploy.text("kubernetes/nats-values.yaml")))
    }

    private func document(_ kind: String) throws -> Node {
        try #require(documents.first { $0["kind"]?.string == kind })
    }

    private func pod(_ kind: String) throws -> Node {
        try #require(try document(kind)["spec"]?["template"]?["spec"])
    }

    private func configuration() throws -> String {
        try #require(try document("ConfigMap")["data"]?["sluice.yaml"]?.string)
    }

    private func strings(_ list: Node?) -> [String] { list?.array().compactMap(\.string) ?? [] }

    @Test func `the manifests configure a node that starts, with keys at their mounts`() throws {
        let folder = try TemporaryFolder()
        let container = try pod("StatefulSet")["containers"]?[0]
        let mounts = try #require(container?["volumeMounts"]?.array()).compactMap { $0["mountPath"]?.string }
        for mount in mounts where mount.hasPrefix("/etc/sluice/clients/") || mount == "/etc/sluice/keys" {
            let path = folder.path(String(mount.dropFirst("/etc/sluice/".count)))
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        #expect(try FinishedProgram("sluice", ["keygen", folder.path("keys/daemon")]).status == 0)
        try Deploy.check(configuration: try configuration().replacing("/etc/sluice/", with: folder.path("")))
        #expect(strings(container?["args"]) == ["--config", "/etc/sluice/sluice.yaml", "--node", "$(POD_NAME)"])
        #expect(container?["env"]?[0]?["valueFrom"]?["fieldRef"]?["fieldPath"]?.string == "metadata.name")
    }

    @Test func `nodes and the creation of the cluster use each NATS server of the chart's values`() throws {
        let replicas = try #require(values["config"]?["cluster"]?["replicas"]?.int)
        let servers = (0..<replicas).map { "tls://nats-\($0).nats-headless:4222" }.joined(separator: ",")
        let cluster = try #require(try Yams.compose(yaml: try configuration())?["cluster"])
        #expect(cluster["servers"]?.string == servers)
        let command = strings(try pod("Job")["containers"]?[0]?["command"])
        #expect(command.prefix(3) == ["/usr/bin/sluice", "cluster", "create"])
        #expect(command.contains("--nats=\(servers)") && command.contains("--replicas=\(replicas)"))
        #expect(command.contains("--nats-ca=\(cluster["ca"]?.string ?? "")"))
        // Without a server, the tool accepts the options and finds nobody.
        let options = command.dropFirst().filter { !$0.hasPrefix("--nats") } + ["--nats=nats://127.0.0.1:1"]
        #expect(try FinishedProgram("sluice", options).status == 69)
    }

    @Test func `the manifests have the daemon's default ports`() throws {
        let ports = try Deploy.defaultPorts()
        let lists = [
            (try pod("StatefulSet")["containers"]?[0]?["ports"], "containerPort"),
            (try document("Service")["spec"]?["ports"], "port"),
        ]
        for (list, key) in lists {
            let pairs = (list?.array() ?? []).map { ($0["name"]?.string ?? "", $0[key]?.int ?? 0) }
            #expect(Dictionary(uniqueKeysWithValues: pairs) == ports)
        }
        let annotations = try document("StatefulSet")["spec"]?["template"]?["metadata"]?["annotations"]
        #expect(annotations?["prometheus.io/port"]?.string == ports["http"].map(String.init))
    }

    @Test func `the probes request the readiness and health pages`() throws {
        let container = try #require(try pod("StatefulSet")["containers"]?[0])
        for (probe, path) in [
            ("startupProbe", "/readyz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz"),
        ] {
            #expect(container[probe]?["httpGet"]?["path"]?.string == path)
            #expect(container[probe]?["httpGet"]?["port"]?.string == "http")
        }
    }

    @Test(arguments: ["StatefulSet", "Job"])
    func `the manifests allow only the necessary rights and name only existing volumes`(kind: String) throws {
        let pod = try pod(kind)
        let container = try #require(pod["containers"]?[0])
        #expect(pod["securityContext"]?["runAsNonRoot"]?.bool == true)
        #expect(container["securityContext"]?["readOnlyRootFilesystem"]?.bool == true)
        #expect(container["securityContext"]?["allowPrivilegeEscalation"]?.bool == false)
        let mounted = container["volumeMounts"]?.array().compactMap { $0["name"]?.string } ?? []
        #expect(Set(mounted) == Set(pod["volumes"]?.array().compactMap { $0["name"]?.string } ?? []))
    }

    @Test func `the chart's values ask for safe storage and encryption`() throws {
        let config = try #require(values["config"])
        #expect(config["jetstream"]?["merge"]?["sync_interval"]?.string == "always")
        #expect(config["jetstream"]?["fileStore"]?["pvc"]?["enabled"]?.bool == true)
        #expect(config["nats"]?["tls"]?["enabled"]?.bool == true)
        #expect(config["cluster"]?["tls"]?["merge"]?["verify"]?.bool == true)
        #expect(config["merge"]?["00$include"]?.string == "accounts.conf")
    }
}

@Suite struct `The systemd unit of a node` {
    @Test func `a node tells systemd when it is ready, that it is alive, and when it stops`() throws {
        let servers = try NATSServers()
        let create = ["cluster", "create", "--nats", servers.urls[0], "--partitions", "1", "--replicas", "1"]
        #expect(try FinishedProgram("sluice", create).status == 0)
        let folder = try TemporaryFolder()
        let socket = try NotifySocket(folder.path("notify"))
        let endpoints = ["ingest", "decisions", "control"].flatMap { ["--\($0)", "ipc://\(folder.path($0))"] }
        let node = try RunningProgram(
            "sluiced", [model2, "--cluster", servers.urls[0], "--node", "n1"] + endpoints,
            environment: ["NOTIFY_SOCKET": folder.path("notify"), "WATCHDOG_USEC": "100000"])
        #expect(socket.next()?.hasPrefix("READY=1\nSTATUS=node n1, ") == true)
        for _ in 0..<3 { #expect(socket.next() == "WATCHDOG=1") }
        node.terminate()
        #expect(eventually { socket.next() == "STOPPING=1" ? true : nil } == true)
        #expect(node.waitForEnd() == 0)
        #expect(node.errorOutput.contains("1 of 3 replicas"))
    }

    @Test(.enabled(if: Deploy.isHere(`The systemd unit`.analyze)))
    func `systemd accepts the unit with the drop-in of a node`() throws {
        let folder = try TemporaryFolder()
        let program = RunningProgram.folder.appending(path: "sluiced").path
        let unit = try Deploy.text("systemd/sluiced.service")
        let path = try folder.write(
            unit.replacing("ExecStart=/usr/bin/sluiced", with: "ExecStart=\(program)"), to: "sluiced.service")
        let dropIns = folder.path("sluiced.service.d")
        try FileManager.default.createDirectory(atPath: dropIns, withIntermediateDirectories: true)
        _ = try folder.write(try Deploy.text("systemd/cluster.conf"), to: "sluiced.service.d/cluster.conf")
        let ended = try FinishedProgram(
            `The systemd unit`.analyze, ["verify", "--man=no", "--recursive-errors=no", path])
        #expect(ended.status == 0)
        #expect(ended.errorOutput.split(separator: "\n").filter { $0.contains("sluice") } == [])
    }

    @Test func `the drop-in's comment configures a node`() throws {
        let lines = try Deploy.text("systemd/cluster.conf").split(separator: "\n")
        let yaml = lines.filter { $0.hasPrefix("#   ") }.map { $0.dropFirst(4) }.joined(separator: "\n")
        #expect(yaml.hasPrefix("cluster:\n"))
        try Deploy.check(configuration: yaml + "\nmodels: {power: {file: model2.keras}}\n")
    }
}
#endif
