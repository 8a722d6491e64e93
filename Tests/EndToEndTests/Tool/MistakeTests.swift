import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

/// Tests mistakes that people make. Each error must say what is wrong, where, and what to do next. Nothing may change.
@Suite struct `A plausible mistake` {
    private static let own =
        " --ingest @ipc://{here}/i --decisions @ipc://{here}/d --control @ipc://{here}/c --http off"
    private static let table = "stream,speed,power\nmachine-1,1,2\n"
    private static let publicKey = "curve\n  public-key = \"Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID\"\n"
    private static let secretKey = publicKey + "  secret-key = \"D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs\"\n"

    /// Returns a mistake in a configuration file that has one model and the given lines.
    private static func yaml(_ lines: String, _ words: String...) -> Mistake {
        Mistake(
            "sluiced --check-config --config {here}/s.yaml", 78, words: words,
            files: ["s.yaml": "models: {m: {file: \"{model}\"}}\n" + lines])
    }

    static let words = [
        Mistake("sluice statsu", 64, "no command 'sluice statsu'", "did you mean 'status'?"),
        Mistake("sluice help statsu", 64, "no command 'sluice statsu'", "did you mean 'status'?"),
        Mistake("sluice help bench enginee", 64, "'sluice bench enginee'", "did you mean 'engine'?"),
        Mistake("sluice status --contrl x", 64, "'--contrl'", "Did you mean '--control'?"),
        Mistake("sluiced {model} --stat-dir {here}/s", 64, "'--stat-dir'", "Did you mean '--state-dir'?"),
        Mistake("sluiced {model} --emit evry", 64, "'evry'", "--emit", "'every', 'last', 'change' or 'final'"),
        Mistake(
            "sluice status --control tpc://127.0.0.1:1", 64, "'tpc://127.0.0.1:1'", "did you mean 'tcp://127.0.0.1:1'?"),
        Mistake(
            "sluice status --control localhost:5552", 64, "'localhost:5552'", "did you mean 'tcp://localhost:5552'?"),
        Mistake("sluice watch --decisions 5551", 64, "--decisions", "'5551'", "did you mean 'tcp://127.0.0.1:5551'?"),
        Mistake("sluice pipe --ingest pull:/run/in", 64, "--ingest", "did you mean 'pull:ipc:///run/in'?"),
        Mistake("sluice status --control tcp://127.0.0.1", 64, "'tcp://127.0.0.1'", "a port from 1 to 65535"),
        Mistake("sluiced {model} {here}/second.keras", 64, "'{here}/second.keras'", "--config", "prefixes: [\"a-\"]"),
    ]

    static let configurations = [
        yaml("control: @tcp://127.0.0.1:1\n", "s.yaml:2: ", "'control'", "control: \"@tcp://127.0.0.1:1\""),
        yaml("ingest: [@tcp://127.0.0.1:1]\n", "s.yaml:2: ", "in quotes: \"@tcp://127.0.0.1:1\""),
        yaml("control: >tcp://127.0.0.1:1\n", "s.yaml:2: ", "control: \">tcp://127.0.0.1:1\""),
        yaml("control: localhost:5552\n", "s.yaml:2: ", "'control'", "did you mean 'tcp://localhost:5552'?"),
        yaml("control: \"@tcp://no-such-host:1\"\n", "control", "'no-such-host'", "such as @tcp://127.0.0.1:1"),
        yaml("control: \"@tcp://127.0.0.1:5551\"\n", "decisions and control", "5551", "--decisions and --control"),
        yaml("state: {dir: ~/state}\n", "s.yaml:2: ", "'dir'", "~", "write /"),
        yaml("state: {dir: ~}\n", "s.yaml:2: ", "'dir'", "write the path"),
        yaml("state:\n\tdir: a\n", "s.yaml:3: ", "tab", "indent with spaces"),
        yaml("state: {dir: a\n", "s.yaml:3: ", "bracket is not closed", "close it"),
        yaml("stat: {dir: a}\n", "s.yaml:2: ", "'stat'", "did you mean 'state'?"),
        yaml("log: {level: debg}\n", "s.yaml:2: ", "'level'", "did you mean 'debug'?"),
        yaml("state: {dir: a, interval: 5s}\n", "s.yaml:2: ", "'interval'", "write one without a unit"),
        Mistake(
            "sluiced --check-config --config {here}/s.yaml", 78, "s.yaml:3: ", "'b'", "'a'", "prefixes: [\"b-\"]",
            files: ["s.yaml": "models:\n  a: {file: a.keras}\n  b: {file: b.keras}\n"]),
        Mistake("sluiced --config {here}/s.yaml", 66, "{here}/s.yaml", "no such file", "check the path"),
    ]

