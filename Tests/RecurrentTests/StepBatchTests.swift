import ModelFiles
import Recurrent
import TestSupport
import Testing

/// Compares streams in a batch with the same streams stepped one at a time, bit for bit, for every set of kernels that
/// this machine can run.
@Suite struct `A batch of streams` {
    /// One stream's timesteps in a batch.
    private struct Piece {
        let stream: Int
        let timesteps: Range<Int>
    }

    @Test(
        arguments: Kernels.available.indices,
        [
            "graphs/residual", "graphs/merges", "graphs/nested_graph", "graphs/masked_merges",
            "graphs/last_timestep_and_average", "activation_layers", "convolution_of_one_timestep", "dense_activations",
            "gru", "gru_no_bias",
            "gru_other_gates", "lstm_other_gates",
            "normalization_options", "normalizations", "odd_units", "other_gates", "rectifiers", "relu_cell",
            "sequences/convolution_causal", "simple_rnn", "smallest", "stacked", "three_deep", "time_distributed",
            "time_distributed_layers", "tokens", "tokens_masked_steps",
        ])
    func `batched streams give the same bits as each stream alone`(set: Int, name: String) throws {
        let file = try ModelFile.read(Fixtures.url("keras/\(name).keras").path())
        let model = try Model(layers: file.model.layers, kernels: Kernels.available[set])
        try checkBatches(model)
    }

    @Test(arguments: Kernels.available.indices, [2, 3, 5])
    func `streams stepped by several threads give the same bits as each stream alone`(set: Int, workers: Int) throws {
        try checkBatches(
            lstm(units: 12, kernels: Kernels.available[set]), workers: StepWorkers(count: workers, threshold: 0))
    }

    @Test(arguments: Kernels.available.indices, [1, 2, 7, 8, 10, 16, 31, 64, 100])
    func `batched streams of an LSTM of any size give the same bits as each stream alone`(set: Int, units: Int)
        throws
    {
        // The longest messages have more timesteps than the stateless tail steps at once.
        try checkBatches(lstm(units: units, kernels: Kernels.available[set]), longest: 150)
    }

    /// Each argument is a model's input width, followed by its layers: the units of a Dense, or the negated units of an
    /// LSTM.
    @Test(
        arguments: Kernels.available.indices,
        [
            [1, 24, -10, 1], [2, 20, 7, -10, 6, 1], [1, -10, 24], [3, -5, 24, 3], [10, 10], [6, 40, 9],
            [1, 3, 24, -10, 1], [1, 24, -10, -6, 1], [1, 200, 300, -8, 17],
        ])
    func `Dense layers around a recurrent layer give the same bits in a batch as alone`(
        set: Int, widths: [Int]
    ) throws {
        let activations: [Activation] = [.tanh, .linear, .sigmoid, .relu]
        let layers = try zip(widths, widths.dropFirst()).enumerated().map { index, pair -> any Layer in
            let (features, units) = (abs(pair.0), abs(pair.1))
            let size = 2 / Float(features).squareRoot()
            guard pair.1 < 0 else {
                return try Dense(
                    units: units, activation: activations[index % activations.count],
                    kernel: tensor([features, units], size), bias: tensor([units], 1))
            }
            return try LSTM(
                units: units, kernel: tensor([features, 4 * units], size),
                recurrentKernel: tensor([units, 4 * units], 1), bias: tensor([4 * units], 1))
        }
        try checkBatches(Model(layers: layers, kernels: Kernels.available[set]), longest: 150)
    }

