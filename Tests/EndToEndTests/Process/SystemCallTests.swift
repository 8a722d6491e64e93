import Foundation
import TestSupport
import Testing

/// Tests that the unit allows every system call of the daemon. No other test runs under systemd, where a refused call
/// inside a library can end the daemon.
@Suite struct `The system calls that the unit allows` {
    static let strace = "/usr/bin/strace"
    static let analyze = "/usr/bin/systemd-analyze"

    /// Returns the calls in a set such as `@system-service`, including nested sets.
    private func calls(in name: Substring) throws -> Set<String> {
        guard name.hasPrefix("@") else { return [String(name)] }
        let lines = try FinishedProgram(Self.analyze, ["syscall-filter", String(name)]).output.split(separator: "\n")
        let members = lines.dropFirst().map { $0.drop(while: \.isWhitespace) }.filter { !$0.hasPrefix("#") }
        return try members.reduce(into: []) { $0.formUnion(try calls(in: $1)) }
    }

    /// Returns the calls that the unit allows. Each filter line adds calls or, with ~, removes calls.
    private func allowed() throws -> Set<String> {
        let filters = try Deploy.text("systemd/sluiced.service").matches(of: #/(?m)^SystemCallFilter=(~?)(.*)$/#)
        return try filters.reduce(into: []) { allowed, filter in
            for name in filter.2.split(separator: " ") {
                let calls = try calls(in: name)
                if filter.1.isEmpty { allowed.formUnion(calls) } else { allowed.subtract(calls) }
            }
        }
    }

    @Test(.enabled(if: Deploy.isHere(strace) && Deploy.isHere(analyze)))
    func `the daemon makes only allowed calls while it serves, stores, reloads and stops`() throws {
        let folder = try TemporaryFolder()
        let control = "ipc://\(folder.path("control"))"
        let daemon = try RunningProgram(
            Self.strace,
            [
                "--follow-forks", "--quiet=all", "--signal=none", "--output=\(folder.path("trace"))",
                RunningProgram.folder.appending(path: "sluiced").path, model2, "--state-dir", folder.path("state"),
                "--durability", "journal", "--ingest", "@tcp://127.0.0.1:*", "--decisions", "@tcp://127.0.0.1:*",
                "--control", "@\(control)", "--http", "127.0.0.1:*",
            ])
        _ = try daemon.waitForLine { $0.contains("ready: ") }
        for (command, input) in [
            (["pipe", "--stream", "meter"], "x\n0.5\n1\n"), (["checkpoint"], ""), (["snapshot", "now"], ""),
            (["reload", "model2"], ""), (["shutdown"], ""),
        ] {
            let ended = try FinishedProgram("sluice", command + ["--control", control], input: input)
            #expect(ended.status == 0, "\(ended.errorOutput)")
        }
        #expect(daemon.waitForEnd() == 0)

        let trace = try String(contentsOf: folder.url("trace"), encoding: .utf8)
        let made = Set(trace.matches(of: #/(?m)^\d+ +([a-z_0-9]+)\(/#).map { String($0.1) })
        #expect(made.contains("epoll_wait"))
        // SQLite calls `fchown` only as root.
        let refused = try made.subtracting(allowed()).subtracting(["fchown"])
        #expect(refused.isEmpty)
    }
}
