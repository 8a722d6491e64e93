import Recurrent
import Streams
import TestSupport
import Testing
import Wire

/// Tests with models that cannot take sequences of any length.
@Suite struct `The number of timesteps that a model needs` {
    /// Returns a model that needs at least three timesteps.
    private func pooledModel() throws -> Model {
        let pooling = try WindowPooling(units: 1, value: .maximum, window: SlidingWindow(size: 3, padding: .valid))
        return try Model(layers: [pooling] + livelyModel().layers)
    }

    /// Returns a model that needs exactly four timesteps.
    private func flattenedModel() throws -> Model {
        try Model(layers: [Reshaping(features: 1, inputTimesteps: 4, units: 4)] + livelyModel(features: 4).layers)
    }

    private func policy(_ length: Int) throws -> ServingPolicy {
        ServingPolicy(mode: .window(try #require(ServingPolicy.Window(length: length, stride: 2))), emit: .every)
    }

    @Test(arguments: [1, 2])
    func `a sequence that ends too early is dropped and counted, and the next one is decided`(length: Int) throws {
        let model = try pooledModel()
        let feed = Feed(served(model, ServingPolicy(mode: .sequence, emit: .final)))
        #expect(throws: DropCause.tooShort) { try feed.send("s", signal(length), .end) }
        #expect(feed.table.counters.dropped[.tooShort] == 1)
        #expect(try feed.image("s")?.step == 0)

        let values = signal(5, from: 9)
        let expected = SequenceRunner(model: model).output(for: values.span)[0]
        #expect(try feed.send("s", values, .end).map(\.probabilities) == [[expected]])
        #expect(feed.table.counters.dropped[.tooShort] == 1)
    }

    @Test func `a sequence that would need too much memory is dropped and counted`() throws {
        let repetition = try Repetition(units: 1, source: .each, copies: 1 << 20)
        let model = try Model(layers: [repetition] + livelyModel().layers)
        let longest = Model.maximumSequenceFloats / (3 << 20)
        #expect(model.longestSequence(upTo: 1000) == longest)
        let feed = Feed(served(model, ServingPolicy(mode: .sequence, emit: .final)))
        #expect(throws: DropCause.tooLong) { try feed.send("s", signal(longest + 1), .end) }
        #expect(feed.table.counters.dropped[.tooLong] == 1)
        let refusal = try #require(ServableModel(model).refusal(ofLength: longest + 1))
        #expect(refusal == "has \(longest + 1) timesteps, but the model's layers can take at most \(longest); split it")
    }

    @Test func `a sequence that would keep an attention busy for long is dropped and counted`() throws {
        let attention = try Attention(score: .dot, scale: nil, isCausal: false)
        let graph = try Graph(
            features: 64, isInputVector: false,
            nodes: [Graph.Node(.attention(attention), inputs: [0, 0], isVector: false)])
        let model = try Model(layers: [graph] + livelyModel(features: 64).layers)
        // The scores and the means take 128 multiply-adds for each pair of timesteps, and 2³⁰ are allowed.
        let longest = 2896
        #expect(model.longestSequence(upTo: 10_000) == longest)
        let feed = Feed(served(model, ServingPolicy(mode: .sequence, emit: .final)))
        let timesteps = signal(64 * (longest + 1))
        #expect(throws: DropCause.tooLong) { try feed.send("s", timesteps, .end) }
        #expect(feed.table.counters.dropped[.tooLong] == 1)
        let refusal = try #require(ServableModel(model).refusal(ofLength: longest + 1))
        #expect(refusal == "has 2897 timesteps, but the model's layers can take at most 2896; split it")
    }

    @Test func `a model that needs too much memory for any sequence is refused`() throws {
        let repetition = try Repetition(units: 1, source: .each, copies: 1 << 27)
        #expect(throws: ModelError.self) { try Model(layers: [repetition] + livelyModel().layers) }
    }

    @Test func `an end flag on an incomplete window is dropped if the model needs more timesteps`() throws {
        let feed = Feed(served(try pooledModel(), try policy(4)))
        #expect(throws: DropCause.tooShort) { try feed.send("s", signal(2), .end) }
        #expect(try feed.send("s", signal(3), .end).count == 1)
        #expect(try feed.send("s", signal(6)).count == 2)
    }

    @Test func `a window or a limit that is too short is refused with one that works`() throws {
        let model = ServableModel(try pooledModel())
        #expect(throws: Never.self) { try policy(3).check(model) }
        let error = try #require(throws: ServingError.self) { try policy(2).check(model) }
        #expect(error.code == .length)
        #expect(
            error.description
                == "a window has 2 timesteps, but the model needs at least 3; serve it in the mode window:3:2 or sequence"
        )

        let limit = ServingPolicy(mode: .sequence, emit: .final, maximumLength: 2)
        let refusal = try #require(throws: ServingError.self) { try limit.check(model) }
        #expect(refusal.code == .length)
        #expect(refusal.description.contains("max_length of 3"))
    }

    @Test(arguments: [3, 5])
    func `a model of a fixed number of timesteps takes no other window`(length: Int) throws {
        let model = ServableModel(try flattenedModel(), sequenceLength: 4)
        #expect(throws: Never.self) { try policy(4).check(model) }
        let error = try #require(throws: ServingError.self) { try policy(length).check(model) }
        #expect(error.description.contains("has \(length) timesteps, but the model needs exactly 4"))
    }

    @Test func `a sequence of a fixed number of timesteps ends by itself`() throws {
        let model = try flattenedModel()
        let feed = Feed(served(model, ServingPolicy(mode: .sequence, emit: .final), sequenceLength: 4))
        #expect(try feed.send("s", signal(9)).count == 2)
        #expect(throws: DropCause.tooShort) { try feed.send("s", signal(2), .end) }
    }

    @Test(arguments: [(1, true), (2, false)])
    func `a convolution over several timesteps of each call is refused in stateful mode`(
        size: Int, isServed: Bool
    ) throws {
        let convolution = try Convolution(
            units: 1, window: SlidingWindow(size: size, padding: .causal), activation: .tanh,
            kernel: Tensor(shape: [size, 1, 1], values: [0.5, 0.25].suffix(size)), bias: nil)
        let model = try Model(layers: [convolution] + livelyModel().layers)
        #expect(model.isCausal)
        #expect(ServableModel(model).refusal(of: .stateful) == nil)
        let refusal = ServableModel(model, isStateful: true).refusal(of: .stateful)
        #expect((refusal == nil) == isServed)
        #expect(refusal?.description.hasPrefix("Keras' convolution starts anew at each call") != false)
    }
}
