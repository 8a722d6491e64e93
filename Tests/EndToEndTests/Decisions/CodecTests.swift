import Client
import Foundation
import TestSupport
import Testing
import Wire
import ZeroMQ

@Suite struct `Timesteps and decisions as text` {
    /// Returns the frames of one message in a codec. Each timestep has one feature.
    private func message(
        _ codec: IngestCodec, _ stream: String, _ values: [Float], sequence: UInt64? = nil
    ) -> [[UInt8]] {
        switch codec {
        case .binary:
            let header = sequence.map { [TimestepHeader(sequence: $0).bytes] } ?? []
            return [Array(stream.utf8), Timesteps.bytes(values)] + header
        case .json:
            let rows = values.map { "[\($0)]" }.joined(separator: ", ")
            let rest = sequence.map { #", "sequence": \#($0)"# } ?? ""
            return [Array(#"{"stream": "\#(stream)", "values": [\#(rows)]\#(rest)}"#.utf8)]
        case .text:
            return values.map { Array("\(stream) \($0)\n".utf8) }
        case .batch:
            return BatchMessage(
                streams: .ids([Array(stream.utf8)]), values: .floats(values), sequences: sequence.map { [$0] } ?? []
            ).frames
        }
    }

    /// Starts a daemon with a single ingest endpoint and returns its peer.
    private func peer(
        _ ingest: IngestCodec, decisions: DecisionCodec, kind: String = "", in folder: TemporaryFolder
    ) throws -> Peer {
        let text = """
            ingest: [{endpoint: "\(kind)@tcp://127.0.0.1:*", codec: \(ingest)}]
            decisions: {endpoint: "@tcp://127.0.0.1:1", codec: \(decisions)}
            models: {power: {file: \(model2)}}
            """
        let file = try folder.write(text, to: "\(ingest)-\(decisions).yaml")
        return try Peer(try DaemonProcess(["--config", file], ingest: []))
    }

    @Test(arguments: [IngestCodec.json, .text, .batch], ["", "pull:"])
    func `text, JSON and batch timesteps give Keras' answers with the same bits as binary timesteps`(
        codec: IngestCodec, kind: String
    ) throws {
        let folder = try TemporaryFolder()
        let reference = try KerasAnswers("reference/model2.csv")
        let binary = try Peer(try DaemonProcess([model2]))
        let peer = try peer(codec, decisions: .json, kind: kind, in: folder)

        for step in 0..<24 {
            for stream in reference.streams {
                try peer.send(message(codec, stream.name, [stream.values[step]]))
            }
        }
        for stream in reference.streams {
            let decisions = try peer.decisions(of: stream.name, 24)
            let same = try binary.decide(stream.name, stream.values)
            #expect(decisions.map(\.sequence) == Array(1...24))
            #expect(decisions.bits == same.bits)
            for (decision, answer) in zip(decisions, stream.answers) {
                #expect(abs(decision.probabilities[0] - answer) <= tolerance)
            }
        }
        #expect(try peer.status().codecs == DaemonStatus.Codecs(ingest: [codec], decisions: .json))
        #expect(try binary.status().codecs == nil)
    }

    @Test func `the decisions on several timesteps are separate messages of one JSON object each, in order`() throws {
        let folder = try TemporaryFolder()
        let peer = try peer(.json, decisions: .json, in: folder)
        let status = try peer.status()
        let subscriber = try Socket(.sub, in: peer.context)
        try subscriber.set(.receiveTimeout, to: 10_000)
        try subscriber.subscribe("")
        try subscriber.attach(to: try Endpoint(connecting(status.endpoints.decisions)), otherwise: .connect)
        try subscriber.subscribe("!sluice/subscribed/codecs")
        while try #require(try subscriber.receiveFrames(wait: true))[0] != Array("!sluice/subscribed/codecs".utf8) {}

        let inputs = values(5)
        try peer.send([Array("a\"b".utf8), Array(#"{"values": [\#(list(inputs))], "end": true}"#.utf8)])
        for step in 1...5 {
            let frames = try #require(try subscriber.receiveFrames(wait: true))
            #expect(frames.count == 2 && frames[0] == Array("a\"b".utf8))
            let object = try JSONDecoder().decode(JSONValue.self, from: Data(frames[1])).members ?? [:]
            #expect(
                object.keys.sorted() == [
                    "changed", "final", "first", "gap", "label", "probability", "sequence", "step", "stream", "time",
                ])
            #expect(object["stream"] == .string("a\"b"))
            #expect(object["step"] == .integer(Int64(step)))
            #expect(object["final"] == .bool(step == 5))
            #expect(object["first"] == .bool(step == 1))
        }
    }

    private func list(_ values: [Float]) -> String { values.map { "[\($0)]" }.joined(separator: ",") }

    /// Malformed messages by codec, and the drop cause that the daemon must count for each message.
    static let malformed: [IngestCodec: [(cause: DropCause, frames: [String])]] = [
        .json: [
            (.frames, ["s", #"{"values":[1]}"#, ""]),
            (.json, [""]),
            (.json, ["s", ""]),
            (.json, ["s 0.1"]),
            (.json, ["s", #"{"values":[1],"flags":1}"#]),
            (.json, ["s", #"{"values":["1"]}"#]),
            (.json, ["s", #"{"values":[1],"sequence":-1}"#]),
            (.json, ["s", String(repeating: "[", count: 100_000)]),
            (.id, [#"{"values":[1]}"#]),
            (.id, [#"{"stream":"a\nb","values":[1]}"#]),
            (.id, ["t", #"{"stream":"s","values":[1]}"#]),
            (.id, [#"{"stream":"!sluice/x","values":[1]}"#]),
            (.length, ["s", #"{"values":[]}"#]),
            (.length, ["s", #"{"values":[1,2]}"#]),
            (.length, ["new", #"{"values":[[1,2]]}"#]),
            (.nonFinite, ["s", #"{"values":[1e39]}"#]),
            (.nonFinite, ["s", #"{"values":[[1],[NaN]]}"#]),
            (.sequence, ["s", #"{"values":[[1],[1]],"sequence":18446744073709551615}"#]),
        ],
        .text: [
            (.frames, ["s", "0.1"]),
            (.frames, ["s 0.1", "", ""]),
            (.id, [""]),
            (.id, [" \n"]),
            (.id, ["!sluice/x 1"]),
            (.id, [String(repeating: "x", count: 256) + " 1"]),
            (.length, ["s"]),
            (.length, ["s 1 2"]),
            (.text, ["s one"]),
            (.text, ["s 0,1"]),
            (.text, [#"{"stream": "s", "values": [0.1]}"#]),
            (.nonFinite, ["s nan"]),
            (.nonFinite, ["s -1e39"]),
        ],
    ]

    @Test(arguments: [IngestCodec.json, .text])
    func `malformed messages are dropped and counted by cause, and change nothing`(codec: IngestCodec) throws {
        let folder = try TemporaryFolder()
        let peer = try peer(codec, decisions: .binary, in: folder)
        let malformed = try #require(Self.malformed[codec])
        let inputs = values(20)
        for value in inputs { try peer.send(message(codec, "undisturbed", [value])) }
        let undisturbed = try peer.decisions(of: "undisturbed", 20)

        for value in inputs {
            for bad in malformed { try peer.send(bad.frames.map { Array($0.utf8) }) }
            try peer.send(message(codec, "s", [value]))
        }
        let decisions = try peer.decisions(of: "s", 20)

        let status = try peer.status()
        for cause in DropCause.allCases {
            let sent = 20 * malformed.count { $0.cause == cause }
            #expect(status.dropped[cause.rawValue] == UInt64(sent), "\(cause)")
        }
        #expect(decisions.bits == undisturbed.bits)
        #expect(status.streams == 2)
    }

    @Test func `a message with too many values is dropped and counted, and changes nothing`() throws {
        let peer = try peer(.json, decisions: .binary, in: try TemporaryFolder())
        let undisturbed = try {
            for value in values(4) { try peer.send(message(.json, "undisturbed", [value])) }
            return try peer.decisions(of: "undisturbed", 4)
        }()
        let large = message(.json, "s", [Float](repeating: 1.5, count: 1 + ParsedTimesteps.maximumLength / 6))
        for value in values(4) {
            try peer.send(large)
            try peer.send(message(.json, "s", [value]))
        }
        #expect(try peer.decisions(of: "s", 4).bits == undisturbed.bits)
        #expect(try peer.status().dropped["too_large"] == 4)
    }

    @Test func `endpoints of different codecs can feed the same streams at once`() throws {
        let folder = try TemporaryFolder()
        let text = """
            ingest:
              - "@tcp://127.0.0.1:*"
              - {endpoint: "pull:@tcp://127.0.0.1:*", codec: json}
            models: {power: {file: \(model2)}}
            """
        let peer = try Peer(try DaemonProcess(["--config", try folder.write(text, to: "two.yaml")], ingest: []))
        let status = try peer.status()
        #expect(status.endpoints.ingest.map { $0.hasPrefix("pull:") } == [false, true])
        #expect(status.codecs == DaemonStatus.Codecs(ingest: [.binary, .json], decisions: .binary))
        let binary = try Socket(.xpub, in: peer.context)
        try binary.set(.linger, to: 0)
        try binary.set(.receiveTimeout, to: 10_000)
        try binary.attach(to: try Endpoint(connecting(status.endpoints.ingest[0])), otherwise: .connect)
        try #require(try binary.receiveFrames(wait: true) == [[1]])

        let inputs = values(40)
        let whole = try Peer(try DaemonProcess([model2])).decide("s", inputs)
        var decisions: [Decision] = []
        for (index, value) in inputs.enumerated() {
            let sequence = UInt64(index + 1)
            if index.isMultiple(of: 2) {
                try binary.sendFrames(message(.binary, "s", [value], sequence: sequence), wait: true)
            } else {
                try peer.send(message(.json, "s", [value], sequence: sequence))
            }
            decisions += try peer.decisions(of: "s", 1)
        }

        #expect(decisions.bits == whole.bits)
        #expect(try peer.status().dropped.values.allSatisfy { $0 == 0 })
    }

    @Test func `the flag --codec sets the codec of the decisions and of every ingest endpoint`() throws {
        let peer = try Peer(
            try DaemonProcess(
                [model2, "--codec", "json"], ingest: ["@tcp://127.0.0.1:*", "pull:@tcp://127.0.0.1:*"]))
        try peer.send(message(.json, "s", [0.5, 0.25]))
        #expect(try peer.decisions(of: "s", 2).map(\.step) == [1, 2])
        #expect(try peer.status().codecs == DaemonStatus.Codecs(ingest: [.json, .json], decisions: .json))
        #expect(try FinishedProgram("sluiced", [model2, "--codec", "text"]).status == 64)
    }
}
