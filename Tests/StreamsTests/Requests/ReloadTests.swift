import Recurrent
import Streams
import TestSupport
import Testing
import Wire

/// Tests models whose weights change while they have streams.
@Suite struct `A reload of weights` {
    private static func model(_ seed: Float, units: Int = 3, outputs: Int = 1) throws -> Model {
        try livelyModel(units: units, outputs: outputs, seed: seed)
    }

    @Test func `a state continues with new weights as if they had produced it`() throws {
        let other = served(try Self.model(100), fingerprint: "new")
        let feed = Feed(served(try Self.model(0), fingerprint: "old"))
        let first = try feed.send("s", signal(5))
        let before = try #require(try feed.image("s"))
        _ = feed.takeChanged()

        #expect(try feed.table.reload(0, with: other, resetting: false) == 1)

        var expected = before
        expected.fingerprint = "new"
        #expect(try feed.image("s") == expected)
        #expect(feed.takeChanged() == [expected])
        // From the same state, a table that had these weights from the start makes the same decisions.
        let fresh = Feed(other)
        try fresh.table.restore([expected])
        let after = try feed.send("s", signal(5, from: 5))
        #expect(after == (try fresh.send("s", signal(5, from: 5))))
        #expect(after.map(\.step) == [6, 7, 8, 9, 10] && first.last?.step == 5)
        // The old weights give different decisions.
        let old = Feed(served(try Self.model(0), fingerprint: "new"))
        try old.table.restore([expected])
        #expect(try bits(old.send("s", signal(5, from: 5))) != bits(after))
    }

