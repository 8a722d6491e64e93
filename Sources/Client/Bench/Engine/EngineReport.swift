/// The times of one model's steps with one set of vector instructions, and their lower bounds.
package struct EngineFigures: Encodable, Equatable, Sendable {
    /// The measurements of one model.
    struct Measured {
        let model: EngineModel
        /// The bounds of the core during the measurement.
        let bounds: CoreBounds
        /// Nanoseconds per step, sample by sample.
        let alone, together, longAlone, longTogether: [Double]
        /// The minimum time to read as many bytes as the weights occupy, in nanoseconds.
        let reading: Double
        /// The number of streams that share one reading of the weights.
        let lanes: Int
    }

    /// The set of vector instructions.
    package let kernels: String
    /// The kind of model.
    package let layer: EngineLayer
    /// The width of the measured layer, in units.
    package let units: Int
    /// Nanoseconds per step of one stream with one timestep, as for a message that arrives alone.
    package let alone: Spread
    /// Nanoseconds per step of 64 streams that are stepped together, with one timestep per stream.
    package let together: Spread
    /// Nanoseconds per step of one stream with 64 timesteps, where each step needs the result of the previous one.
    package let longAlone: Spread
    /// Nanoseconds per step of 64 streams that are stepped together, with 64 timesteps per stream.
    package let longTogether: Spread
    /// The minimum time for the multiply-adds of a step, in nanoseconds.
    package let multiplyAdds: Double
    /// The minimum time for the exponentials of a step, in nanoseconds.
    package let exponentials: Double
    /// The minimum time to read all weights, in nanoseconds.
    package let reading: Double
    /// The minimum time for the longest chain of dependent operations in a step, in nanoseconds.
    package let waiting: Double
    /// The number of streams that are stepped together and share one reading of the weights.
    package let lanes: Int

    private enum CodingKeys: String, CodingKey {
        case kernels, layer, units, lanes
        case alone = "alone_ns"
        case together = "together_ns"
        case longAlone = "long_alone_ns"
        case longTogether = "long_together_ns"
        case multiplyAdds = "multiply_adds_ns"
        case exponentials = "exponentials_ns"
        case reading = "reading_ns"
        case waiting = "waiting_ns"
    }

    /// Creates the figures; nil if nothing was measured.
    init?(_ measured: Measured) {
        guard let alone = Spread(measured.alone), let together = Spread(measured.together),
            let longAlone = Spread(measured.longAlone), let longTogether = Spread(measured.longTogether)
        else { return nil }
        let bounds = measured.bounds
        kernels = bounds.kernels
        layer = measured.model.layer
        units = measured.model.units
        self.alone = alone
        self.together = together
        self.longAlone = longAlone
        self.longTogether = longTogether
        multiplyAdds = Double(measured.model.multiplyAdds) / bounds.multiplyAddsPerSecond * 1e9
        exponentials = Double(measured.model.exponentials) / bounds.exponentialsPerSecond * 1e9
        reading = measured.reading
        waiting =
            Double(measured.model.logisticsInARow) * bounds.logisticLatency
            + Double(measured.model.multiplyAddsInARow) * bounds.multiplyAddLatency
        lanes = measured.lanes
    }

    /// Batched time / single-stream time, with one timestep per stream.
    var ratio: Double { together.min / alone.min }

    /// The largest lower bound of a step divided by the measured minimum, for one stream with many timesteps. A value
    /// of 1 is the best that the core can do. If the timesteps do not depend on each other, they share one reading of
    /// the weights, like the streams of a batch.
    var shareLongAlone: Double {
        (waiting == 0 ? boundTogether : max(multiplyAdds, exponentials, reading, waiting)) / longAlone.min
    }
    /// The same ratio for many streams with one timestep per stream. Streams in the same vector share one reading of
    /// the weights.
    var shareTogether: Double { boundTogether / together.min }
    /// The same ratio for many streams with many timesteps per stream.
    var shareLongTogether: Double { boundTogether / longTogether.min }

    private var boundTogether: Double { max(multiplyAdds, exponentials, reading / Double(lanes)) }
}

