import Recurrent

/// Measures the engine alone, without daemon and sockets, beside what a core can do at best.
public struct EngineBench {
    private let sizes: [Int]
    private let samples: Int

    /// How long one sample lasts at least: long beside a reading of the clock, short beside a time slice of the system.
    private static let sampleSeconds = 0.001

    /// Creates a measurement.
    ///
    /// - Parameters:
    ///   - sizes: The widths of the layers.
    ///   - samples: How often each figure is taken.
    /// - Throws: ``ClientError`` where there is nothing to measure.
    public init(sizes: [Int], samples: Int) throws(ClientError) {
        guard !sizes.isEmpty, sizes.allSatisfy({ (1...4096).contains($0) }) else {
            throw ClientError(.usage, "a layer has 1 to 4096 units")
        }
        guard (1...10_000).contains(samples) else {
            throw ClientError(.usage, "each figure is taken 1 to 10,000 times")
        }
        self.sizes = sizes
        self.samples = samples
    }

    /// Measures every size with every set of vector instructions that this machine has.
    ///
    /// - Parameter progress: Told what is measured next.
    /// - Returns: What was measured.
    /// - Throws: ``ClientError`` where a model cannot be built.
    public func run(progress: (String) -> Void) throws(ClientError) -> EngineReport {
        var report = EngineReport(samples: samples)
        for kernels in Kernels.available {
            let models = EngineLayer.allCases.flatMap { layer in sizes.map { EngineModel(layer: layer, units: $0) } }
            let most = models.map(\.weightBytes).max() ?? 0
            guard let loops = BoundLoops(kernels, readingAtMost: max(most, 1 << 17)) else { continue }
            var bounds = CoreBounds(kernels: kernels.name)
            var figures: [EngineFigures.Measured] = []
            for model in models {
                progress("\(kernels.name): \(model.layer.rawValue), \(model.units) units")
                let measured = try measure(model, kernels, loops)
                bounds.improve(by: measured.bounds)
                figures.append(measured)
            }
            report.append(bounds, figures)
        }
        return report
    }

    /// One model: each sample of its steps beside one of the bounds, so that both see the same machine, which may be another for
    /// the next model: one that others share is slower for minutes on end.
    private func measure(
        _ engineModel: EngineModel, _ kernels: Kernels, _ loops: BoundLoops
    ) throws(ClientError) -> EngineFigures.Measured {
        let model: Model
        do {
            model = try engineModel.build(kernels)
        } catch {
            throw ClientError(.software, "a model of \(engineModel.units) units cannot be built: \(error)")
        }
        var bounds = CoreBounds(kernels: kernels.name)
        let many = 64
        let ways = [
            SteppedStreams(model, streams: 1, timesteps: 1), SteppedStreams(model, streams: many, timesteps: 1),
            SteppedStreams(model, streams: 1, timesteps: many), SteppedStreams(model, streams: many, timesteps: many),
        ]
        let runs = ways.map { $0.runs(lasting: Self.sampleSeconds) }
        let bytes = engineModel.weightBytes
        let reads = 4 + Int(Self.sampleSeconds / 4 / loops.secondsToRead(bytes: bytes, repetitions: 2))
        var nanoseconds: [[Double]] = [[], [], [], []]
        var reading = Double.infinity
        for _ in 0..<samples {
            for way in ways.indices {
                nanoseconds[way].append(ways[way].seconds(for: runs[way]) * 1e9 / Double(runs[way] * ways[way].steps))
            }
            // Once for nothing: what was stepped has taken the caches.
            _ = loops.secondsToRead(bytes: bytes, repetitions: 1)
            reading = min(reading, loops.secondsToRead(bytes: bytes, repetitions: reads) * 1e9)
            bounds.measure(with: loops)
        }
        return EngineFigures.Measured(
            model: engineModel, bounds: bounds, alone: nanoseconds[0], together: nanoseconds[1],
            longAlone: nanoseconds[2], longTogether: nanoseconds[3], reading: reading, lanes: kernels.lanes)
    }
}

/// Streams of one model, stepped as the daemon steps what arrived at once.
private final class SteppedStreams {
    private let batch: StepBatch
    private let rows: [Int]
    private let inputs: [Float]
    private let timesteps: Int
    /// Steps in one run: the timesteps of all streams.
    let steps: Int

    init(_ model: Model, streams: Int, timesteps: Int) {
        let pool = StatePool(model: model)
        batch = StepBatch(pool: pool)
        rows = (0..<streams).map { _ in pool.insert() }
        var random = SplitMix64(seed: 1)
        inputs = (0..<timesteps * model.features).map { _ in .random(in: -1...1, using: &random) }
        self.timesteps = timesteps
        steps = streams * timesteps
    }

    func seconds(for runs: Int) -> Double {
        let inputs = inputs
        let start = ThreadClock.seconds
        for _ in 0..<runs {
            for row in rows { _ = batch.add(row, inputs.span, count: timesteps) }
            batch.run()
            batch.removeAll()
        }
        return ThreadClock.seconds - start
    }

    /// How many runs take so long.
    func runs(lasting seconds: Double) -> Int {
        var runs = 1
        while self.seconds(for: runs) < seconds { runs *= 2 }
        return runs
    }
}
