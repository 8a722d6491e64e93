import Foundation
import TestSupport
import Testing

/// Tests the flags, named targets and environment variables that locate the daemon.
@Suite struct `The location of the daemon` {
    private func sluice(_ arguments: [String], _ environment: [String: String]) throws -> FinishedProgram {
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let program = RunningProgram.folder.appending(path: "sluice").path
        return try FinishedProgram("/usr/bin/env", variables + [program] + arguments)
    }

    private func writeTargets(_ text: String, in folder: TemporaryFolder) throws {
        try FileManager.default.createDirectory(at: folder.url("sluice"), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: folder.url("sluice/targets.yaml"))
    }

    @Test func `a flag overrides a target, and a target overrides the environment`() throws {
        let folder = try TemporaryFolder()
        let (daemon, nowhere) = (try DaemonProcess([model2]), "ipc://\(folder.path("nowhere"))")
        let here = connecting(daemon.control)
        try writeTargets("here:\n  control: \"\(here)\"\nnowhere: {control: \"\(nowhere)\"}\n", in: folder)
        let home = ["XDG_CONFIG_HOME": folder.path]
        #expect(try sluice(["streams"], ["SLUICE_CONTROL": here]).status == 0)
        #expect(try sluice(["streams"], ["SLUICE_CONTROL": nowhere]).status == 69)
        #expect(try sluice(["streams", "--target", "here"], home + ["SLUICE_CONTROL": nowhere]).status == 0)
        #expect(try sluice(["streams", "--target", "nowhere"], home + ["SLUICE_CONTROL": here]).status == 69)
        #expect(try sluice(["streams", "--target", "nowhere", "--control", here], home).status == 0)
    }

    @Test func `keys come from a target or the environment, and a target's paths start at its file`() throws {
        let folder = try TemporaryFolder()
        let keys = try TestKeys()
        try keys.make("all", "producers", "subscribers", "controllers")
        let daemon = try DaemonProcess([model2] + keys.flags)
        let here = connecting(daemon.control)
        try writeTargets("plant: {control: \"\(here)\", server_key: daemon.pub, key: all.key}\n", in: folder)
        for file in ["daemon.pub", "all.key"] {
            try FileManager.default.copyItem(atPath: keys.path(file), toPath: folder.path("sluice/\(file)"))
        }
        let home = ["XDG_CONFIG_HOME": folder.path]
        let target = try sluice(["streams", "--target", "plant"], home)
        #expect(target.status == 0, "\(target.errorOutput)")
        let environment = [
            "SLUICE_CONTROL": here, "SLUICE_SERVER_KEY": keys.path("daemon.pub"), "SLUICE_KEY": keys.path("all.key"),
        ]
        #expect(try sluice(["streams"], environment).status == 0)
        let half = try sluice(["streams"], environment.filter { $0.key != "SLUICE_KEY" })
        #expect(half.status == 64 && half.errorOutput.contains("SLUICE_KEY"))
    }

    @Test(
        arguments: [
            ("plant: {control: \"tcp://a:1\"}", 64, "it has plant"), ("a: {kontrol: x}", 64, "it has a"),
            ("mill: {kontrol: x}", 65, "'kontrol'; supported: control"), ("mill: x", 65, "each target must be"),
            ("mill:\n  control: @tcp://a:1", 65, "quote values that begin with @"), ("", 65, "each target must be"),
        ] as [(String, Int32, String)])
    func `an error about a target names the file and the remedy`(text: String, status: Int32, words: String) throws {
        let folder = try TemporaryFolder()
        try writeTargets(text, in: folder)
        let ended = try sluice(["status", "--target", "mill"], ["XDG_CONFIG_HOME": folder.path])
        #expect(ended.status == status, "\(ended.errorOutput)")
        #expect(ended.errorOutput.contains("targets.yaml") && ended.errorOutput.contains(words), "\(ended.errorOutput)")
    }

    @Test func `a missing targets file is reported as missing`() throws {
        let folder = try TemporaryFolder()
        let ended = try sluice(["status", "--target", "mill"], ["XDG_CONFIG_HOME": folder.path])
        #expect(ended.status == 66)
        #expect(ended.errorOutput.contains("\(folder.path)/sluice/targets.yaml does not exist"))
    }
}

extension [String: String] {
    fileprivate static func + (one: Self, other: Self) -> Self { one.merging(other) { $1 } }
}
