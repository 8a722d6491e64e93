import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests with model5, whose Bidirectional layer needs all 20 tokens of a sequence.
@Suite struct `A model that needs whole sequences` {
    private static let model5 = Fixtures.url("reference/model5.keras").path
    private let model5 = Self.model5
    private let sequences: [(name: String, values: [Float], answers: [Float])]
    private var tokens: [Float] { sequences.flatMap(\.values) }

    init() throws {
        sequences = try KerasAnswers("reference/model5.csv").streams
        try #require(sequences.allSatisfy { $0.values.count == 20 && $0.answers.count == 1 })
    }

    /// Sends timesteps in messages of `length` timesteps each. The last message may be shorter.
    private func feed(_ peer: Peer, _ stream: String, _ values: some Sequence<Float>, by length: Int) throws {
        let values = Array(values)
        for start in stride(from: 0, to: values.count, by: length) {
            try peer.feed(stream, Array(values[start..<min(values.count, start + length)]))
        }
    }

    @Test func `a model that needs whole sequences gives the same bits for messages of any size`() throws {
        let peer = try Peer(try DaemonProcess([model5]))
        let decisions = try [1, 7, 20, tokens.count].map { length in
            try feed(peer, "by-\(length)", tokens, by: length)
            return try peer.decisions(of: "by-\(length)", sequences.count).bits
        }
        #expect(Set(decisions).count == 1)
        #expect(Set(decisions[0]).count > 10)
    }

    @Test func `a sequence continues across a stop, a crash and a restore with the same bits`() throws {
        let folder = try TemporaryFolder()
        let undisturbed = try Peer(try DaemonProcess([model5]))
        try feed(undisturbed, "s", tokens, by: 20)
        let expected = try undisturbed.decisions(of: "s", sequences.count).bits

        let arguments = [model5, "--state-dir", folder.path, "--checkpoint-interval", "3600"]
        let first = try DaemonProcess(arguments)
        var peer = try Peer(first)
        try feed(peer, "s", tokens[..<33], by: 7)
        var decisions = try peer.decisions(of: "s", 1)
        try peer.waitForSequence(33, of: "s")
        #expect(first.stop() == 0)

        let second = try DaemonProcess(arguments)
        peer = try Peer(second)
        try feed(peer, "s", tokens[33..<58], by: 1)
        decisions += try peer.decisions(of: "s", 1)
        try peer.waitForSequence(58, of: "s")
        _ = try peer.control.call(.checkpoint)
        try feed(peer, "s", tokens[..<31], by: 31)
        try peer.waitForSequence(89, of: "s")
        second.kill()

        peer = try Peer(try DaemonProcess(arguments))
        #expect(try peer.control.stream("s")?.step == 18)
        _ = try peer.control.call(.snapshot(name: "within", .all))
        let left = sequences.count - decisions.count
        try feed(peer, "s", tokens[58...], by: 3)
        let once = try peer.decisions(of: "s", left)
        _ = try peer.control.call(.restore(name: "within", .all))
        try feed(peer, "s", tokens[58...], by: tokens.count)
        let again = try peer.decisions(of: "s", left)

        #expect((decisions + once).bits == expected)
        #expect(once.bits == again.bits)
    }

    @Test func `the end flag asks for a decision on the timesteps so far`() throws {
        let peer = try Peer(try DaemonProcess([model5]))
        let begin = Array(sequences[0].values.prefix(8))
        try peer.feed("s", begin, flags: .end)
        try peer.feed("s", sequences[1].values)
        try peer.feed("s", begin)
        try peer.feed("s", Array(begin.prefix(1)), flags: .end)
        try peer.feed("s", begin, flags: .end)
        let decisions = try peer.decisions(of: "s", 4)
        #expect(decisions.map(\.step) == [8, 20, 9, 8])
        #expect(decisions[0].probabilities == decisions[3].probabilities)
        #expect(decisions[0].probabilities != decisions[2].probabilities)
        #expect(abs(decisions[1].probabilities[0] - sequences[1].answers[0]) <= tolerance)
    }

