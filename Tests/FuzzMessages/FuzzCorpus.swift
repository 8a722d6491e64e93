import Daemon
import Foundation
import Streams
import TestSupport
import Wire

/// The valid inputs from which damaged inputs are made.
struct FuzzCorpus {
    private var messages: [FuzzKind: [[[UInt8]]]] = [:]

    init(of subject: borrowing FuzzSubject) throws {
        messages[.binary] = Self.binary(subject)
        messages[.json] = Self.json.map { $0.map { Array($0.utf8) } }
        messages[.text] = ["s1 0.1 0.2", "w-1 -1e-3\t7 0.5 2\n", "t-1 3", "q-1 0 0.25 1"].map { [Array($0.utf8)] }
        messages[.batch] = try Self.batch()
        messages[.control] = try Self.control().map { [$0] }
        messages[.config] = Self.config.map { [Array($0.utf8)] }
    }

    /// Returns an input. Most inputs are damaged, but some are valid.
    func input(_ kind: FuzzKind, using random: inout SplitMix64) -> [[UInt8]] {
        guard let ofKind = messages[kind], var frames = ofKind.randomElement(using: &random),
            let other = ofKind.randomElement(using: &random)
        else { return [] }
        switch Int.random(in: 0..<20, using: &random) {
        case 0: return frames
        case 1: frames.append(other[0])
        case 2 where frames.count > 1: frames.removeLast()
        case 3: frames.swapAt(0, frames.count - 1)
        default: break
        }
        for _ in 0..<Int.random(in: 1...2, using: &random) {
            let index = Int.random(in: frames.indices, using: &random)
            let isText = kind != .binary && kind != .batch && Int.random(in: 0..<3, using: &random) > 0
            if isText {
                frames[index].mutateText(using: &random)
            } else {
                frames[index].mutate(with: other.randomElement(using: &random) ?? [], using: &random)
            }
        }
        return frames
    }

    private static func binary(_ subject: borrowing FuzzSubject) -> [[[UInt8]]] {
        var messages: [[[UInt8]]] = []
        for (model, prefix) in zip(subject.table.models, ["s-", "w-", "t-", "q-"]) {
            for count in [1, 3, 20] {
                let payload =
                    if let vocabulary = model.model.vocabulary {
                        Timesteps.bytes(tokens: (0..<count).map { Int32($0 % vocabulary) })
                    } else {
                        Timesteps.bytes((0..<count * model.model.features).map { Float(sin(Double($0))) })
                    }
                let id = Array("\(prefix)\(count)".utf8)
                messages.append([id, payload])
                messages.append([id, payload, TimestepHeader(sequence: 0, flags: .start).bytes])
                messages.append([id, payload, TimestepHeader(sequence: 0, flags: .end).bytes])
                messages.append([id, payload, TimestepHeader(sequence: UInt64(count), flags: []).bytes])
            }
        }
        return messages
    }

    /// Messages of many streams, and dictionaries. A worker announces the dictionary before the first input.
    private static func batch() throws -> [[[UInt8]]] {
        let dictionary = try FuzzSubject.dictionary()
        let floats = BatchMessage.Values.floats((0..<12).map { Float(sin(Double($0))) })
        let flags: [[TimestepHeader.Flags]] = [[], [.start, [], .end]]
        var messages = [dictionary.frames, try StreamDictionary(ids: [Array("other".utf8)]).frames]
        for sequences in [[], [1, 0, 7] as [UInt64]] {
            for flags in flags {
                for ids in [["s-1", "w-1", "s-22"], ["q-1", "q-2", "q-1"]] {
                    messages.append(
                        BatchMessage(
                            streams: .ids(ids.map { Array($0.utf8) }), values: floats, sequences: sequences,
                            flags: flags
                        ).frames)
                }
                messages.append(
                    BatchMessage(
                        streams: .numbers([2, 0, 2], dictionary: dictionary.hash), values: floats, sequences: sequences,
                        flags: flags
                    ).frames)
                messages.append(
                    BatchMessage(
                        streams: .all(count: 3, dictionary: dictionary.hash), values: floats, sequences: sequences,
                        flags: flags
                    ).frames)
                messages.append(
                    BatchMessage(
                        streams: .ids(["t-1", "t-2", "t-3"].map { Array($0.utf8) }),
                        values: .tokens([1, 2, 3, 0, 1, 2]),
                        sequences: sequences, flags: flags
                    ).frames)
            }
        }
        return messages
    }

    private static let json = [
        [#"{"stream": "s1", "values": [0.1, 0.2], "sequence": 7, "start": true, "end": false}"#],
        [#"{"stream": "w-\u00e9\"\\", "values": [[0.1, -1e-3], [2.5E2, 0]], "end": true}"#],
        ["s2", #"{"values": [[0.5, 0.25]]}"#],
        ["t-1", #"{"values": [[1], [2], [3]], "sequence": 18446744073709551615}"#],
        ["q-1", #"{"values": [1, 2, 3], "start": false}"#],
    ]

    private static func control() throws -> [[UInt8]] {
        var subject = try FuzzSubject()
        _ = subject.take(["s1", #"{"values": [[0.5, 0.25]]}"#].map { Array($0.utf8) }, as: .json)
        let images = try subject.table.copy(.all).images.map { StreamExport($0, model: "state") }
        let commands: [ControlCommand] =
            [
                .status, .streams(prefix: "s", after: "s1", limit: 10), .stream("s1"), .reset(.all),
                .history(HistoryRequest(.named(["s1", "s2"]), points: 3)),
                .history(HistoryRequest(.recent(5, search: "s", model: "state"), since: 0.5)),
                .remove(.prefix("w-")),
                .snapshot(name: "a", .all), .snapshots, .restore(name: "a", .stream("s1")), .deleteSnapshot(name: "a"),
                .readSnapshot(name: "a", after: nil, limit: 5), .writeSnapshot(name: "b", images), .export("s1"),
                .reload(model: "state", reset: true), .pause(.stream("s1")), .resume(.all), .checkpoint, .shutdown,
                .drain(node: "n2"),
            ] + images.map { .import($0, as: "s9") }
        return try commands.enumerated().map { index, command in
            try [UInt8](JSONEncoder().encode(ControlRequest(id: .integer(Int64(index)), command: command).json))
        }
    }

    private static let config = [
        """
        ingest:
          - "@tcp://127.0.0.1:5550"
          - {endpoint: "pull:@ipc:///run/sluice/readings", codec: json}
        decisions: {endpoint: "@tcp://127.0.0.1:5551", codec: binary}
        control: "@tcp://127.0.0.1:5552"
        last_value: true
        high_water_mark: 1000
        state: {dir: /var/lib/sluice, durability: journal, interval: 5, idle_after: 60, max_streams: 1000}
        models:
          power: {file: model2.keras, prefixes: ["meter-", "s"], mode: stateful, threshold: {rise: 0.6, fall: 0.4}}
          splice: {file: model5.keras, prefixes: ["dna-"], mode: sequence, gap: reset, max_length: 100, on_fault: zero}
        """,
        """
        models:
          last: {file: "/a/b.safetensors", mode: {window: {length: 24, stride: 1}}, threshold: 0.5, emit: [last]}
        """,
        #"{"models": {"a": {"file": "\u0061.h5", "mode": "window:24:2", "emit": "final"}}}"#,
    ]
}

extension ControlReply {
    /// Whether the reply can be encoded as JSON. This must hold for every reply.
    var isWritten: Bool { (try? JSONEncoder().encode(self)) != nil }
}
