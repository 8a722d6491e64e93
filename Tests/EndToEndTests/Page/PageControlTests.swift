import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `The live page's control` {
    /// A daemon whose token is in a new file.
    private struct Guarded {
        let folder: TemporaryFolder
        let daemon: DaemonProcess

        init(_ options: [String] = []) throws {
            folder = try TemporaryFolder()
            daemon = try DaemonProcess(
                [model2, "--http-control", folder.path("token")] + `The HTTP endpoint`.anyPort + options)
        }

        var token: String {
            get throws {
                try String(contentsOf: folder.url("token"), encoding: .utf8).trimmingCharacters(in: .newlines)
            }
        }
    }

    private func call(
        _ method: String, _ params: String, _ authorization: String?, on daemon: DaemonProcess
    ) throws -> HTTPReply {
        var headers = ["Content-Type": "application/json"]
        headers["Authorization"] = authorization
        return try HTTPReply(
            "POST", "/api/call", at: daemon.http, headers, body: #"{"method": "\#(method)", "params": \#(params)}"#)
    }

    @Test func `the daemon makes a token that only its user can read, and keeps it for the next start`() throws {
        let guarded = try Guarded()
        let token = try guarded.token
        let attributes = try FileManager.default.attributesOfItem(atPath: guarded.folder.path("token"))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(token.wholeMatch(of: #/[0-9a-f]{64}/#) != nil)
        #expect(!guarded.daemon.log.contains(token))
        #expect(try HTTPReply("GET", "/api/page", at: guarded.daemon.http).body.contains(#""control":true"#))
        #expect(guarded.daemon.stop() == 0)

        let again = try DaemonProcess(
            [model2, "--http-control", guarded.folder.path("token")] + `The HTTP endpoint`.anyPort)
        #expect(try guarded.token == token)
        #expect(try call("pause", #"{"all": true}"#, "Bearer \(token)", on: again).status == 200)
    }

    @Test func `each method that changes or shows state needs the token`() throws {
        let guarded = try Guarded()
        let daemon = guarded.daemon
        let peer = try Peer(daemon)
        let token = try guarded.token
        _ = try peer.decide("s1", values(3))
        let calls = [
            ("export", #"{"stream": "s1"}"#), ("pause", #"{"stream": "s1"}"#), ("resume", #"{"stream": "s1"}"#),
            ("reset", #"{"stream": "s1"}"#), ("snapshot", #"{"name": "n"}"#),
        ]
        for (method, params) in calls {
            let refusals = try [nil, "Bearer", "Bearer x\(token.dropFirst())", "Bearer \(token.dropLast())", token].map
            {
                try call(method, params, $0, on: daemon)
            }
            #expect(refusals.map(\.status) == [401, 401, 401, 401, 401], "\(method)")
            #expect(refusals[0].body == "this needs the token in the file of --http-control\n")
            #expect(refusals[0].headers["www-authenticate"] == "Bearer")
        }
        #expect(try peer.decide("s1", values(1)).first?.step == 4)
        // A page's first request has no token, so the daemon does not count a missing token. It counts the other four.
        let before = try peer.status()
        #expect(before.refusedConnections["control"] == UInt64(4 * calls.count) && before.paused == 0)
        _ = eventually { daemon.log.contains("its token is not the one in") ? true : nil }
        #expect(!daemon.log.contains(token.dropLast()))

        let answers = try calls.map { try call($0.0, $0.1, "Bearer \(token)", on: daemon) }
        #expect(answers.map(\.status) == [200, 200, 200, 200, 200])
        #expect(answers.allSatisfy { $0.body.contains(#""result""#) })
        #expect(try peer.decide("s1", values(1)).first?.step == 1)
        for method in ["remove", "restore", "shutdown", "import", "log_level", "reload", "checkpoint"] {
            #expect(try call(method, "{}", "Bearer \(token)", on: daemon).status == 403, "\(method)")
        }
    }

    @Test func `without --http-control a page changes nothing, and the answer names the option`() throws {
        let daemon = try DaemonProcess([model2] + `The HTTP endpoint`.anyPort)
        let reply = try call("pause", #"{"all": true}"#, "Bearer 0123456789abcdef", on: daemon)
        #expect(reply.status == 403 && reply.body.contains("--http-control FILE"))
        #expect(try HTTPReply("GET", "/api/page", at: daemon.http).body.contains(#""control":false"#))
    }

    @Test func `a token that others could know is refused at the start`() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("0123456789abcdef\n", to: "token")
        let cases: [(text: String, mode: Int, complaint: String)] = [
            ("0123456789abcdef\n", 0o644, "is accessible to others (mode 644)"),
            ("0123456789abcde\n", 0o600, "must be one word of 16 to 256 ASCII characters"),
            ("two words of a token", 0o600, "must be one word"), ("", 0o600, "must be one word"),
        ]
        for (text, mode, complaint) in cases {
            try Data(text.utf8).write(to: folder.url("token"))
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
            let check = try FinishedProgram("sluiced", [model2, "--http-control", file, "--check-config"])
            #expect(check.status == 78 && check.errorOutput.contains(complaint), "\(check.errorOutput)")
        }
        let off = try FinishedProgram("sluiced", [model2, "--http-control", file, "--http", "off", "--check-config"])
        #expect(off.status == 78)
        let places = ["--ingest", "--decisions", "--control"].flatMap { [$0, "@tcp://127.0.0.1:*"] }
        let nowhere = try FinishedProgram(
            "sluiced", [model2, "--http-control", folder.path("no/token")] + places + `The HTTP endpoint`.anyPort)
        #expect(nowhere.status == 73, "\(nowhere.errorOutput)")
        #expect(nowhere.errorOutput.contains("no/token: the token for HTTP cannot be written"))
        // A check of the configuration creates no file.
        let missing = try FinishedProgram(
            "sluiced", [model2, "--http-control", folder.path("other"), "--check-config"] + `The HTTP endpoint`.anyPort)
        #expect(missing.status == 0, "\(missing.errorOutput)")
        #expect(!FileManager.default.fileExists(atPath: folder.path("other")))
    }

    @Test(arguments: ["127.0.0.1:5553", "[::1]:5553", "0.0.0.0:5553"])
    func `a token that crosses the network without encryption is warned of`(address: String) throws {
        let folder = try TemporaryFolder()
        let check = try FinishedProgram(
            "sluiced",
            [model2, "--http", address, "--http-public", "--http-control", folder.path("token"), "--check-config"])
        #expect(check.status == 0)
        let isWarned = check.errorOutput.contains("others on the network can read the token of --http-control")
        #expect(isWarned == address.hasPrefix("0.0.0.0"), "\(check.errorOutput)")
    }

    @Test func `SIGHUP reads the token again, and a file that cannot be used changes nothing`() throws {
        let guarded = try Guarded()
        let daemon = guarded.daemon
        let old = try guarded.token
        func reload(_ text: String) throws {
            try Data(text.utf8).write(to: guarded.folder.url("token"))
            kill(daemon.processIdentifier, SIGHUP)
        }
        func works(_ token: String) throws -> Bool {
            try call("pause", #"{"all": true}"#, "Bearer \(token)", on: daemon).status == 200
        }
        try reload("short")
        _ = eventually { daemon.log.contains("the token for HTTP could not be reloaded") ? true : nil }
        #expect(try works(old))
        try reload("0123456789abcdef")
        #expect(try eventually { try works("0123456789abcdef") ? true : nil } == true)
        #expect(try !works(old))
    }
}
