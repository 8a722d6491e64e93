import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Messages in the codec `batch` carry timesteps of many streams. Each entry must act like a separate message.
@Suite struct `Messages of many streams` {
    private static let streams = (0..<12).map { (id: "s\($0)", values: values(96, seed: $0 + 1)) }

    /// The timesteps of all streams. The streams alternate in a random order, which is the same in every run.
    private static func entries(_ prefix: String, of length: Int = 1) -> [Entry] {
        var random = SplitMix64(seed: 4)
        var rest = streams.map { $0.values[...] }
        var entries: [Entry] = []
        while let stream = rest.indices.filter({ !rest[$0].isEmpty }).randomElement(using: &random) {
            entries.append(Entry(prefix + streams[stream].id, Array(rest[stream].prefix(length))))
            rest[stream] = rest[stream].dropFirst(length)
        }
        return entries
    }

    private static func bits(_ peer: Peer, _ prefix: String, _ count: Int = 96) throws -> [[[UInt64]]] {
        try streams.map { try peer.decisions(of: prefix + $0.id, count).bits }
    }

    /// The decisions on the same timesteps when each message carries only one stream.
    private static func undisturbed(_ arguments: [String], count: Int = 96) throws -> [[[UInt64]]] {
        let peer = try Peer(try DaemonProcess(arguments))
        for entry in entries("") { try peer.feed(entry.stream, entry.values) }
        return try bits(peer, "", count)
    }

    @Test func `messages of any number of entries give the same bits, with ids and with numbers`() throws {
        let expected = try Self.undisturbed([model2])
        let daemon = try DaemonProcess([model2], ingest: ["@tcp://127.0.0.1:*", batchEndpoint])
        let peer = try Peer(daemon)
        let single = try SingleProducer(daemon, in: peer)
        for size in [1, 2, 7, 1000] {
            try peer.send(batches: Self.entries("ids-\(size)-"), size: size)
            #expect(try Self.bits(peer, "ids-\(size)-") == expected)
            try peer.send(batches: Self.entries("three-\(size)-", of: 3), size: size)
            #expect(try Self.bits(peer, "three-\(size)-") == expected)

            let dictionary = try StreamDictionary(ids: Self.streams.map { Array("numbers-\(size)-\($0.id)".utf8) })
            try peer.send(dictionary.frames)
            try peer.send(batches: Self.entries("numbers-\(size)-"), size: size, dictionary)
            #expect(try Self.bits(peer, "numbers-\(size)-") == expected)
        }

        // Messages of many streams and of one stream alternate.
        var decisions = Self.streams.map { _ in [[UInt64]]() }
        var isBatch = false
        for part in Self.entries("mixed-").chunked(by: 97) {
            isBatch.toggle()
            if isBatch {
                try peer.send(batches: part, size: 20)
            } else {
                for entry in part { try single.send(entry.stream, entry.values) }
            }
            for (index, stream) in Self.streams.enumerated() {
                let count = part.count { $0.stream == "mixed-\(stream.id)" }
                decisions[index] += try peer.decisions(of: "mixed-\(stream.id)", count).bits
            }
        }
        #expect(decisions == expected)
        #expect(try peer.status().dropped.values.allSatisfy { $0 == 0 })
    }

    @Test(arguments: [
        (["reference/model1.keras"], 96), (["reference/model2.keras", "--mode", "window:10:3"], 29),
        (["reference/model5.keras", "--mode", "window:20:4"], 20),
        (["reference/model4.keras", "--mode", "stateful"], 96),
    ])
    func `messages of many streams give the same bits in every mode`(arguments: [String], count: Int) throws {
        let arguments = [Fixtures.url(arguments[0]).path] + arguments.dropFirst() + ["--emit", "every"]
        let areTokens = arguments[0].contains("model4") || arguments[0].contains("model5")
        let single = try Peer(try DaemonProcess(arguments))
        let many = try Peer(try DaemonProcess(arguments, ingest: [batchEndpoint]))
        var entries = Self.entries("", of: 2)
        if areTokens {
            for index in entries.indices { entries[index].values = entries[index].values.map { abs($0).rounded() } }
        }
        for entry in entries { try single.feed(entry.stream, entry.values) }
        try many.send(batches: entries, size: 100, areTokens: areTokens)
        let expected = try Self.bits(single, "", count)
        #expect(try Self.bits(many, "", count) == expected)
        #expect(Set(expected.flatMap { $0 }).count > 50)
    }

    @Test func `a restored snapshot, a kill -9 and the journal's replay change no bits`() throws {
        let expected = try Self.undisturbed([model2])
        let folder = try TemporaryFolder()
        let arguments = [
            model2, "--state-dir", folder.path, "--durability", "journal", "--checkpoint-interval", "3600",
        ]
        let entries = Self.entries("")
        let parts = entries.chunked(by: entries.count / 3)
        var decisions = Self.streams.map { _ in [[UInt64]]() }
        func decide(_ part: [Entry], _ peer: Peer, size: Int, keeps: Bool = true) throws {
            try peer.send(batches: part, size: size)
            for (index, stream) in Self.streams.enumerated() {
                let bits = try peer.decisions(of: stream.id, part.count { $0.stream == stream.id }).bits
                if keeps { decisions[index] += bits }
            }
        }
        do {
            let daemon = try DaemonProcess(arguments, ingest: [batchEndpoint])
            let peer = try Peer(daemon)
            try decide(parts[0], peer, size: 7)
            _ = try peer.control.call(.snapshot(name: "then", .all))
            try decide(parts[2], peer, size: 1000, keeps: false)
            _ = try peer.control.call(.restore(name: "then", .all), as: [String: Int].self)
            try decide(parts[1], peer, size: 1000)
            daemon.kill()
        }
        // The journal alone provides everything since the restoration.
        let daemon = try DaemonProcess(arguments, ingest: [batchEndpoint])
        let peer = try Peer(daemon)
        for part in parts[2...] { try decide(part, peer, size: 2) }
        #expect(decisions == expected)
    }

