import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests the access rights of the files that the daemon and the tool create under different umasks.
@Suite struct `The access rights of files` {
    private static let umasks = ["000", "077"]

    private func mode(_ path: String) throws -> String {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return String(try #require(attributes[.posixPermissions] as? Int), radix: 8)
    }

    private func expectPrivate(_ folder: String) throws {
        #expect(try mode(folder) == "700", "\(folder)")
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            var isFolder: ObjCBool = false
            _ = unsafe FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder)
            #expect(try mode("\(folder)/\(name)") == (isFolder.boolValue ? "700" : "600"), "\(name)")
        }
    }

    @Test(arguments: umasks)
    func `the daemon's files are accessible to their owner only, even after a set-aside`(umask: String) throws {
        let folder = try TemporaryFolder()
        let state = folder.path("a/state")
        let arguments = [model2, "--state-dir", state, "--durability", "journal"]
        let daemon = try DaemonProcess(arguments, umask: umask)
        let peer = try Peer(daemon)
        for stream in ["stream-1", "stream-2"] { _ = try peer.decide(stream, values(3)) }
        _ = try peer.control.call(.snapshot(name: "n", .all))
        _ = try peer.control.call(.checkpoint)
        try expectPrivate(folder.path("a"))
        #expect(daemon.stop() == 0)
        try expectPrivate(folder.path("a"))

        // Change a byte of a stream's state in the snapshot. In the stream's row, the state follows the id and the
        // numeric columns.
        let database = URL(filePath: "\(state)/sluice.sqlite")
        var bytes = try Data(contentsOf: database)
        let id = try #require(bytes.lastRange(of: Data("stream-1".utf8)))
        bytes[id.upperBound + 60] ^= 1
        try bytes.write(to: database)
        try FileManager.default.removeItem(atPath: "\(state)/sluice.seal")
        let second = try DaemonProcess(arguments + ["--on-damaged-state", "set-aside"], umask: umask)
        #expect(second.log.contains("set aside"))
        #expect(second.stop() == 0)
        try expectPrivate(folder.path("a"))
    }

    @Test(arguments: umasks)
    func `the tool's files are accessible to their owner only, unless --file-mode is given`(umask: String) throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess([model2])
        _ = try Peer(daemon).decide("s", values(3))
        let control = ["--control", daemon.control.replacing("@", with: "")]
        func run(_ arguments: [String]) throws {
            let ended = try FinishedProgram("sluice", arguments, umask: umask)
            #expect(ended.status == 0, "\(ended.errorOutput)")
        }
        for (flags, expected) in [([], "600"), (["--file-mode", "640"], "640"), (["--file-mode", "644"], "644")] {
            let commands: [(file: String, arguments: [String])] = [
                ("s.json", ["export", "s", "--output", folder.path("s.json")] + control),
                ("all.sluice", ["snapshot", "--output", folder.path("all.sluice")] + control),
                ("m.safetensors", ["convert", "--force", model2, folder.path("m.safetensors")]),
            ]
            for (file, arguments) in commands {
                try run(arguments + flags)
                #expect(try mode(folder.path(file)) == expected, "\(arguments[0])")
            }
        }
        try run(["keygen", folder.path("k")])
        #expect(try mode(folder.path("k.key")) == "600")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).count == 5)
        let again = try FinishedProgram("sluice", ["import", folder.path("s.json"), "--as", "copy"] + control)
        #expect(again.status == 0 && again.output == "imported copy\n", "\(again.errorOutput)")
        let refused = try FinishedProgram("sluice", ["export", "s", "--file-mode", "888"] + control)
        #expect(refused.status == 64 && refused.errorOutput.contains("such as 644"))
    }
}
