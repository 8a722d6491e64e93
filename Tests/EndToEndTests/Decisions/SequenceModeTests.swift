import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `Sequence mode` {
    /// Models that are not stateful, which the daemon serves in sequence mode. The answer files contain Keras' answer
    /// to each prefix of a sequence.
    static let causal = [
        ("reference/model1", "reference/model1.csv"), ("reference/model3", "keras/model3_answers.csv"),
        ("reference/model4", "reference/model4.csv"),
    ]
    static let models = causal + [("reference/model5", "reference/model5.csv")]

    @Test(arguments: models, ["keras", "h5"])
    func `each sequence is decided once, when it is complete, with Keras' answer`(
        model: (file: String, answers: String), format: String
    ) throws {
        let daemon = try DaemonProcess([Fixtures.url("\(model.file).\(format)").path])
        let peer = try Peer(daemon)
        let reference = try KerasAnswers(model.answers)

        // Stream `one` gets each sequence in one message. Stream `other` then gets the same sequence, one timestep per
        // message.
        for sequence in reference.streams {
            try peer.feed("one", sequence.values)
            for value in sequence.values { try peer.feed("other", [value]) }
        }
        for stream in ["one", "other"] {
            let decisions = try peer.decisions(of: stream, reference.streams.count)
            for (number, (decision, sequence)) in zip(decisions, reference.streams).enumerated() {
                let last = try #require(sequence.answers.last)
                #expect(abs(decision.probabilities[0] - last) <= tolerance)
                #expect(decision.flags.contains(.final))
                #expect(decision.step == UInt64(sequence.values.count))
                #expect(decision.sequence == UInt64((number + 1) * sequence.values.count))
            }
        }
        #expect(try peer.status().models.first?.mode == "sequence")
    }

    @Test(arguments: causal)
    func `emit every gives Keras' answer to every prefix of a sequence`(model: (file: String, answers: String)) throws {
        let daemon = try DaemonProcess([Fixtures.url("\(model.file).keras").path, "--emit", "every"])
        let peer = try Peer(daemon)
        for sequence in try KerasAnswers(model.answers).streams {
            let decisions = try peer.decide("s", sequence.values)
            for (decision, answer) in zip(decisions, sequence.answers) {
                #expect(abs(decision.probabilities[0] - answer) <= tolerance)
            }
            #expect(decisions.map { $0.flags.contains(.final) }.firstIndex(of: true) == sequence.values.count - 1)
        }
    }

    @Test func `a sequence ends early at the end flag, and the next starts from zero`() throws {
        let daemon = try DaemonProcess([Fixtures.url("reference/model1.keras").path])
        let peer = try Peer(daemon)
        let sequence = try #require(try KerasAnswers("reference/model1.csv").streams.first)
        let early = Array(sequence.values.prefix(40))

        try peer.feed("s", early, flags: .end)
        try peer.feed("s", early, flags: .end)
        let decisions = try peer.decisions(of: "s", 2)

        #expect(abs(decisions[0].probabilities[0] - sequence.answers[39]) <= tolerance)
        #expect(decisions[0].probabilities == decisions[1].probabilities)
        #expect(decisions.map(\.step) == [40, 40])
    }

    @Test func `a value that is not a token is dropped and counted, and the tool names its line`() throws {
        let daemon = try DaemonProcess([Fixtures.url("reference/model4.keras").path])
        let peer = try Peer(daemon)
        let id = Array("s".utf8)
        for token: Int32 in [5, -1, .max, .min] { try peer.send([id, Timesteps.bytes(tokens: [1, token])]) }
        try peer.send([id, [1, 0, 0]])
        try peer.send([id, Timesteps.bytes(tokens: [0, 4])])
        try peer.waitForSequence(2, of: "s")

        let status = try peer.status()
        #expect(status.dropped["token"] == 4)
        #expect(status.dropped["length"] == 1)
        #expect(status.models.first?.tokens == 5)

        let tool = try FinishedProgram(
            "sluice", ["pipe", "--stream", "t", "--control", connecting(daemon.control)], input: "x0\n1\n5\n")
        #expect(tool.status == 65)
        #expect(tool.errorOutput.contains(":3:"))
        try peer.waitForSequence(1, of: "t")
    }
}