    @Test(arguments: Kernels.available.indices)
    func `the end of a sequence resets the state of its own lane only`(set: Int) throws {
        let model = try lstm(units: 5, kernels: Kernels.available[set])
        let batch = FilledBatch(pool: StatePool(model: model), sequenceLength: 4)
        let rows = (0..<40).map { _ in batch.pool.insert() }
        // Each stream is at a different position in its sequence, and every third message ends a sequence.
        for (stream, row) in rows.enumerated() {
            batch.add(
                row, timesteps(of: model, stream: 0, 0..<11), count: 11, untilReset: 1 + stream % 4,
                resetsAtEnd: stream % 3 == 0)
        }
        batch.run()
        for (stream, row) in rows.enumerated() {
            var expected: [[UInt32]] = []
            let pool = StatePool(model: model)
            let alone = pool.insert()
            for step in 0..<11 {
                pool.step(alone, inputs: timesteps(of: model, stream: 0, step..<(step + 1)).span, index: 0)
                expected.append(pool.outputs(of: alone).array.map(\.bitPattern))
                let position = (step + 4 - stream % 4) % 4
                if position == 0 || (stream % 3 == 0 && step == 10) { pool.reset(alone) }
            }
            #expect((0..<11).map { batch.output(at: $0, of: stream).map(\.bitPattern) } == expected)
            #expect(bits(batch.pool, row) == bits(pool, alone))
        }
    }

    @Test(arguments: Kernels.available.indices, [false, true])
    func `a non-finite state stops its own stream and no other`(set: Int, hasTail: Bool) throws {
        // With a linear activation, the state grows without bound.
        let growing = try LSTM(
            units: 2, activation: .linear, kernel: tensor([1, 8], 1), recurrentKernel: tensor([2, 8], 40),
            bias: nil)
        // The tail steps many timesteps at once.
        let tail = try Dense(units: 1, activation: .sigmoid, kernel: tensor([2, 1], 1), bias: nil)
        let model = try Model(layers: hasTail ? [growing, tail] : [growing], kernels: Kernels.available[set])
        let batch = FilledBatch(pool: StatePool(model: model))
        let rows = (0..<20).map { _ in batch.pool.insert() }
        for (stream, row) in rows.enumerated() {
            let size: Float = stream == 7 ? 1e38 : 0
            batch.add(row, [Float](repeating: size, count: 9), count: 9)
        }
        batch.run()
        #expect(batch.isFaulty(7))
        let taken = batch.steppedTimesteps(of: 7)
        #expect(taken < 9)
        for stream in rows.indices where stream != 7 {
            #expect(!batch.isFaulty(stream) && batch.steppedTimesteps(of: stream) == 9)
        }
        // On the scalar path, the stream stops at the same timestep.
        let alone = FilledBatch(pool: StatePool(model: model))
        alone.add(alone.pool.insert(), [Float](repeating: 1e38, count: 9), count: 9)
        alone.run()
        #expect(alone.steppedTimesteps(of: 0) == taken)

        // In messages of one timestep, the stream stops at the same timestep too.
        let single = FilledBatch(pool: StatePool(model: model))
        let singleRows = (0..<20).map { _ in single.pool.insert() }
        for step in 1...taken {
            single.removeAll()
            for (stream, row) in singleRows.enumerated() {
                single.add(row, [stream == 7 ? Float(1e38) : 0], count: 1)
            }
            single.run()
            #expect(rows.indices.filter { single.isFaulty($0) } == (step == taken ? [7] : []))
        }

        batch.pool.reset(rows[7])
        batch.resume(7, untilReset: nil)
        #expect(batch.steppedTimesteps(of: 7) > taken)
    }

