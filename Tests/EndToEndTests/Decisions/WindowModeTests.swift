import Client
import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `Window mode` {
    private let window = ["--mode", "window:24:1"]

    /// Returns the bits of the answer to each window, computed by a daemon in `stateful` mode that steps every window
    /// from the zero state.
    private func answers(to values: [Float], length: Int, stride: Int) throws -> [UInt32] {
        let peer = try Peer(try DaemonProcess([model2, "--mode", "stateful", "--emit", "last"]))
        let ends = Array(Swift.stride(from: length, through: values.count, by: stride))
        for end in ends { try peer.feed("alone", Array(values[(end - length)..<end]), flags: .start) }
        return try peer.decisions(of: "alone", ends.count).probabilityBits
    }

    /// Sends timesteps in messages whose sizes cycle through `cuts`.
    private func feed(_ peer: Peer, _ stream: String, _ values: [Float], cuts: [Int]) throws {
        var rest = values[...]
        for index in 0... {
            guard !rest.isEmpty else { return }
            try peer.feed(stream, Array(rest.prefix(cuts[index % cuts.count])))
            rest = rest.dropFirst(cuts[index % cuts.count])
        }
    }

    @Test(arguments: [(24, 1), (24, 24), (10, 3), (5, 7)])
    func `each window gives the same bits as a separate sequence, for messages of any size`(
        length: Int, stride: Int
    ) throws {
        let inputs = values(100, seed: 3)
        let expected = try answers(to: inputs, length: length, stride: stride)
        let daemon = try DaemonProcess([model2, "--mode", "window:\(length):\(stride)"])
        let peer = try Peer(daemon)
        for (name, cuts) in [("single", [1]), ("sevens", [7]), ("whole", [100])] {
            try feed(peer, name, inputs, cuts: cuts)
            let decisions = try peer.decisions(of: name, expected.count)
            #expect(decisions.probabilityBits == expected)
            #expect(decisions.map(\.sequence) == expected.indices.map { UInt64(length + $0 * stride) })
        }
        let status = try peer.status()
        #expect(status.models.first?.mode == "window:\(length):\(stride)")
        #expect(try peer.control.stream("whole")?.step == 100)
        let table = try FinishedProgram("sluice", ["status", "--control", connecting(daemon.control)])
        #expect(table.output.contains("window:\(length):\(stride)"))
    }

    @Test func `a one-day window gives Keras' answer at the end of each day`() throws {
        let peer = try Peer(try DaemonProcess([model2, "--mode", "window:24:24"]))
        let days = try KerasAnswers("reference/model2.csv").streams
        for day in days { try peer.feed("meter", day.values) }
        let decisions = try peer.decisions(of: "meter", days.count)
        for (decision, day) in zip(decisions, days) {
            #expect(abs(decision.probabilities[0] - (try #require(day.answers.last))) <= tolerance)
        }
    }

    @Test func `an end flag decides at once, and a start flag empties the window`() throws {
        let inputs = values(30)
        let peer = try Peer(try DaemonProcess([model2] + window))
        try peer.feed("s", Array(inputs[..<10]), flags: .end)
        try peer.feed("s", Array(inputs[..<20]))
        try peer.feed("s", Array(inputs[..<24]), flags: .start)
        let decisions = try peer.decisions(of: "s", 2)
        #expect(decisions.map(\.step) == [10, 24])
        #expect(decisions.map { $0.flags.contains(.final) } == [true, false])
        let alone = try answers(to: Array(inputs[..<10]), length: 10, stride: 1)
        #expect(decisions.probabilityBits == alone + (try answers(to: Array(inputs[..<24]), length: 24, stride: 1)))
    }

    @Test(arguments: [5, 24, 40])
    func `a stop, a crash and a restore within a window change no bits`(place: Int) throws {
        let folder = try TemporaryFolder()
        let inputs = values(90, seed: 6)
        let expected = try answers(to: inputs, length: 24, stride: 1)
        let arguments = [model2, "--state-dir", folder.path, "--checkpoint-interval", "3600"] + window
        let decided = max(0, place - 23)

        let first = try DaemonProcess(arguments)
        var peer = try Peer(first)
        try feed(peer, "s", Array(inputs[..<place]), cuts: [7])
        var decisions = try peer.decisions(of: "s", decided)
        try peer.waitForSequence(UInt64(place), of: "s")
        #expect(first.stop() == 0)

        let second = try DaemonProcess(arguments)
        peer = try Peer(second)
        try feed(peer, "s", Array(inputs[place..<(place + 10)]), cuts: [1])
        decisions += try peer.decisions(of: "s", max(0, place + 10 - 23) - decided)
        try peer.waitForSequence(UInt64(place + 10), of: "s")
        _ = try peer.control.call(.checkpoint)
        second.kill()

        peer = try Peer(try DaemonProcess(arguments))
        _ = try peer.control.call(.snapshot(name: "within", .all))
        let rest = Array(inputs[(place + 10)...])
        let left = expected.count - decisions.count
        try feed(peer, "s", rest, cuts: [3])
        let once = try peer.decisions(of: "s", left)
        _ = try peer.control.call(.restore(name: "within", .all))
        try feed(peer, "s", rest, cuts: [rest.count])
        let again = try peer.decisions(of: "s", left)

        #expect((decisions + once).probabilityBits == expected)
        #expect(once.bits == again.bits)
    }

    @Test(arguments: [["--mode", "stateful"], ["--mode", "window:48:1"]])
    func `state from another mode or window is refused with exit status 65`(other: [String]) throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path]
        let first = try DaemonProcess(arguments + window)
        let peer = try Peer(first)
        _ = try peer.feed("s", values(30))
        try peer.waitForSequence(30, of: "s")
        #expect(first.stop() == 0)

        let refused = try FinishedProgram("sluiced", arguments + other)
        #expect(refused.status == 65)
        #expect(refused.errorOutput.contains("window:24"))
        #expect(refused.errorOutput.contains(other[1]))

        // A daemon with a different stride can continue from this state.
        let again = try Peer(try DaemonProcess(arguments + ["--mode", "window:24:5"]))
        #expect(try again.control.stream("s")?.step == 30)
    }
}