    @Test func `weights with a state of another shape are refused, and nothing changes`() throws {
        let feed = Feed(served(try Self.model(0)))
        try feed.send("s", signal(5))
        let before = try feed.image("s")
        _ = feed.takeChanged()
        let error = try #require(throws: StreamsError.self) {
            try feed.table.reload(0, with: served(try Self.model(0, units: 4), fingerprint: "n"), resetting: false)
        }
        #expect(error.cause == .otherState)
        #expect(error.description.contains("lstm 6") && error.description.contains("lstm 8"))
        #expect(try feed.image("s") == before)
        #expect(feed.table.changedCount == 0)
        #expect(feed.table.models[0].fingerprint == "fingerprint of m")
    }

    @Test func `layers of another kind have another shape, even with the same number of floats`() throws {
        let feed = Feed(served(try Self.model(0)))
        try feed.send("s", signal(5))
        let other = try Model(layers: [
            SimpleRNN(
                units: 6, kernel: Tensor(shape: [1, 6], values: Array(repeating: 0.5, count: 6)),
                recurrentKernel: Tensor(shape: [6, 6], values: Array(repeating: 0.25, count: 36)), bias: nil)
        ])
        #expect(other.stateSize == feed.table.models[0].model.stateSize)
        let error = try #require(throws: StreamsError.self) {
            try feed.table.reload(0, with: served(other, fingerprint: "n"), resetting: false)
        }
        #expect(error.cause == .otherState)
    }

    @Test func `a reload with a reset begins at the zero state, and keeps the sequence number`() throws {
        let other = try Self.model(7, units: 5, outputs: 2)
        let feed = Feed(served(try Self.model(0)))
        try feed.send("s", signal(5))
        #expect(try feed.table.reload(0, with: served(other, fingerprint: "n"), resetting: true) == 0)
        let after = try feed.send("s", signal(4))
        #expect(after.map(\.sequence) == [6, 7, 8, 9])
        #expect(after.map(\.step) == [1, 2, 3, 4])
        #expect(bits(after) == Alone(other).answers(to: signal(4)))
    }

    @Test func `the new weights decide timesteps that waited for a paused stream`() throws {
        let other = served(try Self.model(9), fingerprint: "n")
        let feed = Feed(served(try Self.model(0)))
        try feed.send("s", signal(5))
        _ = try feed.table.pause(.all)
        try feed.send("s", signal(3, from: 5))
        #expect(try feed.table.reload(0, with: other, resetting: true) == 0)
        let resumed = try feed.resume(.all).flatMap(\.decisions)
        #expect(bits(resumed) == Alone(other.model).answers(to: signal(3, from: 5)))

        _ = try feed.table.pause(.all)
        try feed.send("s", signal(1))
        let wide = served(try livelyModel(features: 2), fingerprint: "w")
        let error = try #require(throws: StreamsError.self) { try feed.table.reload(0, with: wide, resetting: true) }
        #expect(error.cause == .mode)
        #expect(try feed.resume(.all).count == 1)
    }

    @Test func `a window continues with new weights`() throws {
        let policy = ServingPolicy(mode: .window(try #require(.init(length: 4, stride: 1))))
        let feed = Feed(served(try Self.model(0), policy))
        let other = served(try Self.model(3), fingerprint: "n", policy)
        try feed.send("s", signal(6))
        #expect(try feed.table.reload(0, with: other, resetting: false) == 1)
        let fresh = Feed(other)
        try fresh.send("s", signal(6))
        #expect(try bits(feed.send("s", signal(2, from: 6))) == bits(fresh.send("s", signal(2, from: 6))))
    }

    /// The arguments cover weights of the same shape and of other shapes.
    @Test(arguments: [3, 5], [1, 2])
    func `a reload with a reset in slices equals an undivided one, whenever timesteps arrive`(units: Int, outputs: Int)
        throws
    {
        let ids = ["a0", "b0", "a1", "b1"]
        let a = served(try Self.model(0), name: "a", ServingPolicy(prefixes: ["a"]))
        let b = served(try Self.model(0), name: "b", ServingPolicy(prefixes: ["b"]))
        let other = served(
            try Self.model(8, units: units, outputs: outputs), name: "a", fingerprint: "n",
            ServingPolicy(prefixes: ["a"]))
        func feed() throws -> Feed {
            let feed = Feed(a, b)
            for (number, id) in ids.enumerated() { try feed.send(id, signal(3, from: Float(number))) }
            _ = try feed.table.pause(.stream("a1"))
            try feed.send("a1", signal(2))
            return feed
        }
        func images(_ feed: Feed) throws -> [String] { try feed.images().map { "\($0)" }.sorted() }
        for moment in 0...4 {
            for id in ids + ["a9"] {
                let whole = try feed()
                #expect(try whole.table.reload(0, with: other, resetting: true, number: 5) == 0)
                let expected = try whole.send(id, signal(2, from: 7))
                let sliced = try feed()
                _ = sliced.takeChanged()
                #expect(try sliced.table.beginReload(0, with: other, resetting: true, number: 5) == 0)
                for _ in 0..<moment where sliced.table.isSweeping { _ = sliced.table.sweep(limit: 1) }
                #expect(try sliced.send(id, signal(2, from: 7)) == expected)
                sliced.table.finishSweep()
                #expect(sliced.table.isSweeping == false)
                #expect(try images(sliced) == images(whole), "\(moment) \(id)")
                #expect(Set(sliced.takeChanged().map(\.id)) == Set(["a0", "a1", id]))
                #expect(try sliced.resume(.all).flatMap(\.decisions) == whole.resume(.all).flatMap(\.decisions))
            }
        }
    }

    @Test func `streams of other models stay unchanged`() throws {
        let a = served(try Self.model(0), name: "a", ServingPolicy(prefixes: ["a"]))
        let b = served(try Self.model(0), name: "b", ServingPolicy(prefixes: ["b"]))
        let feed = Feed(a, b)
        for id in ["a", "b"] { try feed.send(id, signal(5)) }
        let before = try feed.image("b")
        let other = served(try Self.model(8), name: "a", fingerprint: "n", ServingPolicy(prefixes: ["a"]))
        #expect(try feed.table.reload(0, with: other, resetting: false) == 1)
        #expect(try feed.image("b") == before)
    }

    @Test func `stored state of other weights is refused, carried or reset at startup`() throws {
        let source = Feed(served(try Self.model(0), fingerprint: "old"))
        try source.send("s", signal(5))
        let image = try #require(try source.image("s"))
        func load(
            _ choice: StreamTable.OtherWeights, _ layout: String?, fingerprint: String = "new"
        ) throws -> StreamImage? {
            let feed = Feed(served(try Self.model(5), fingerprint: fingerprint))
            let layouts = layout.map { ["old": $0] } ?? [:]
            #expect(try feed.table.load(source.table.copy(.all), choice, layouts: layouts) == 1)
            #expect(feed.table.changedCount == (fingerprint == "old" ? 0 : 1))
            return try feed.image("s")
        }
        #expect(throws: StreamsError.self) { try load(.refuse, "lstm 6") }
        var carried = image
        carried.fingerprint = "new"
        #expect(try load(.carry, "lstm 6") == carried)
        for layout in [nil, "gru 6"] {
            #expect(throws: StreamsError.self) { try load(.carry, layout) }
        }
        let reset = try #require(try load(.reset, nil))
        #expect(reset.values == Array(repeating: 0, count: 7) && reset.step == 0 && reset.sequence == 5)
        #expect(try load(.reset, nil, fingerprint: "old") == image, "the state of the same weights continues")
    }
}
