import Recurrent
import Streams
import TestSupport
import Testing
import Wire

/// Tests that the bits of a stream's decisions do not depend on other streams, on the sizes of messages or on a
/// restart.
@Suite struct `The independence of streams` {
    static let models: [@Sendable () throws -> Model] = [
        { try livelyModel() }, { try livelyModel(features: 2, units: 5, outputs: 3, seed: 50) },
    ]

    @Test(arguments: models, [1, 2, 3, 7, 64])
    func `messages of different sizes give the same bits`(
        make: @Sendable () throws -> Model, length: Int
    ) throws {
        let model = try make()
        let feed = Feed(served(model))
        let values = signal(64, features: model.features)
        var published: [Decision] = []
        for start in stride(from: 0, to: 64, by: length) {
            let end = min(64, start + length)
            published += try feed.send("s", Array(values[(start * model.features)..<(end * model.features)]))
        }
        #expect(bits(published) == Alone(model).answers(to: values))
        #expect(published.map(\.sequence) == Array(1...64))
    }

    @Test(arguments: models)
    func `a thousand streams in turn give the same bits as each stream alone`(make: @Sendable () throws -> Model) throws
    {
        let model = try make()
        let feed = Feed(served(model))
        var chance = SplitMix64(seed: 1)
        let count = 1001
        let length = 12
        let signals = (0..<count).map { signal(length, features: model.features, from: Float($0)) }
        var sent = Array(repeating: 0, count: count)
        var answers = Array(repeating: [[UInt32]](), count: count)
        while sent.contains(where: { $0 < length }) {
            for stream in (0..<count).shuffled(using: &chance) where sent[stream] < length {
                let end = min(length, sent[stream] + Int.random(in: 1...4, using: &chance))
                let part = signals[stream][(sent[stream] * model.features)..<(end * model.features)]
                answers[stream] += bits(try feed.send("s\(stream)", Array(part)))
                sent[stream] = end
            }
        }
        #expect(feed.table.count == count)
        let differing = (0..<count).filter { answers[$0] != Alone(model).answers(to: signals[$0]) }
        #expect(differing.isEmpty)
    }

    @Test(arguments: 1...17)
    func `ids that differ in one byte are different streams`(length: Int) throws {
        let feed = Feed(served(try echo()))
        let id = Array(repeating: UInt8(ascii: "a"), count: length)
        var ids = [id]
        for place in id.indices {
            var other = id
            other[place] = UInt8(ascii: "b")
            ids.append(other)
        }
        for id in ids {
            let name = String(decoding: id, as: UTF8.self)
            #expect(try feed.send(name, [0.5]).map(\.sequence) == [1], "\(name)")
        }
        #expect(feed.table.count == ids.count)
    }

    @Test func `a table that restores another table's images continues with the same bits`() throws {
        let model = try livelyModel(units: 4, outputs: 2)
        let before = Feed(served(model))
        var published: [String: [Decision]] = [:]
        let ids = (0..<100).map { "s\($0)" }
        for (place, id) in ids.enumerated() {
            published[id] = try before.send(id, signal(10 + place % 3, from: Float(place)))
        }
        let after = Feed(served(model))
        try after.table.restore(before.images())
        for (place, id) in ids.enumerated() {
            let values = signal(20, from: Float(place))
            published[id]? += try after.send(id, Array(values[(10 + place % 3)...]))
            #expect(published[id].map(bits) == Alone(model).answers(to: values))
            #expect(published[id]?.map(\.sequence) == Array(1...20))
        }
    }

    @Test func `streams that come and go match the entries of a dictionary`() throws {
        let model = try livelyModel(units: 2)
        let feed = Feed(served(model))
        var chance = SplitMix64(seed: 42)
        var oracle: [String: (sequence: UInt64, last: [Float])] = [:]
        // The ids share prefixes, and are few enough that each stream comes and goes many times.
        let ids = (0..<3000).map { "\($0 % 7)/\($0)" }
        for _ in 0..<30_000 {
            let id = try #require(ids.randomElement(using: &chance))
            switch Int.random(in: 0..<10, using: &chance) {
            case 0..<6:
                let decisions = try feed.send(id, [Float.random(in: -1...1, using: &chance)])
                let sequence = (oracle[id]?.sequence ?? 0) + 1
                #expect(decisions.map(\.sequence) == [sequence])
                oracle[id] = (sequence, decisions.first?.probabilities ?? [])
            case 6..<9:
                if oracle.removeValue(forKey: id) != nil {
                    #expect(try feed.table.remove(.stream(id)).count == 1)
                } else {
                    #expect(throws: StreamsError.self) { try feed.table.remove(.stream(id)) }
                }
            default:
                let status = try? feed.table.status(of: id, time: 0)
                #expect(status?.sequence == oracle[id]?.sequence)
                #expect(status?.probability.values == oracle[id]?.last)
            }
        }
        #expect(feed.table.count == oracle.count)
        let images = try feed.images()
        #expect(Set(images.map(\.id)) == Set(oracle.keys))
        #expect(images.allSatisfy { $0.sequence == oracle[$0.id]?.sequence })

        let removed = try feed.table.remove(.prefix("3/"))
        #expect(removed.count == oracle.keys.count { $0.hasPrefix("3/") })
        #expect(try feed.images().allSatisfy { !$0.id.hasPrefix("3/") })
        #expect(try feed.table.remove(.all).count == oracle.count - removed.count)
        #expect(feed.table.count == 0)
        #expect(feed.takeChanged().isEmpty)
    }
}
