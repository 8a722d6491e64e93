import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Tests bad messages in the codec `batch`, and bad dictionaries.
@Suite struct `Bad messages of many streams` {
    private static let known = ["s", "t", "u"].map { Array($0.utf8) }

    private static func message(
        _ ids: [String], _ values: [Float], sequences: [UInt64] = [], flags: [TimestepHeader.Flags] = []
    ) -> [[UInt8]] {
        BatchMessage(
            streams: .ids(ids.map { Array($0.utf8) }), values: .floats(values), sequences: sequences, flags: flags
        ).frames
    }

    /// Returns a message of two entries, changed by the closure.
    private static func changed(_ change: (inout [[UInt8]]) -> Void) -> [[UInt8]] {
        var frames = message(["s", "t"], [1, 2], sequences: [1, 2], flags: [[], []])
        change(&frames)
        return frames
    }

    /// Messages, each with the causes of the expected drops. The daemon serves `power` (1 feature) and, for the prefix
    /// `dna-`, a model that takes tokens.
    private static let bad: [(causes: [DropCause], frames: [[UInt8]])] = {
        let hash = (try? StreamDictionary(ids: known).hash) ?? 0
        let none: UInt64 = 12345
        let repeated = BatchHeader(.dictionary, count: 2, dictionary: none).bytes
        return [
            ([.batch], [[]]),
            ([.batch], [Array("s".utf8), Timesteps.bytes([1])]),
            ([.batch], changed { $0.removeLast(3) }),
            ([.batch], changed { $0.append([]) }),
            ([.batch], changed { $0[0].append(0) }),
            ([.batch], changed { $0[0][0] = 2 }),
            ([.batch], changed { $0[0][1] = 3 }),
            ([.batch], changed { $0[0][2] = 2 }),
            ([.batch], changed { $0[0][3] = 1 }),
            ([.batch], changed { $0[0][4] = 0 }),
            ([.batch], changed { $0[0][4] = 3 }),
            ([.batch], changed { $0[0][6] = 255 }),
            ([.batch], changed { $0[0][8] = 1 }),
            ([.batch], changed { $0[1] = [] }),
            ([.batch], changed { $0[1].append(0) }),
            ([.batch], changed { $0[1] = Array(repeating: 97, count: 512) }),
            ([.batch], changed { $0[2] = [] }),
            ([.batch], changed { $0[2].removeLast() }),
            ([.batch], changed { $0[2].removeLast(4) }),
            ([.batch], changed { $0[3].removeLast() }),
            ([.batch], changed { $0[4].append(0) }),
            ([.batch], changed { $0[4][1] = 4 }),
            ([.batch], BatchMessage(streams: .numbers([0, 3], dictionary: hash), values: .floats([1, 2])).frames),
            ([.batch], BatchMessage(streams: .all(count: 4, dictionary: hash), values: .floats([1, 2, 3, 4])).frames),
            ([.batch], [BatchHeader(.dictionary, count: 2, dictionary: 1).bytes]),
            ([.batch], [BatchHeader(.dictionary, count: 2, dictionary: 1).bytes, [97, 98, 99]]),
            ([.dictionary], BatchMessage(streams: .all(count: 1, dictionary: none), values: .floats([1])).frames),
            ([.dictionary], BatchMessage(streams: .numbers([9], dictionary: none), values: .floats([1])).frames),
            ([.dictionary], [repeated, [97, 97]]),
            ([.dictionary], [repeated, [97, 0]]),
            ([.dictionary], [repeated, [97, 98]]),
            ([.dictionary], [BatchHeader(.dictionary, count: 3, dictionary: hash).bytes, Array("stv".utf8)]),
            // Only the bad entries are dropped. The good entries among them are consumed.
            ([.id, .id], message(["", "good", "a\u{7}"], [1, 1, 1])),
            ([.id, .id], message(["!x", "good", "a\0b"], [1, 1, 1])),
            ([.nonFinite], message(["good", "s"], [1, .nan])),
            ([.sequence], message(["s", "good"], [1, 1, 1, 1], sequences: [.max, 0])),
            ([.length], message(["dna-x", "good"], [1, 1])),
            ([.length], BatchMessage(streams: .ids([Array("s".utf8)]), values: .tokens([1])).frames),
            (
                [.token],
                BatchMessage(streams: .ids([Array("dna-x".utf8), Array("dna-y".utf8)]), values: .tokens([99, 1])).frames
            ),
        ]
    }()

    @Test func `bad messages and entries are dropped and counted by cause, and change nothing`() throws {
        let folder = try TemporaryFolder()
        let text = """
            ingest: [{endpoint: "pull:@tcp://127.0.0.1:*", codec: batch}]
            decisions: "@tcp://127.0.0.1:*"
            control: "@tcp://127.0.0.1:*"
            models:
              power: {file: \(model2)}
              dna: {file: \(Fixtures.url("reference/model4.keras").path), prefixes: [dna-]}
            """
        let file = try folder.write(text, to: "two.yaml")
        let peer = try Peer(try DaemonProcess(["--config", file], ingest: [], decisions: "@tcp://127.0.0.1:*"))
        let inputs = values(10)
        for value in inputs { try peer.send(Self.message(["undisturbed"], [value])) }
        let undisturbed = try peer.decisions(of: "undisturbed", 10)
        try peer.send(try StreamDictionary(ids: Self.known).frames)
        for value in inputs {
            for bad in Self.bad { try peer.send(bad.frames) }
            try peer.send(Self.message(["s"], [value]))
        }
        #expect(try peer.decisions(of: "s", 10).bits == undisturbed.bits)
        let status = try peer.status()
        for cause in DropCause.allCases {
            let expected = 10 * Self.bad.flatMap(\.causes).count { $0 == cause }
            #expect(status.dropped[cause.rawValue] == UInt64(expected), "\(cause)")
        }
        // The four streams are `undisturbed`, `s`, `good` and `dna-y`.
        #expect(status.streams == 4)
        #expect(status.dictionaries == 1)
    }

