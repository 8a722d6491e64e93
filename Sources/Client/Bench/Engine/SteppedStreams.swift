import Recurrent

/// Streams of one model, stepped as the daemon steps a batch.
final class SteppedStreams {
    private let batch: StepBatch
    private let rows: [Int]
    private let inputs: [Float]
    private let timesteps: Int
    /// The number of steps in one run: the timesteps of all streams.
    let steps: Int

    init(_ model: Model, streams: Int, timesteps: Int) {
        let pool = StatePool(model: model)
        batch = StepBatch(pool: pool)
        rows = (0..<streams).map { _ in pool.insert() }
        var random = SplitMix64(seed: 1)
        inputs = model.randomTimesteps(streams * timesteps, using: &random)
        self.timesteps = timesteps
        steps = streams * timesteps
    }

    func seconds(for runs: Int) -> Double {
        let inputs = inputs
        let start = ThreadClock.seconds
        for _ in 0..<runs {
            for (stream, row) in rows.enumerated() {
                _ = batch.add(row, at: stream * timesteps * batch.features, count: timesteps)
            }
            batch.run(on: inputs.span)
            batch.removeAll()
        }
        return ThreadClock.seconds - start
    }

    /// Returns a number of runs that together take at least the given time.
    func runs(lasting seconds: Double) -> Int {
        var runs = 1
        while self.seconds(for: runs) < seconds { runs *= 2 }
        return runs
    }
}

extension Model {
    /// Returns random timesteps that are valid inputs for the model, shape (count, features).
    func randomTimesteps(_ count: Int, using random: inout SplitMix64) -> [Float] {
        (0..<count * features).map { _ in
            vocabulary.map { Float(Int.random(in: 0..<$0, using: &random)) } ?? .random(in: -1...1, using: &random)
        }
    }
}
