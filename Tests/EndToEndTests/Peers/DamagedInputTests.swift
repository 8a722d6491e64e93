import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

@Suite struct `Damaged input` {
    /// A short run of the fuzzer. `tools/check/fuzz-messages` runs it with 1,000,000 inputs.
    @Test func `damaged input crashes nothing, and changes no state if it is refused`() throws {
        let fuzz = try FinishedProgram("fuzz-messages", ["--inputs", "5000", "--seed", "7"])
        #expect(fuzz.status == 0, "\(fuzz.output)\(fuzz.errorOutput)")
        #expect(fuzz.output.contains("nothing crashed or hung"))
    }

    @Test func `a daemon answers every damaged request, and damaged timesteps disturb no stream`() throws {
        let inputs = values(40)
        let undisturbed = try Peer(try DaemonProcess([model2])).decide("s", inputs)

        let peer = try Peer(try DaemonProcess([model2], ingest: ["pull:@tcp://127.0.0.1:*"]))
        let requests = try Socket(.dealer, in: peer.context)
        try requests.set(.linger, to: 0)
        try requests.set(.receiveTimeout, to: 20_000)
        try requests.attach(
            to: try Endpoint(connecting(try peer.status().endpoints.control)), otherwise: .connect)
        // No mutation can turn one of these requests into a request that changes the stream.
        let sound: [ControlCommand] = [
            .status, .streams(prefix: "s", after: "r", limit: 10), .stream("s"), .snapshots, .export("s"),
            .readSnapshot(name: "a", after: nil, limit: 5),
        ]
        let texts = try sound.enumerated().map { index, command in
            try [UInt8](JSONEncoder().encode(ControlRequest(id: .integer(Int64(index)), command: command).json))
        }
        let message = [Array("x".utf8), Timesteps.bytes(values(3)), TimestepHeader(sequence: 1, flags: []).bytes]

        var random = SplitMix64(seed: 11)
        var decisions: [Decision] = []
        for value in inputs {
            for _ in 0..<20 {
                var request = try #require(texts.randomElement(using: &random))
                if Bool.random(using: &random) {
                    request.mutateText(using: &random)
                } else {
                    request.mutate(with: texts[0], using: &random)
                }
                try requests.sendFrames([request], wait: true)
                let reply = try #require(try requests.receiveFrames(wait: true), "no answer: \(request)")
                let json = try JSONDecoder().decode(JSONValue.self, from: Data(try #require(reply.last)))
                #expect(json.members?["result"] != nil || json.members?["error"] != nil)

                var frames = message
                frames[Int.random(in: 0..<3, using: &random)].mutate(with: message[1], using: &random)
                // Skip messages whose mutated id is `s`, the stream under test.
                if frames[0] != Array("s".utf8) { try peer.send(frames) }
            }
            decisions += try peer.decide("s", [value])
        }
        #expect(decisions.bits == undisturbed.bits)
    }
}
