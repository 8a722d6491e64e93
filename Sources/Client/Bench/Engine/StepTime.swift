import Recurrent

/// The time that the engine takes for one timestep of a single stream on one core.
struct StepTime {
    private static let samples = 15
    private static let sampleSeconds = 0.001

    /// The shortest time among several samples, in nanoseconds.
    let nanoseconds: Double

    /// Measures a model. A model that answers only whole sequences is run on whole sequences.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - timesteps: The length of a sequence, in timesteps.
    init(of model: Model, timesteps: Int) {
        guard model.isCausal else {
            var random = SplitMix64(seed: 1)
            let inputs = model.randomTimesteps(timesteps, using: &random)
            let runner = SequenceRunner(model: model)
            let sequence = Self.least { runs in
                let start = ThreadClock.seconds
                for _ in 0..<runs { _ = runner.output(for: inputs.span) }
                return ThreadClock.seconds - start
            }
            nanoseconds = sequence / Double(timesteps)
            return
        }
        let stream = SteppedStreams(model, streams: 1, timesteps: 1)
        nanoseconds = Self.least(stream.seconds)
    }

    /// Returns the shortest time of one run, in nanoseconds.
    private static func least(_ seconds: (Int) -> Double) -> Double {
        var runs = 1
        while seconds(runs) < sampleSeconds { runs *= 2 }
        let times = (0..<samples).map { _ in seconds(runs) / Double(runs) }
        return (times.min() ?? 0) * 1e9
    }
}
