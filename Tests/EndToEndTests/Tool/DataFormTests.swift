import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests with the same data in each form that the tool reads.
@Suite struct `Forms of data` {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let model = Fixtures.url("reference/model2.keras").path
    private static let csv = Fixtures.url("reference/model2.csv").path

    /// Runs a script with `$tool` as the tool, and `$1` and so on as the arguments.
    private func shell(_ script: String, _ arguments: String...) throws -> FinishedProgram {
        let tool = RunningProgram.folder.appending(path: "sluice").path
        let ended = try FinishedProgram(
            "/bin/bash", ["-c", "set -euo pipefail; tool=\(tool); \(script)", "bash"] + arguments)
        #expect(ended.status == 0, "\(ended.errorOutput)")
        return ended
    }

    @Test func `gzip data is recognized in files and in standard input, even if it has several members`() throws {
        let script = """
            "$tool" predict "$1" "$2" --every >"$3/plain"
            gzip --stdout "$2" >"$3/data.gz"
            { head -c 5000 "$2" | gzip; tail -c +5001 "$2" | gzip; } >"$3/members"
            "$tool" predict "$1" "$3/data.gz" --every | cmp - "$3/plain"
            "$tool" predict "$1" --every <"$3/data.gz" | cmp - "$3/plain"
            cat "$3/members" | "$tool" predict "$1" --every | cmp - "$3/plain"
            """
        _ = try shell(script, Self.model, Self.csv, folder.path)
    }

    @Test func `gzip data gives the same decisions, and a truncated file leads to an error after them`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let script = """
            gzip --stdout "$2" >"$3/data.gz"
            "$tool" pipe "$2" --stream plain --values x0 --control "$1"
            "$tool" pipe "$3/data.gz" --stream packed --values x0 --control "$1"
            head -c 4000 "$3/data.gz" >"$3/cut.gz"
            status=0
            "$tool" pipe "$3/cut.gz" --stream cut --values x0 --on-bad-row skip --control "$1" || status=$?
            ((status == 65))
            """
        let ended = try shell(script, connecting(daemon.control), Self.csv, folder.path)
        let statuses = try peer.control.streams(["plain", "packed"])
        #expect(statuses.map(\.sequence) == [480, 480])
        #expect(statuses[0].probability == statuses[1].probability)
        #expect(ended.errorOutput.contains("cut.gz: the gzip data is damaged: it ends too early"))
        #expect(ended.errorOutput.contains("timesteps before it were consumed"))
    }
}