    @Test func `a message with a frame that exceeds the size limit is dropped as a whole`() throws {
        let peer = try Peer(
            try DaemonProcess([model2, "--max-message-size", "1048576"], ingest: [batchEndpoint]))
        try peer.send(Self.message(["s", "t"], [Float](repeating: 0, count: 300_000)))
        try peer.send(Self.message(["s"], [1]))
        _ = try peer.decisions(of: "s", 1)
        #expect(try peer.status().dropped["too_large"] == 1)
        #expect(try peer.status().streams == 1)
    }

    /// Sends messages, and checks that each timestep reaches the right stream.
    private final class Routing {
        let peer: Peer
        private var sequences: [String: UInt64] = [:]

        init(_ peer: Peer) { self.peer = peer }

        func send(_ streams: BatchMessage.Streams, _ ids: [String]) throws {
            try peer.send(
                BatchMessage(streams: streams, values: .floats(Array(repeating: 0.5, count: ids.count))).frames)
            for (id, count) in Dictionary(ids.map { ($0, 1) }, uniquingKeysWith: +) {
                sequences[id, default: 0] += UInt64(count)
                #expect(try peer.decisions(of: id, count).last?.sequence == sequences[id], "\(id)")
            }
        }

        func remove(_ prefix: String) throws {
            _ = try peer.control.call(.remove(.prefix(prefix)), as: [String: Int].self)
            for id in sequences.keys where id.hasPrefix(prefix) { sequences[id] = nil }
        }
    }

    private static func ids(_ prefix: String, _ count: Int) -> [String] { (0..<count).map { "\(prefix)\($0)" } }

    private static func dictionary(_ ids: [String]) throws -> StreamDictionary {
        try StreamDictionary(ids: ids.map { Array($0.utf8) })
    }

    @Test func `numbers reach the right streams, even after new streams take the slots of removed ones`() throws {
        let routing = Routing(try Peer(try DaemonProcess([model2], ingest: [batchEndpoint])))
        let lists = [Self.ids("a", 40), Self.ids("a", 20).reversed() + Self.ids("b", 20)]
        let dictionaries = try lists.map(Self.dictionary)
        for dictionary in dictionaries { try routing.peer.send(dictionary.frames) }
        var random = SplitMix64(seed: 9)
        for round in 0..<24 {
            let (list, hash) = (lists[round % 2], dictionaries[round % 2].hash)
            let numbers = (0..<30).map { _ in Int.random(in: 0..<40, using: &random) }
            try routing.send(.numbers(numbers.map { UInt32($0) }, dictionary: hash), numbers.map { list[$0] })
            try routing.send(.all(count: 40, dictionary: hash), list)
            guard round % 3 == 2 else { continue }
            // New streams take the slots of the removed ones. Some of the new streams are removed later.
            try routing.remove(["a1", "b", "a", "new-\(round - 6)"][round % 4])
            let new = Self.ids("new-\(round)-", 15)
            try routing.send(.ids(new.map { Array($0.utf8) }), new)
        }
        #expect(try routing.peer.status().dropped.values.allSatisfy { $0 == 0 })
    }

    @Test func `the least recently used dictionary is forgotten`() throws {
        let peer = try Peer(try DaemonProcess([model2], ingest: [batchEndpoint]))
        let dictionaries = try (0..<65).map { try Self.dictionary(["stream-\($0)"]) }
        func use(_ number: Int) throws {
            try peer.send(
                BatchMessage(streams: .all(count: 1, dictionary: dictionaries[number].hash), values: .floats([1]))
                    .frames)
        }
        for number in 0..<64 { try peer.send(dictionaries[number].frames) }
        try use(0)
        try peer.send(dictionaries[64].frames)
        for number in [1, 0, 2, 64] { try use(number) }
        for number in [0, 2, 64] { _ = try peer.decisions(of: "stream-\(number)", number == 0 ? 2 : 1) }
        let status = try peer.status()
        #expect(status.dropped["dictionary"] == 1)
        #expect(status.dictionaries == 64)
        #expect(try peer.control.stream("stream-1") == nil)
    }

    @Test(arguments: [true, false])
    func `a restarted daemon with a state folder knows the dictionaries`(isKilled: Bool) throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path]
        let ids = Self.ids("stream-", 300)
        let (first, second) = try (Self.dictionary(ids), Self.dictionary(ids.reversed()))
        do {
            let daemon = try DaemonProcess(arguments, ingest: [batchEndpoint])
            let peer = try Peer(daemon)
            for dictionary in [first, second] { try peer.send(dictionary.frames) }
            _ = try eventually { try peer.status().dictionaries == 2 ? true : nil }
            // The answer arrives only after the store has finished its earlier jobs.
            _ = try peer.control.call(.checkpoint)
            if isKilled { daemon.kill() } else { #expect(daemon.stop() == 0) }
        }
        let routing = Routing(try Peer(try DaemonProcess(arguments, ingest: [batchEndpoint])))
        #expect(try routing.peer.status().dictionaries == 2)
        try routing.send(.all(count: 300, dictionary: first.hash), ids)
        try routing.send(.numbers([7, 299], dictionary: second.hash), ["stream-292", "stream-0"])
    }
}
