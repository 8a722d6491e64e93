import Recurrent

/// Measures the engine alone, without a daemon or sockets, against the bounds of a core.
package struct EngineBench {
    private let sizes: [Int]
    private let samples: Int

    /// The minimum length of a sample. It is long compared with a clock reading, and short compared with a time slice
    /// of the scheduler.
    private static let sampleSeconds = 0.001

    /// Creates a measurement.
    ///
    /// - Parameters:
    ///   - sizes: The widths of the layers.
    ///   - samples: The number of samples of each figure.
    /// - Throws: ``ClientError`` if there is nothing to measure.
    package init(sizes: [Int], samples: Int) throws(ClientError) {
        guard !sizes.isEmpty, sizes.allSatisfy({ (1...4096).contains($0) }) else {
            throw ClientError(.usage, "--sizes must be from 1 to 4096 units")
        }
        guard (1...10_000).contains(samples) else {
            throw ClientError(.usage, "--samples must be from 1 to 10000")
        }
        self.sizes = sizes
        self.samples = samples
    }

    /// Measures every size with every set of vector instructions that this machine has.
    ///
    /// - Parameter progress: Called with the name of the next step.
    /// - Returns: The results.
    /// - Throws: ``ClientError`` if a model cannot be built.
    package func run(progress: (String) -> Void) throws(ClientError) -> EngineReport {
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

    /// Measures one model. A shared machine may slow down for minutes at a time. Samples of steps and of bounds therefore
    /// alternate, so that both are taken under the same conditions.
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
            // Warm up, because stepping has evicted the data from the caches.
            _ = loops.secondsToRead(bytes: bytes, repetitions: 1)
            reading = min(reading, loops.secondsToRead(bytes: bytes, repetitions: reads) * 1e9)
            bounds.measure(with: loops)
        }
        return EngineFigures.Measured(
            model: engineModel, bounds: bounds, alone: nanoseconds[0], together: nanoseconds[1],
            longAlone: nanoseconds[2], longTogether: nanoseconds[3], reading: reading, lanes: kernels.lanes)
    }
}
