import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests that the tool gives the same results for the same data in every form.
@Suite struct `Forms of data` {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private static let model = Fixtures.url("reference/model2.keras").path
    private static let csv = Fixtures.url("reference/model2.csv").path

    /// Runs a shell script in which `$tool` is the tool, and `$1`, `$2` and so on are the arguments.
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

    /// Twenty days of power demand, with a label for each day. A day has 24 timesteps of one feature.
    private struct Days {
        var values: [[String]] = []
        var labels: [String] = []

        init() throws {
            var stream: String?
            for row in try Fixtures.rows("reference/power_test.csv") {
                guard let value = row["x0"], let label = row["label"] else { continue }
                if row["stream"] != stream {
                    if values.count == 20 { break }
                    values.append([])
                    labels.append(label)
                }
                stream = row["stream"]
                values[values.count - 1].append(value)
            }
        }

        var rows: String {
            "day,x0,label\n"
                + values.indices.flatMap { day in values[day].map { "\(day + 1),\($0),\(labels[day])\n" } }.joined()
        }

        var wide: String {
            "label," + (0..<24).map { "t\($0)" }.joined(separator: ",") + "\n"
                + values.indices.map { "\(labels[$0]),\(values[$0].joined(separator: ","))\n" }.joined()
        }

        var json: String {
            let sequences = values.map { "[\($0.map { "[\($0)]" }.joined(separator: ","))]" }
            return "[\(sequences.joined(separator: ",\n"))]"
        }

        /// The bytes that `numpy.save` writes for the shape (20, 24, 1).
        var npy: Data {
            let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (20, 24, 1), }"
            let header = text.padding(toLength: 117, withPad: " ", startingAt: 0) + "\n"
            var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0, 118, 0] + Array(header.utf8))
            for value in values.joined().compactMap(Float.init) {
                data += stride(from: 0, to: 32, by: 8).map { UInt8(truncatingIfNeeded: value.bitPattern >> $0) }
            }
            return data
        }
    }

    @Test func `whole sequences in rows, in a NumPy array and in a JSON array get the same answers`() throws {
        let days = try Days()
        #expect(days.values.count == 20 && days.values.allSatisfy { $0.count == 24 })
        let script = """
            model=$1
            cd "$2"
            "$tool" predict "$model" rows.csv --stream-column day >expected
            "$tool" predict "$model" wide.csv --wide | cmp - expected
            "$tool" predict "$model" data.npy | cmp - expected
            gzip <data.npy | "$tool" predict "$model" | cmp - expected
            "$tool" predict "$model" data.json | cmp - expected
            "$tool" evaluate "$model" rows.csv --stream-column day >summary
            "$tool" evaluate "$model" wide.csv --wide --label label | cmp - summary
            "$tool" evaluate "$model" data.npy --labels labels.txt | cmp - summary
            status=0
            head -n 14 labels.txt | "$tool" evaluate "$model" data.npy --labels /dev/stdin || status=$?
            ((status == 65))
            """
        _ = try folder.write(days.rows, to: "rows.csv")
        _ = try folder.write(days.wide, to: "wide.csv")
        _ = try folder.write(days.json, to: "data.json")
        _ = try folder.write(days.labels.map { "\($0)\n" }.joined(), to: "labels.txt")
        try days.npy.write(to: folder.url("data.npy"))
        let ended = try shell(script, Fixtures.url("reference/model1.keras").path, folder.path)
        #expect(ended.errorOutput.contains("14 labels, but 20 sequences"), "\(ended.errorOutput)")
    }

    @Test(arguments: ["sequence", "stateful"])
    func `whole sequences are piped with start and end, and decided one by one`(mode: String) throws {
        let days = try Days()
        _ = try folder.write(days.wide, to: "wide.csv")
        _ = try folder.write(days.json, to: "data.json")
        try days.npy.write(to: folder.url("data.npy"))
        let daemon = try DaemonProcess([Fixtures.url("reference/model1.keras").path, "--mode", mode])
        let peer = try Peer(daemon)
        let script = """
            "$tool" pipe "$2/wide.csv" --wide --stream wide --control "$1"
            "$tool" pipe "$2/data.npy" --stream npy --control "$1"
            "$tool" pipe "$2/data.json" --stream json --control "$1"
            """
        let ended = try shell(script, connecting(daemon.control), folder.path)
        let count = mode == "sequence" ? 20 : 480
        for line in ended.errorOutput.split(separator: "\n") {
            #expect(line.hasSuffix("all consumed; \(count) decided"), "\(line)")
        }
        var all: [[Float]] = []
        for stream in ["wide", "npy", "json"] {
            let decisions = try peer.decisions(of: stream, count).filter { $0.flags.contains(.final) }
            #expect(decisions.map(\.step) == Array(repeating: 24, count: 20))
            all.append(decisions.flatMap(\.probabilities))
        }
        #expect(all[0] == all[1] && all[0] == all[2])
    }

    @Test func `an array of timesteps is one sequence, which ends with the array`() throws {
        let daemon = try DaemonProcess([Fixtures.url("keras/sequences/functional.keras").path])
        let peer = try Peer(daemon)
        let header = "{'descr': '|i1', 'fortran_order': False, 'shape': (2, 3), }\n"
        let array = Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8))
        let arguments = ["pipe", "--stream", "s", "--control", connecting(daemon.control)]
        for _ in 1...2 {
            let ended = try FinishedProgram("sluice", arguments, input: array + Data([0, 1, 0, 0, 0, 1]))
            #expect(ended.errorOutput.hasSuffix("all consumed; 1 decided\n"), "\(ended.errorOutput)")
        }
        #expect(try peer.decisions(of: "s", 2).map(\.step) == [2, 2])
    }
}