    @Test(arguments: Kernels.available.indices, [false, true])
    func `a non-finite state stops a long message at the same timestep as single timesteps`(set: Int, isGRU: Bool)
        throws
    {
        let layer: any TimestepLayer =
            isGRU
            ? try GRU(units: 3, kernel: tensor([1, 9], 2), recurrentKernel: tensor([3, 9], 1), bias: nil)
            : try LSTM(units: 3, kernel: tensor([1, 12], 2), recurrentKernel: tensor([3, 12], 1), bias: nil)
        let tail = try Dense(units: 1, activation: .sigmoid, kernel: tensor([3, 1], 1), bias: nil)
        let model = try Model(layers: [layer, tail], kernels: Kernels.available[set])
        for wrong in [0, 1, 15, 16, 63, 64, 79, 99] {
            let inputs = (0..<100).map { $0 == wrong ? Float.nan : Float($0) / 100 }
            let long = FilledBatch(pool: StatePool(model: model))
            let row = long.pool.insert()
            long.add(row, inputs, count: 100)
            long.run()
            #expect(long.isFaulty(0))
            #expect(long.steppedTimesteps(of: 0) == wrong + 1)

            let pool = StatePool(model: model)
            let alone = pool.insert()
            for step in 0...wrong {
                pool.step(alone, inputs: inputs.span, index: step)
                #expect(
                    long.output(at: step, of: 0).map(\.bitPattern)
                        == pool.outputs(of: alone).array.map(\.bitPattern))
            }
            #expect(bits(long.pool, row) == bits(pool, alone))
        }
    }

    /// Steps streams in batches of all sizes, with messages of all lengths in any order. Compares each stream with the
    /// same stream stepped outside a batch.
    private func checkBatches(
        _ model: Model, workers: StepWorkers = StepWorkers(), longest: Int = 40
    ) throws {
        var random = SplitMix64(seed: 5)
        let streams = 37
        var consumed = [Int](repeating: 0, count: streams)
        let batch = FilledBatch(pool: StatePool(model: model), workers: workers)
        let rows = (0..<streams).map { _ in batch.pool.insert() }
        var found = [[[UInt32]]](repeating: [], count: streams)
        for round in 0..<30 {
            let chosen = (0..<streams).shuffled(using: &random).prefix(1 + round * streams / 29 % streams)
            let pieces = chosen.map { stream in
                let count = round % 3 == 0 ? 1 : Int.random(in: 1...(round % 5 == 1 ? longest : 3), using: &random)
                defer { consumed[stream] += count }
                return Piece(stream: stream, timesteps: consumed[stream]..<(consumed[stream] + count))
            }
            for piece in pieces {
                let inputs = timesteps(of: model, stream: piece.stream, piece.timesteps)
                batch.add(
                    rows[piece.stream], inputs, count: piece.timesteps.count, hash: UInt32(piece.stream))
            }
            batch.run()
            for (job, piece) in pieces.enumerated() {
                #expect(batch.steppedTimesteps(of: job) == piece.timesteps.count)
                for timestep in 0..<batch.steppedTimesteps(of: job) {
                    found[piece.stream].append(batch.output(at: timestep, of: job).map(\.bitPattern))
                }
            }
            batch.removeAll()
        }
        for stream in 0..<streams {
            let pool = StatePool(model: model)
            let alone = pool.insert()
            let expected = (0..<consumed[stream]).map { step in
                pool.step(alone, inputs: timesteps(of: model, stream: stream, step..<(step + 1)).span, index: 0)
                return pool.outputs(of: alone).array.map(\.bitPattern)
            }
            #expect(found[stream] == expected)
            #expect(bits(batch.pool, rows[stream]) == bits(pool, alone))
        }
    }

    private func bits(_ pool: StatePool, _ row: Int) -> [UInt32] { pool.values(of: row).array.map(\.bitPattern) }

    /// Returns timesteps, as values or tokens, that differ from stream to stream.
    private func timesteps(of model: Model, stream: Int, _ range: Range<Int>) -> [Float] {
        range.flatMap { step in
            (0..<model.features).map { feature in
                let mixed = Self.mixed(UInt64(stream * 1_000_003 + step * 101 + feature))
                if let vocabulary = model.vocabulary { return Float(mixed % UInt64(vocabulary)) }
                // Some values are zeros, which mask timesteps.
                return mixed % 5 == 0 ? 0 : Float(Int64(mixed % 4001) - 2000) / 1000
            }
        }
    }

    private func lstm(units: Int, kernels: Kernels) throws -> Model {
        try Model(
            layers: [
                LSTM(
                    units: units, kernel: tensor([1, 4 * units], 2), recurrentKernel: tensor([units, 4 * units], 1),
                    bias: tensor([4 * units], 1)),
                Dense(units: 1, activation: .sigmoid, kernel: tensor([units, 1], 2), bias: tensor([1], 1)),
            ], kernels: kernels)
    }

    private func tensor(_ shape: [Int], _ size: Float) throws -> Tensor {
        try Tensor(
            shape: shape,
            values: (0..<shape.reduce(1, *)).map { size * (Float(Self.mixed(UInt64($0)) % 2001) / 1000 - 1) })
    }

    /// Returns a pseudo-random number that depends only on `number`.
    private static func mixed(_ number: UInt64) -> UInt64 {
        var random = SplitMix64(seed: number)
        return random.next()
    }
}
