import Client
import Foundation
import TestSupport
import Testing
import Wire

/// Messages in the codec `batch` carry timesteps of many streams. Each entry must act like a message of its own.
@Suite struct `Messages of many streams` {
    private static let streams = (0..<12).map { (id: "s\($0)", values: values(96, seed: $0 + 1)) }

    /// The same entries in every run: the timesteps of all streams, in a random order of the streams.
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

    /// The decisions on the same timesteps in messages of one stream each.
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
        // All records since the restoration come from the journal.
        let daemon = try DaemonProcess(arguments, ingest: [batchEndpoint])
        let peer = try Peer(daemon)
        for part in parts[2...] { try decide(part, peer, size: 2) }
        #expect(decisions == expected)
    }

    /// A turn of the loop ends after 20 ms, which is much less than such a message takes. No other message follows that
    /// could wake the loop.
    @Test func `a message that takes longer than a turn is decided without another one`() throws {
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
}