    /// An iteration of the loop ends after 20 ms, but this message takes much longer. No other message follows to wake
    /// the loop.
    @Test func `a message that takes longer than one iteration is decided even if no other message follows`() throws {
        let peer = try Peer(try DaemonProcess([model2], ingest: [batchEndpoint]))
        let entries = (0..<40_000).map { Entry("s\($0 % 8)", [Float($0 % 7) / 7]) }
        try peer.send(batches: entries, size: entries.count)
        for stream in 0..<8 { #expect(try peer.decisions(of: "s\(stream)", 5_000).last?.sequence == 5_000) }
    }

    @Test func `an orderly stop decides every entry of the received messages`() throws {
        let folder = try TemporaryFolder()
        let arguments = [model2, "--state-dir", folder.path]
        let daemon = try DaemonProcess(arguments, ingest: [batchEndpoint])
        let peer = try Peer(daemon)
        let entries = (0..<10_000).map { Entry("s\($0 % 8)", [Float($0 % 7) / 7]) }
        do {
            let loop = try StoppedThread("sluice-hot", of: daemon.processIdentifier)
            defer { withExtendedLifetime(loop) {} }
            for _ in 0..<3 { try peer.send(batches: entries, size: entries.count) }
            usleep(200_000)
            #expect(kill(daemon.processIdentifier, SIGTERM) == 0)
        }
        #expect(daemon.waitForEnd() == 0)
        #expect(daemon.log.contains("stopped: 30000 timesteps consumed"), "\(daemon.log)")
        #expect(!daemon.log.contains("lost"), "\(daemon.log)")
    }

    /// Entries with sequence numbers, flags, duplicates, gaps, NaN and bad ids. They belong to more streams than the
    /// daemon allows.
    private static func wildEntries() -> [Entry] {
        var random = SplitMix64(seed: 11)
        var sequences = [UInt64](repeating: 1, count: 30)
        return (0..<3_000).map { _ in
            let stream = Int.random(in: 0..<30, using: &random)
            let chance = Int.random(in: 0..<40, using: &random)
            var entry = Entry(
                "s\(stream)", [Float.random(in: -1...1, using: &random), Float.random(in: -1...1, using: &random)])
            switch chance {
            case 0: entry.stream = "!s"
            case 1: entry.values[1] = .nan
            case 2: entry.sequence = .max
            case 3: entry.sequence = max(2, sequences[stream]) - 1
            case 4: entry.sequence = 1
            case 5:
                sequences[stream] += 5
                entry.sequence = sequences[stream]
            case 6: entry.flags = .start
            case 7: entry.flags = .end
            case 8: entry.flags = [.start, .end]
            default: entry.sequence = chance.isMultiple(of: 2) ? 0 : sequences[stream]
            }
            if chance > 2 { sequences[stream] = max(sequences[stream], entry.sequence) + (chance == 3 ? 1 : 2) }
            return entry
        }
    }

    /// The effects of the wild entries on one daemon.
    private struct Outcome {
        let status: DaemonStatus
        let sequences: [UInt64?]
        let decisions: [String: [[UInt64]]]

        /// Sends the entries to a daemon. The stream `s3` is paused during the second thousand.
        init(_ ingest: String, _ send: (Peer, [Entry]) throws -> Void) throws {
            let peer = try Peer(try DaemonProcess([model2, "--max-streams", "28"], ingest: [ingest]))
            var marks: UInt64 = 0
            for (index, part) in ([[]] + wildEntries().chunked(by: 1_000)).enumerated() {
                try send(peer, part + [Entry("mark", [1, 1])])
                marks += 2
                try peer.waitForSequence(marks, of: "mark")
                if index == 1 { _ = try peer.control.call(.pause(.stream("s3")), as: [String: Int].self) }
                if index == 2 { _ = try peer.control.call(.resume(.stream("s3")), as: [String: Int].self) }
            }
            _ = try eventually { try peer.control.stream("s3")?.waiting == 0 ? true : nil }
            status = try peer.status()
            decisions = try peer.allDecisions(Int(status.decisions)).mapValues(\.bits)
            sequences = try (0..<30).map { try peer.control.stream("s\($0)")?.sequence }
        }
    }

    @Test func `drops, duplicates, gaps, flags, limits and pauses act as for messages of one stream`() throws {
        let single = try Outcome("pull:@tcp://127.0.0.1:*") { peer, entries in
            for entry in entries {
                try peer.feed(entry.stream, entry.values, sequence: entry.sequence, flags: entry.flags)
            }
        }
        for size in [1, 13, 1_000] {
            let many = try Outcome(batchEndpoint) { try $0.send(batches: $1, size: size) }
            #expect(many.status.dropped == single.status.dropped)
            #expect(many.status.duplicates == single.status.duplicates && many.status.gaps == single.status.gaps)
            #expect(many.status.timesteps == single.status.timesteps)
            #expect(many.sequences == single.sequences)
            #expect(many.decisions == single.decisions)
        }
        #expect(single.sequences.count { $0 == nil } == 3)
        #expect(
            Set(single.status.dropped.filter { $0.value > 0 }.keys) == [
                "id", "non_finite", "sequence", "too_many_streams",
            ])
        #expect(single.status.duplicates > 50 && single.status.gaps > 50)
    }
}