    /// Writes a copy of model5 that accepts sequences of any length, as if Keras had saved it with the input shape
    /// (None,). Returns the path of the copy.
    private func openModel5(in folder: TemporaryFolder) throws -> String {
        var file = try Data(contentsOf: Fixtures.url("reference/model5.h5"))
        // The replacement must have the same number of bytes, because nothing in the file may move.
        let fixed = try #require(file.firstRange(of: Data(#""batch_shape": [null, 20]"#.utf8)))
        file.replaceSubrange(fixed, with: Data(#""batch_shape":[null,null]"#.utf8))
        try file.write(to: folder.url("open.h5"))
        return folder.path("open.h5")
    }

    @Test func `a sequence that becomes too long is dropped and counted, and the next one is decided`() throws {
        let folder = try TemporaryFolder()
        let arguments = [
            try openModel5(in: folder), "--max-length", "20", "--state-dir", folder.path("state"),
            "--checkpoint-interval", "3600",
        ]
        let first = try DaemonProcess(arguments)
        var peer = try Peer(first)
        try peer.feed("s", sequences[0].values, flags: .end)
        try feed(peer, "s", tokens.prefix(22), by: 1)
        try peer.waitForSequence(42, of: "s")
        #expect(try peer.status().dropped["too_long"] == 2)
        #expect(first.log.contains("too_long"))
        _ = try peer.control.call(.checkpoint)
        first.kill()

        peer = try Peer(try DaemonProcess(arguments))
        #expect(try peer.control.stream("s")?.step == 22)
        try peer.feed("s", sequences[2].values, flags: .end)
        try peer.feed("s", sequences[1].values, flags: .end)
        let decision = try #require(try peer.decisions(of: "s", 1).first)
        #expect(decision.sequence == 82)
        #expect(abs(decision.probabilities[0] - sequences[1].answers[0]) <= tolerance)
        #expect(try peer.status().dropped["too_long"] == 1)
    }

    @Test(arguments: [(20, 1), (20, 20), (12, 5)])
    func `each window gives the same bits as a separate sequence`(length: Int, stride: Int) throws {
        let values = Array(tokens.prefix(100))
        let ends = Array(Swift.stride(from: length, through: values.count, by: stride))
        let alone = try Peer(try DaemonProcess([model5]))
        for end in ends { try alone.feed("s", Array(values[(end - length)..<end]), flags: .end) }
        let peer = try Peer(try DaemonProcess([model5, "--mode", "window:\(length):\(stride)"]))
        try feed(peer, "s", values, by: 7)
        let decisions = try peer.decisions(of: "s", ends.count)
        #expect(decisions.probabilityBits == (try alone.decisions(of: "s", ends.count).probabilityBits))
        #expect(decisions.map(\.sequence) == ends.map { UInt64($0) })
        if stride == 20 {
            for (decision, sequence) in zip(decisions, sequences) {
                #expect(abs(decision.probabilities[0] - sequence.answers[0]) <= tolerance)
            }
        }
    }

    static let refusals: [([String], [String])] = [
        (["--mode", "stateful"], ["model5.keras", "stateful", "sequence or window:LENGTH:STRIDE"]),
        (["--emit", "every"], ["model5.keras", "'every'", "final or change"]),
        (["--emit", "last"], ["model5.keras", "'last'", "final or change"]),
        (["--max-length", "19"], ["model5.keras", "20 timesteps", "max_length of 20"]),
    ]

    @Test(arguments: refusals)
    func `options under which a model gives no answers are refused with exit status 78, and alternatives are named`(
        options: [String], words: [String]
    ) throws {
        for check in [[], ["--check-config"]] {
            let ended = try FinishedProgram("sluiced", [model5] + options + check)
            #expect(ended.status == 78)
            let complaint = try #require(ended.errorOutput.split(separator: "\n").last { $0.hasPrefix("sluiced: ") })
            for word in words { #expect(complaint.contains(word)) }
        }
    }

    @Test func `--check-config accepts windows, emit change and the model's own length`() throws {
        for options in [
            [], ["--emit", "change"], ["--max-length", "20"], ["--mode", "window:20:1"],
            ["--mode", "window:20:5", "--emit", "last"],
        ] {
            #expect(try FinishedProgram("sluiced", [model5, "--check-config"] + options).status == 0)
        }
    }
}