/// The results of one run of the engine benchmark.
package struct EngineReport: Encodable, Equatable, Sendable {
    /// The number of samples of each figure.
    package let samples: Int
    /// The bounds of a core, one entry for each vector instruction set.
    package private(set) var bounds: [CoreBounds] = []
    /// The figures of every model with every set of vector instructions.
    package private(set) var figures: [EngineFigures] = []

    init(samples: Int) {
        self.samples = samples
    }

    mutating func append(_ bounds: CoreBounds, _ measured: [EngineFigures.Measured]) {
        self.bounds.append(bounds)
        figures += measured.compactMap { EngineFigures($0) }
    }
}

extension EngineReport {
    /// Nanoseconds per step of LSTM(units) → Dense(1) in RTNeural (<https://github.com/jatinchowdhury18/RTNeural>), by
    /// number of units. RTNeural was compiled with fixed sizes and AVX2 (through xsimd), and ran on one core of a
    /// 2.45 GHz EPYC (Zen 3).
    private static let nanosecondsOfRTNeural = [10: 149.0, 32: 380, 64: 1_100, 128: 3_660]

    /// The human-readable report.
    package var lines: [String] {
        var lines = ["The bounds of one core, by set of vector instructions:", ""] + boundLines
        for layer in EngineLayer.allCases {
            lines += ["", "\(layer.rawValue), nanoseconds per step:", ""] + table(of: layer)
        }
        return lines + [
            "",
            "Each time is the least (and the median) of \(Quantity.count(samples, of: "sample")).",
            "one each: messages of one timestep, for one stream alone and for 64 together. ratio: together / alone.",
            "64 each: messages of 64 timesteps. Alone, each step of LSTM and GRU needs the one before.",
            "at best: the time of the multiply-adds, of the e^x, of reading all weights, and of the dependent operations",
            "of one step, each by itself and measured in turn with the steps.",
            "share: the longest of these times / the measured time. Together, the streams of one vector share the reading",
            "and do not wait for each other. The timesteps of one message share it too if the layer is Dense.",
            "RTNeural: one stream, sizes fixed at compile time, AVX2, on a core of a 2.45 GHz EPYC (Zen 3).",
        ]
    }

    private var boundLines: [String] {
        var table = TextTable([
            TextTable.Column("kernels"), TextTable.Column("multiply-adds, 10^9/s", .right),
            TextTable.Column("e^x, 10^9/s", .right), TextTable.Column("L2 read, GB/s", .right),
            TextTable.Column("in a row, ns: multiply-add", .right), TextTable.Column("1 / (1 + e^-x)", .right),
        ])
        for bound in bounds {
            let rates = [bound.multiplyAddsPerSecond, bound.exponentialsPerSecond, bound.readBytesPerSecond]
            table.append(
                [bound.kernels] + rates.map { Quantity.fixed($0 / 1e9, digits: 1) }
                    + [bound.multiplyAddLatency, bound.logisticLatency].map { Quantity.fixed($0, digits: 1) })
        }
        return table.lines
    }

    private func table(of layer: EngineLayer) -> [String] {
        let times = ["one each: alone", "together", "ratio", "share", "64 each: alone", "share", "together", "share"]
        let comparisons = ["at best: multiply-adds", "e^x", "weights", "in a row", "RTNeural"]
        var table = TextTable(
            [TextTable.Column("units", .right), TextTable.Column("kernels")]
                + (times + comparisons).map { TextTable.Column($0, .right) })
        for figure in figures.sorted(by: { $0.units < $1.units }) where figure.layer == layer {
            func tenths(_ value: Double) -> String { Quantity.fixed(value, digits: 1) }
            let other = layer == .lstm ? Self.nanosecondsOfRTNeural[figure.units] : nil
            func time(_ spread: Spread) -> String { "\(tenths(spread.min)) (\(tenths(spread.median)))" }
            func share(_ value: Double) -> String { Quantity.fixed(value, digits: 2) }
            table.append(
                [
                    "\(figure.units)", figure.kernels,
                    time(figure.alone), time(figure.together), share(figure.ratio), share(figure.shareTogether),
                    time(figure.longAlone), share(figure.shareLongAlone),
                    time(figure.longTogether), share(figure.shareLongTogether),
                ] + [figure.multiplyAdds, figure.exponentials, figure.reading, figure.waiting].map(tenths)
                    + [other.map(tenths) ?? ""])
        }
        return table.lines
    }
}