    static let files = [
        Mistake("sluiced {here}/no.keras", 66, "{here}/no.keras", "no such file", "check the path"),
        Mistake("sluice predict {model} {here}/no.csv", 66, "{here}/no.csv", "no such file", "check the path"),
        Mistake(
            "sluice predict {model} {here}/m.csv --values sped,power", 65, "m.csv:1: ", "'sped'",
            "did you mean 'speed'?",
            files: ["m.csv": table]),
        Mistake(
            "sluice predict {model} {here}/m.csv", 66, "{here}/m.csv", "permission denied", "let this user read",
            files: ["m.csv": table], closed: ["m.csv"]),
        Mistake(
            "sluiced {model} --state-dir {here}/no" + own, 73, "{here}/no", "permission denied", "let the user",
            closed: ["no/"]),
        Mistake(
            "sluiced {model} --state-dir {here}/no/s" + own, 73, "{here}/no/s", "permission denied", "--state-dir",
            closed: ["no/"]),
        Mistake(
            "sluiced {model} --state-dir {here}/f" + own, 73, "{here}/f", "a file has this name", "--state-dir",
            files: ["f": ""]),
        Mistake("sluiced {model} --state-dir ~/s" + own, 78, "--state-dir '~/s'", "~", "write the whole path"),
        Mistake(
            "sluiced {model} --ingest @ipc://{here}/i --decisions @ipc://{here}/no/d --control @ipc://{here}/c", 73,
            "decisions at @ipc://{here}/no/d", "permission denied", "--decisions", closed: ["no/"]),
        Mistake(
            "sluiced {model} --ingest @ipc://{here}/i --decisions @ipc://{here}/d --control @ipc://{here}/gone/c", 73,
            "control at @ipc://{here}/gone/c", "create the folder {here}/gone/", "--control"),
        Mistake(
            "sluice keygen {here}/no/a", 73, "{here}/no/a.key", "permission denied", "another path", closed: ["no/"]),
        Mistake(
            "sluice convert {model} {here}/no/m.safetensors", 73, "{here}/no/m.safetensors", "permission denied",
            "another path", closed: ["no/"]),
        Mistake(
            "sluice status --server-key {here}/d.pub --key {here}/a.key", 66, "{here}/a.key", "permission denied",
            "owner",
            files: ["d.pub": publicKey, "a.key": secretKey], closed: ["a.key"]),
        Mistake(
            "sluice status --server-key {here}/d.key --key {here}/a.key", 65, "{here}/d.key", "secret key",
            "{here}/d.pub",
            files: ["d.key": secretKey, "a.key": secretKey]),
        Mistake(
            "sluice status --server-key {here}/d.pub --key {here}/d.pub", 65, "{here}/d.pub", "only a public key",
            "NAME.key", files: ["d.pub": publicKey]),
        Mistake("sluice status --key {here}/a.key", 64, "--server-key", "--key", "or neither"),
        Mistake("sluice status --control ipc://{here}/c", 69, "ipc://{here}/c", "no socket", "start sluiced"),
        Mistake(
            "sluiced {model} --state-dir {here}" + own, 65, "{here}/sluice.sqlite", "is damaged", "--on-damaged-state",
            files: ["sluice.sqlite": "this is not a database"]),
    ]

    @Test(arguments: words + configurations + files)
    func `the error says what is wrong, where and what to do, and nothing is written`(mistake: Mistake) throws {
        try mistake.make()
    }

