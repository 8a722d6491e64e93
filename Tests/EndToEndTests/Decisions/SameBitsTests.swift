import Client
import Foundation
import TestSupport
import Testing
import Wire

@Suite struct `The bits of decisions` {
    @Test func `after a restore, the same 100 timesteps give the same bits`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        _ = try peer.decide("s", values(37))
        let snapshot = try peer.control.call(.snapshot(name: "then", .stream("s")))
        #expect(snapshot.streams == 1)

        let first = try peer.decide("s", values(100, seed: 3))
        let restored = try peer.control.call(.restore(name: "then", .all), as: [String: Int].self)
        let second = try peer.decide("s", values(100, seed: 3))

        #expect(restored == ["restored": 1])
        #expect(first.bits == second.bits)
        #expect(Set(first.probabilityBits).count > 50)
    }

    @Test(arguments: [[7], [100], [1, 50, 3], [480]])
    func `messages of any size give the same bits`(cuts: [Int]) throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let stream = try #require(try KerasAnswers("reference/model2_endless.csv").streams.first)

        let single = try peer.decide("single", stream.values)
        let cut = try peer.decide("cut", stream.values, cuts: cuts)

        #expect(single.bits == cut.bits)
    }

    @Test func `a stream gives the same bits beside 1,000 other streams`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let inputs = values(200, seed: 5)
        let alone = try peer.decide("alone", inputs)

        for (index, value) in inputs.enumerated() {
            for other in 0..<10 { try peer.feed("other-\((index * 10 + other) % 1000)", [Float(other) - value]) }
            try peer.feed("beside", [value])
        }
        let beside = try peer.decisions(of: "beside", inputs.count)

        #expect(try peer.status().streams == 1_002)
        #expect(alone.bits == beside.bits)
    }

    @Test(arguments: [1, 3])
    func `any order of messages and any number of threads give the same bits`(workers: Int) throws {
        var random = SplitMix64(seed: 17)
        let streams = (0..<40).map { (id: "s\($0)", values: values(400, seed: $0)) }
        let one = try Peer(try DaemonProcess([model2]))
        let alone = try streams.map { try one.decide($0.id, $0.values) }

        // Messages of random lengths arrive in random order, but each stream's timesteps stay in order.
        let daemon = try Peer(try DaemonProcess([model2, "--workers", "\(workers)"]))
        var rest = streams.map { $0.values[...] }
        while let stream = rest.indices.filter({ !rest[$0].isEmpty }).randomElement(using: &random) {
            let length = [1, 1, 5, 60, 250].randomElement(using: &random) ?? 1
            try daemon.feed(streams[stream].id, Array(rest[stream].prefix(length)))
            rest[stream] = rest[stream].dropFirst(length)
        }
        let together = try streams.map { try daemon.decisions(of: $0.id, $0.values.count) }

        #expect(together.map(\.bits) == alone.map(\.bits))
    }

    @Test func `a burst of messages from two streams gives the same bits, even if some messages are dropped`() throws {
        let daemon = try DaemonProcess([model2])
        let peer = try Peer(daemon)
        let inputs = values(40, seed: 6)
        let alone = try peer.decide("alone", inputs)

        do {
            let hanging = try StoppedThread("sluice-hot", of: daemon.processIdentifier)
            for (index, value) in inputs.enumerated() {
                let sequence = UInt64(index + 1)
                for stream in ["s", "t"] { try peer.feed(stream, [value], sequence: sequence) }
                // After the valid messages, send two that have no effect: an invalid message of `s`, and a duplicate of
                // `t`.
                try peer.send([Array("s".utf8), [1, 2, 3]])
                try peer.feed("t", [value], sequence: sequence)
            }
            withExtendedLifetime(hanging) {}
        }
        let together = try ["s", "t"].map { try peer.decisions(of: $0, inputs.count) }

        #expect(together.map(\.bits) == [alone.bits, alone.bits])
        let status = try peer.status()
        #expect(status.duplicates == 40 && status.dropped["length"] == 40)
    }

    @Test func `a stream gives the same bits across orderly stops and starts`() throws {
        let folder = try TemporaryFolder()
        let inputs = values(60, seed: 2)
        let whole = try Peer(try DaemonProcess([model2])).decide("s", inputs)

        var decisions: [Decision] = []
        for part in [inputs[..<20], inputs[20..<21], inputs[21...]] {
            let daemon = try DaemonProcess([model2, "--state-dir", folder.path])
            decisions += try Peer(daemon).decide("s", Array(part))
            #expect(daemon.stop() == 0)
        }

        #expect(whole.bits == decisions.bits)
    }

    @Test func `a stream gives the same bits across a crash after a checkpoint`() throws {
        let folder = try TemporaryFolder()
        let inputs = values(60, seed: 4)
        let whole = try Peer(try DaemonProcess([model2])).decide("s", inputs)

        let arguments = [model2, "--state-dir", folder.path, "--checkpoint-interval", "3600"]
        let first = try DaemonProcess(arguments)
        let peer = try Peer(first)
        var decisions = try peer.decide("s", Array(inputs[..<30]))
        #expect(try peer.control.call(.checkpoint).streams == 1)
        first.kill()
        decisions += try Peer(try DaemonProcess(arguments)).decide("s", Array(inputs[30...]))

        #expect(whole.bits == decisions.bits)
    }
}
