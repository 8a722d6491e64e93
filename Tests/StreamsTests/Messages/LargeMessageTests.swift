import Recurrent
import Streams
import TestSupport
import Testing
import Wire

/// Tests messages that are admitted in pieces, so that other streams get their turn in between.
@Suite struct `A large message` {
    /// Returns a table that splits large messages into pieces of `pieces` timesteps.
    private func feed(_ policy: ServingPolicy = ServingPolicy(), pieces: Int) throws -> Feed {
        let feed = Feed(served(try livelyModel(), policy))
        feed.table.journal.start([5])
        try feed.setPieceSize(pieces)
        return feed
    }

    private static let window = ServingPolicy.Window(length: 5, stride: 2) ?? { fatalError("a window of 5") }()
    private static let policies = [
        ServingPolicy(), ServingPolicy(emit: .last, gap: .reset), ServingPolicy(emit: .change),
        ServingPolicy(mode: .sequence, emit: .final),
        ServingPolicy(mode: .window(window), emit: .last),
    ]

    @Test(arguments: policies, [1, 3])
    func `a message in pieces gives the same bits as a whole one`(policy: ServingPolicy, pieces: Int) throws {
        let whole = Feed(served(try livelyModel(), policy))
        let pieced = try feed(policy, pieces: pieces)
        let before = pieced.table.counters
        var chance = SplitMix64(seed: 7)
        var next: UInt64 = 1
        for _ in 0..<60 {
            let count = Int.random(in: 1...20, using: &chance)
            // Some messages overlap earlier ones, and some leave a gap.
            let first = max(1, Int64(next) + Int64.random(in: -8...8, using: &chance))
            let sequence = Bool.random(using: &chance) ? UInt64(first) : nil
            var flags: TimestepHeader.Flags = Bool.random(using: &chance) ? .start : []
            if Bool.random(using: &chance) { flags.insert(.end) }
            let values = signal(count, from: Float(first))
            let expected = try whole.send("s", values, sequence: sequence, flags)
            #expect(try pieced.send("s", values, sequence: sequence, flags) == expected)
            next = try #require(try whole.image("s")).sequence + 1
            #expect(try pieced.image("s") == whole.image("s"))
        }
        #expect(pieced.table.counters.timesteps - before.timesteps == whole.table.counters.timesteps)
        #expect(pieced.table.counters.decisions - before.decisions == whole.table.counters.decisions)
        #expect(pieced.table.counters.duplicates == whole.table.counters.duplicates)
        #expect(pieced.table.counters.gaps == whole.table.counters.gaps)
        #expect(try pieced.replayed(served(try livelyModel(), policy)).image("s") == whole.image("s"))
    }

    @Test func `other streams are decided between the pieces, and later messages of the same stream after the pieces`()
        throws
    {
        let feed = try feed(pieces: 2)
        let alone = Alone(try livelyModel())
        let values = signal(9)
        try feed.start("s", Array(values[0..<6]))
        #expect(feed.table.hasBacklog == true)
        var pieces = feed.takePiece()
        #expect(pieces.map(\.sequence) == [1, 2])
        #expect(try feed.start("t", signal(1)).map(\.sequence) == [1], "another stream is decided on at once")
        #expect(try feed.start("s", Array(values[6..<7])).isEmpty)
        #expect(try feed.start("s", Array(values[7..<9]), sequence: 8).isEmpty)
        while feed.table.hasBacklog { pieces += feed.takePiece() }
        #expect(pieces.map(\.sequence) == Array(1...9))
        #expect(bits(pieces) == alone.answers(to: values))
    }

    @Test func `an invalid large message is dropped as a whole`() throws {
        let feed = try feed(pieces: 2)
        #expect(throws: DropCause.nonFinite) { try feed.send("s", signal(9) + [.nan]) }
        #expect(throws: DropCause.sequence) { try feed.send("s", signal(9), sequence: .max - 3) }
        #expect(feed.table.count == 0)
        #expect(feed.table.hasBacklog == false)
    }

    @Test func `a pause, a reset and a removal take effect between the pieces of a message`() throws {
        let feed = try feed(pieces: 2)
        let alone = Alone(try livelyModel())
        let values = signal(8)
        try feed.start("s", values)
        var decisions = feed.takePiece()
        _ = try feed.table.pause(.stream("s"))
        #expect(feed.takePiece().isEmpty)
        #expect(feed.table.waitingCount == 6)
        decisions += try feed.resume(.stream("s")).prefix(1).flatMap(\.decisions)
        #expect(bits(Array(decisions.prefix(4))) == alone.answers(to: Array(values[0..<4])))

        try feed.start("r", values)
        _ = feed.takePiece()
        _ = try feed.table.reset(.stream("r"))
        #expect(feed.takePiece().map(\.step) == [1, 2])
        _ = try feed.table.remove(.stream("r"))
        #expect(feed.takeBacklog().isEmpty)
        #expect(try feed.send("r", signal(1)).map(\.sequence) == [1])
    }

    @Test func `after a fault within a piece, the rest continues from the checkpoint`() throws {
        let timesteps: [Float] = [1, 2, 3e38, 1, 5, 3e38, 3e38, 2, 3, 1, 4]
        var results: [[String]] = []
        for pieces in [1, 2, 3, 20] {
            // The model is an unbounded SimpleRNN: `h = 2·h + x`.
            let model = try Model(layers: [
                SimpleRNN(
                    units: 1, activation: .linear, kernel: Tensor(shape: [1, 1], values: [1]),
                    recurrentKernel: Tensor(shape: [1, 1], values: [2]), bias: nil)
            ])
            let feed = Feed(served(model, ServingPolicy(fault: .checkpoint)))
            try feed.setPieceSize(pieces)
            _ = feed.table.takeEvents()
            feed.table.hasStore = true
            try feed.send("s", [0.5])
            let checkpoint = feed.takeChanged()
            var decisions = try feed.send("s", timesteps)
            while case let asleep = feed.table.takeWakeRequests(), !asleep.isEmpty {
                decisions += feed.wake(asleep, checkpoint).decisions
            }
            results.append(decisions.map { "\($0.sequence) \($0.step) \($0.probabilities[0].bitPattern)" })
            #expect(decisions.count == timesteps.count)
        }
        #expect(results.allSatisfy { $0 == results[0] })
    }
}
