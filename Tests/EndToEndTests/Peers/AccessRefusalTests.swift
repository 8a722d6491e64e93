import Foundation
import TestSupport
import Testing
import ZeroMQ

@Suite struct `A daemon that is open to other machines` {
    private func refusal(_ arguments: [String], obeysPermissions: Bool = false) throws -> (status: Int32, text: String)
    {
        let ended = try FinishedProgram("sluiced", [model2] + arguments, obeysPermissions: obeysPermissions)
        return (ended.status, ended.errorOutput)
    }

    @Test(arguments: [
        ["--control", "@tcp://0.0.0.0:*"], ["--decisions", "tcp://*:*"], ["--ingest", "pull:@tcp://[::]:*"],
        ["--ingest", ">tcp://192.0.2.1:5550"],
    ])
    func `an endpoint beyond this machine is refused without keys`(arguments: [String]) throws {
        let (status, text) = try refusal(["--check-config"] + arguments)
        #expect(status == 78)
        let role = try #require(arguments.first?.dropFirst(2))
        #expect(text.contains("sluiced: \(role) at "), "\(text)")
        #expect(text.contains("--insecure"))
    }

    @Test
    func `a host name that looks like an address of this machine is refused`() throws {
        let (status, text) = try refusal(["--check-config", "--control", "@tcp://127.example.org:5552"])
        #expect(status == 78)
        #expect(
            text.contains("control at @tcp://127.example.org:5552: '127.example.org' is neither an address"), "\(text)")
    }

    @Test(arguments: [["--insecure"], []])
    func `a daemon with --insecure or with keys may be open to other machines`(flags: [String]) throws {
        let keys = try TestKeys()
        let program = try RunningProgram(
            "sluiced",
            [model2] + ["--ingest", "--decisions", "--control"].flatMap { [$0, "@tcp://0.0.0.0:*"] }
                + (flags.isEmpty ? keys.flags : flags))
        #expect(try program.waitForLine { $0.contains("ready: ") }.contains("control @tcp://0.0.0.0:"))
        program.terminate()
        #expect(program.waitForEnd() == 0)
    }

    @Test func `incomplete, missing or publicly readable keys are refused`() throws {
        let keys = try TestKeys()
        let (key, clients) = (keys.path("daemon.key"), keys.clients)
        let open = keys.path("open.key")
        try FileManager.default.copyItem(atPath: key, toPath: open)
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: open)
        let empty = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: empty.path("producers"), withIntermediateDirectories: false)
        _ = try empty.write("secret-key = \"no key\"\n", to: "producers/x.pub")
        _ = try empty.write("# nothing\n", to: "none.key")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: empty.path("none.key"))

        for (arguments, status, words) in [
            (["--curve-key", key], 78, "--authorized-clients"),
            (["--authorized-clients", clients], 78, "--curve-key"),
            (["--curve-key", open, "--authorized-clients", clients], 78, "mode 640"),
            (["--curve-key", keys.path("daemon.pub"), "--authorized-clients", clients], 78, "only a public key"),
            (["--curve-key", empty.path("none.key"), "--authorized-clients", clients], 78, "no secret key"),
            (["--curve-key", keys.path("nowhere.key"), "--authorized-clients", clients], 66, "nowhere.key"),
            (["--curve-key", key, "--authorized-clients", keys.path("nowhere")], 66, "nowhere"),
            (["--curve-key", key, "--authorized-clients", empty.path], 78, "producers/x.pub"),
            (["--max-message-size", "1000"], 64, "--max-message-size"),
            (["--max-connections", "0"], 64, "--max-connections"),
        ] as [([String], Int32, String)] {
            let (ended, text) = try refusal(["--check-config"] + arguments)
            #expect(ended == status, "\(arguments): \(text)")
            #expect(text.contains(words), "\(text)")
        }
    }

    @Test(arguments: [nil, "producers"] as [String?])
    func `a folder to which everyone may add keys is refused, unless it is read-only`(role: String?) throws {
        let keys = try TestKeys()
        try keys.make("p", "producers")
        let open = role.map { "\(keys.clients)/\($0)" } ?? keys.clients
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: open)
        let (status, text) = try refusal(["--check-config"] + keys.flags)
        #expect(status == 78 && text.contains(open) && text.contains("chmod o-w"), "\(text)")

        // The read-only case needs permission to mount. Skip it without that permission.
        let mount = "mount --bind '\(keys.clients)' '\(keys.clients)' && mount -o remount,bind,ro '\(keys.clients)'"
        guard try FinishedProgram("/usr/bin/unshare", ["--mount", "/bin/sh", "-c", mount]).status == 0 else { return }
        let program = RunningProgram.folder.appending(path: "sluiced").path
        let mounted = try FinishedProgram(
            "/usr/bin/unshare",
            ["--mount", "/bin/sh", "-c", "\(mount) && exec \"$@\"", "sh", program, model2, "--check-config"]
                + keys.flags)
        #expect(mounted.status == 0, "\(mounted.errorOutput)")
    }

    @Test func `an IPC control socket is accessible to its owner only`() throws {
        let folder = try TemporaryFolder()
        let program = try RunningProgram(
            "sluiced",
            [model2, "--ingest", "@tcp://127.0.0.1:*", "--decisions", "@tcp://127.0.0.1:*"]
                + ["--control", "@ipc://\(folder.path("control"))"])
        _ = try program.waitForLine { $0.contains("ready: ") }
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("control"))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let status = try FinishedProgram("sluice", ["status", "--control", "ipc://\(folder.path("control"))"])
        #expect(status.status == 0)
    }
}
