import Foundation
import TestSupport
import Testing

/// Tests that `sluice predict`, `sluice inspect` and `sluiced` agree on the modes of a model.
@Suite struct `The modes of a model` {
    /// Layers after an input of two features, the modes that are refused, and a fragment of the reason.
    struct Case: Sendable {
        let layers: String
        let refusal: String
    }

    private static let stateful = [
        Case(layers: "[LSTM: {units: 3, stateful: true, go_backwards: true}]", refusal: "needs whole sequences"),
        Case(
            layers: "[GRU: {units: 3, stateful: true, return_sequences: true}, GlobalAveragePooling1D: {}]",
            refusal: "Keras pools the timesteps of each call"),
        Case(
            layers: "[Bidirectional: {layer: {LSTM: {units: 3, stateful: true}}}]", refusal: "needs whole sequences"),
    ]
    private static let rows = "stream,x0,x1\na,1,2\na,3,4\na,5,6\n"

    /// Writes a model, and returns its path.
    private func model(_ layers: String, batch: String = "null", in folder: TemporaryFolder) throws -> String {
        let list = layers.dropFirst().dropLast()
        let yaml = try folder.write(
            "[Input: {batch_shape: [\(batch), null, 2]}, \(list), Dense: {units: 1, activation: sigmoid}]",
            to: "model.yaml")
        let file = folder.path("model.safetensors")
        let made = try FinishedProgram("sluice", ["init", "--layers-file", yaml, "--output", file])
        try #require(made.status == 0, "\(made.errorOutput)")
        return file
    }

    @Test(arguments: stateful)
    func `a mode that the daemon refuses is refused by predict with the same words, and inspect gives the reason`(
        example: Case
    ) throws {
        let folder = try TemporaryFolder()
        let file = try model(example.layers, batch: "1", in: folder)
        let daemon = try FinishedProgram("sluiced", [file, "--check-config"])
        #expect(daemon.status == 78)
        let words = try #require(daemon.errorOutput.split(separator: "sluiced: \(file): ").last)
        #expect(words.contains(example.refusal))
        for options in [[], ["--every"], ["--mode", "stateful"]] {
            let predict = try FinishedProgram("sluice", ["predict", file, "--quiet"] + options, input: Self.rows)
            #expect(predict.status == 64 && predict.output.isEmpty)
            #expect(predict.errorOutput.split(separator: "\n").first == "sluice: \(file): \(words.dropLast())")
        }
        let inspect = try FinishedProgram("sluice", ["inspect", file]).output
        #expect(inspect.contains("Served as    sequence, window:LENGTH:STRIDE\n"))
        #expect(inspect.contains("not stateful: \(words)"))
        let json = try FinishedProgram("sluice", ["inspect", file, "--json"]).output
        #expect(json.contains(#""served":["sequence","window:LENGTH:STRIDE"]"#))
    }

    @Test(arguments: stateful, ["sequence", "window:2:1"])
    func `a mode that the daemon accepts is accepted by predict`(example: Case, mode: String) throws {
        let folder = try TemporaryFolder()
        let file = try model(example.layers, batch: "1", in: folder)
        #expect(try FinishedProgram("sluiced", [file, "--mode", mode, "--check-config"]).status == 0)
        let predict = try FinishedProgram("sluice", ["predict", file, "--mode", mode, "--quiet"], input: Self.rows)
        #expect(predict.output.split(separator: "\n").count == (mode == "sequence" ? 2 : 3))
    }

    @Test func `a bidirectional model that answers every timestep gives the same answers in daemon and predict`() throws
    {
        let folder = try TemporaryFolder()
        let file = try model("[Bidirectional: {layer: {LSTM: {units: 3, return_sequences: true}}}]", in: folder)
        #expect(try FinishedProgram("sluice", ["inspect", file]).output.contains("with emit every"))
        let predict = try FinishedProgram("sluice", ["predict", file, "--every", "--quiet"], input: Self.rows)
        let rows = predict.output.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
        #expect(rows.map { $0[1] } == ["1", "2", "3"])

        let peer = try Peer(try DaemonProcess([file, "--emit", "every"]))
        try peer.feed("a", [1, 2, 3, 4, 5, 6], flags: .end)
        let decisions = try peer.decisions(of: "a", 3)
        #expect(decisions.map { "\($0.probabilities[0])" } == rows.map { String($0[2]) })
        #expect(decisions.map(\.step) == [1, 2, 3])
    }
}
