import Foundation
import TestSupport
import Testing

@Suite struct `A model file` {
    @Test func `a model file converted for machines without HDF5 gives the same bits`() throws {
        let folder = try TemporaryFolder()
        let converted = folder.path("model2.safetensors")
        let convert = try FinishedProgram("sluice", ["convert", model2, converted])
        #expect(convert.status == 0, "\(convert.errorOutput)")
        #expect(convert.output.hasPrefix("wrote \(converted), "))

        let bits = try [model2, converted].map { model in
            let peer = try Peer(try DaemonProcess([model]))
            return try peer.decide("s", values(50)).probabilityBits
        }
        #expect(bits[0] == bits[1])
    }

    @Test func `a conversion overwrites a file only with --force, and each failure has its own exit status`() throws {
        let folder = try TemporaryFolder()
        let output = folder.path("m.safetensors")
        #expect(try FinishedProgram("sluice", ["convert", model2, output]).status == 0)
        let again = try FinishedProgram("sluice", ["convert", model2, output])
        #expect(again.status == 73)
        #expect(again.errorOutput == "sluice: \(output): exists already; give --force to replace it\n")
        #expect(try FinishedProgram("sluice", ["convert", model2, output, "--force"]).status == 0)
        #expect(try FinishedProgram("sluice", ["convert", "nowhere.keras", output, "--force"]).status == 66)
        #expect(
            try FinishedProgram("sluice", ["convert", Fixtures.url("reference/README.md").path, output, "--force"])
                .status == 65)
        #expect(try FinishedProgram("sluice", ["convert", model2, folder.path("m.h5")]).status == 64)
        #expect(
            try FinishedProgram("sluice", ["inspect", output]).output.contains("Sluice (.safetensors), from Keras 3"))
    }

    @Test func `a PyTorch file is served with its description file`() throws {
        let daemon = try DaemonProcess([Fixtures.url("torch/gru_no_bias.safetensors").path, "--mode", "stateful"])
        let rows = try Fixtures.rows("torch/gru_no_bias.csv")
        let inputs = try rows.map { try #require($0["x0"].flatMap { Float($0) }) }
        let decisions = try Peer(daemon).decide("s", inputs)
        for (decision, row) in zip(decisions, rows) {
            let expected = try (0..<3).map { try #require(row["y\($0)"].flatMap { Float($0) }) }
            #expect(zip(decision.probabilities, expected).allSatisfy { abs($0 - $1) <= 1e-5 })
        }
    }

    @Test func `reading a Keras file leaves no process and no descriptor in the daemon`() throws {
        let daemon = try DaemonProcess([model2])
        let process = "/proc/\(daemon.processIdentifier)"
        #expect(
            try String(contentsOfFile: "\(process)/task/\(daemon.processIdentifier)/children", encoding: .utf8).isEmpty)
        let open = try FileManager.default.contentsOfDirectory(atPath: "\(process)/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(process)/fd/\($0)")
        }
        #expect(!open.contains { $0.hasSuffix(".keras") })
    }

    /// Skipped under a sanitizer, which may detect the library's fault first. The sanitizer would then never finish its
    /// report, because the process may not open files.
    #if !SANITIZED
    @Test(arguments: ["sluice", "sluiced"])
    func `a file that crashes libhdf5 is refused in one line`(program: String) throws {
        let file = Fixtures.url("damaged/crash.h5").path
        let ended = try FinishedProgram(program, program == "sluice" ? ["inspect", file] : [file])
        #expect(ended.status == 65)
        #expect(ended.errorOutput.contains("\(program): \(file): damaged: reading it ended in a crash"))
    }
    #endif

    /// A short run of the fuzzer. `tools/check/fuzz-model-files` runs it with 100,000 inputs.
    @Test func `a damaged file crashes only the process that reads it`() throws {
        let fuzz = try FinishedProgram("fuzz-model-files", ["--inputs", "900", "--seed", "5"])
        #expect(fuzz.status == 0, "\(fuzz.output)\(fuzz.errorOutput)")
        #expect(fuzz.output.contains("nothing else crashed or hung"))
    }
}