    static let withDaemon = [
        Mistake("sluice reset mashine-1 --control {control}", 66, "no stream 'mashine-1'", "did you mean 'machine-1'?"),
        Mistake("sluice export machin-2 --control {control}", 66, "no stream 'machin-2'", "did you mean 'machine-"),
        Mistake("sluice stream zebra --control {control}", 66, "no stream 'zebra'", "run 'sluice streams'"),
        Mistake("sluice reload modl2 --control {control}", 64, "no model 'modl2'", "did you mean 'model2'?"),
        Mistake("sluice restore munday --control {control}", 66, "no snapshot 'munday'", "did you mean 'monday'?"),
        Mistake(
            "sluice restore monday mashine-1 --control {control}", 66, "'monday' has no stream 'mashine-1'",
            "did you mean 'machine-1'?"),
        Mistake(
            "sluice pipe {here}/m.csv --values speed,pwer --control {control}", 65, "m.csv:1: ", "'pwer'",
            "did you mean 'power'?", files: ["m.csv": table]),
        Mistake("sluice status --control {decisions}", 69, "{decisions}", "decisions endpoint", "--control"),
        Mistake("sluice status --control {ingest}", 69, "{ingest}", "ingest endpoint", "--control"),
        Mistake("sluice status --control tcp://{http}", 69, "{http}", "answers HTTP", "--control"),
        Mistake(
            "sluice watch --control {control} --decisions {control}", 69, "{control}", "control endpoint",
            "leave --decisions out"),
        Mistake(
            "sluice watch --control {control} --decisions {ingest}", 69, "{ingest}", "ingest endpoint",
            "leave --decisions out"),
        Mistake(
            "sluice pipe {here}/m.csv --values speed --control {control} --ingest {decisions}", 69, "{decisions}",
            "decisions endpoint", "leave --ingest out", files: ["m.csv": table]),
        Mistake(
            "sluice pipe {here}/m.csv --values speed --control {control} --ingest tcp://{http}", 69, "{http}",
            "answers HTTP", "leave --ingest out", files: ["m.csv": table]),
        Mistake(
            "sluice pipe {here}/m.csv --values speed --control {control} --ingest pull:{ingest}", 69, "{ingest}",
            "without 'pull:'", files: ["m.csv": table]),
        Mistake(
            "sluice status --control {control} --server-key {here}/d.pub --key {here}/a.key", 69, "{control}",
            "uses no keys", "leave --server-key and --key out", files: ["d.pub": publicKey, "a.key": secretKey]),
        Mistake(
            "sluiced {model} --ingest @{ingest} --decisions @{decisions} --control @{control} --http {http} "
                + "--state-dir {state}", 75, "ingest @{ingest}", "decisions @{decisions}", "control @{control}",
            "http {http}", "the state folder {state}", "stop that program", "--state-dir"),
        Mistake(
            "sluice snapshot --output {here}/no/s --control {control}", 73, "{here}/no/s", "permission denied",
            "another path", closed: ["no/"]),
        Mistake(
            "sluice restore --input {here}/m.csv --control {control}", 65, "{here}/m.csv", "not a snapshot",
            "sluice snapshot --output", files: ["m.csv": table]),
    ]

    @Test func `an error says the same beside a running daemon, and leaves the daemon unchanged`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess([model2, "--state-dir", folder.path("state"), "--http", "127.0.0.1:*"])
        let peer = try Peer(daemon)
        _ = try (peer.decide("machine-1", [1]), peer.decide("machine-2", [1]))
        _ = try peer.control.call(.snapshot(name: "monday", .all))
        func address(_ endpoint: String) -> String { String(endpoint.drop { $0 == "@" }) }
        let places = [
            "ingest": address(daemon.ingest), "decisions": address(daemon.decisions),
            "control": address(daemon.control), "http": daemon.http, "state": folder.path("state"),
        ]
        let before = try peer.status()

        DispatchQueue.concurrentPerform(iterations: Self.withDaemon.count) { number in
            do {
                try Self.withDaemon[number].make(places)
            } catch {
                Issue.record(error)
            }
        }

        let after = try peer.status()
        #expect(after.timesteps == before.timesteps && after.streams == before.streams)
        #expect(after.models.map(\.fingerprint) == before.models.map(\.fingerprint))
        #expect(try peer.control.call(.snapshots).snapshots.map(\.name) == ["monday"])
    }

    @Test func `the error about another user's socket names the reason`() throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess([model2], control: "@ipc://\(folder.path("control"))")
        try FileManager.default.setAttributes([.posixPermissions: 0], ofItemAtPath: folder.path("control"))
        let ended = try FinishedProgram(
            "sluice", ["status", "--control", connecting(daemon.control)], obeysPermissions: true)
        #expect(ended.status == 69)
        #expect(ended.errorOutput.contains("permission denied for \(folder.path("control"))"), "\(ended.errorOutput)")
        #expect(ended.errorOutput.contains("the user of sluiced"))
    }

    @Test func `localhost works for every endpoint that the daemon binds`() throws {
        let daemon = try DaemonProcess(
            [model2], ingest: ["@tcp://localhost:*"], decisions: "@tcp://localhost:*", control: "tcp://localhost:*")
        #expect(daemon.control.hasPrefix("@tcp://127.0.0.1:"))
        #expect(try Peer(daemon).decide("a", [1]).count == 1)
    }
}
