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
                figures.append(try measure(model, kernels, loops, &bounds))
            }
            report.append(bounds, figures)
        }
        return report
    }

    /// One model: each sample of its step beside one of the bounds, so that both see the same machine.
    private func measure(
        _ model: EngineModel, _ kernels: Kernels, _ loops: BoundLoops, _ bounds: inout CoreBounds
    ) throws(ClientError) -> EngineFigures.Measured {
        let stream: LoneStream
        do {
            stream = LoneStream(try model.build(kernels))
        } catch {
            throw ClientError(.software, "a model of \(model.units) units cannot be built: \(error)")
        }
        let steps = stream.steps(lasting: Self.sampleSeconds)
        let reads = 1 + Int(Self.sampleSeconds / 4 / loops.secondsToRead(bytes: model.weightBytes, repetitions: 2))
        var alone: [Double] = []
        var reading = Double.infinity
        for _ in 0..<samples {
            alone.append(stream.seconds(for: steps) * 1e9 / Double(steps))
            reading = min(reading, loops.secondsToRead(bytes: model.weightBytes, repetitions: reads) * 1e9)
            bounds.measure(with: loops)
        }
        return EngineFigures.Measured(model: model, alone: alone, reading: reading)
    }
}

/// One stream of a model, stepped as the daemon steps it.
private final class LoneStream {
    private let pool: StatePool
    private let row: Int
    private let inputs: [Float]
    private let timesteps: Int

    init(_ model: Model) {
        pool = StatePool(model: model)
        row = pool.insert()
        timesteps = 64
        var random = SplitMix64(seed: 1)
        inputs = (0..<timesteps * model.features).map { _ in .random(in: -1...1, using: &random) }
    }

    func seconds(for steps: Int) -> Double {
        let inputs = inputs
        let start = ContinuousClock.now
        for step in 0..<steps { pool.step(row, inputs: inputs.span, index: step % timesteps) }
        return (ContinuousClock.now - start) / .seconds(1)
    }

    /// How many steps take so long.
    func steps(lasting seconds: Double) -> Int {
        var steps = 16
        while self.seconds(for: steps) < seconds { steps *= 2 }
        return steps
    }
}
