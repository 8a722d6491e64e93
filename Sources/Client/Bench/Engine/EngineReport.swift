/// How long the steps of one model take with one set of vector instructions, and how long they would at best.
public struct EngineFigures: Encodable, Equatable, Sendable {
    /// What was measured of one model.
    struct Measured {
        let model: EngineModel
        /// What the core could do at best meanwhile.
        let bounds: CoreBounds
        /// Nanoseconds a step, sample by sample.
        let alone, together, longAlone, longTogether: [Double]
        /// Nanoseconds to read as many bytes as the weights have, at best.
        let reading: Double
        /// Streams that the weights are read once for.
        let lanes: Int
    }

    /// The set of vector instructions.
    public let kernels: String
    /// The kind of model.
    public let layer: EngineLayer
    /// The width of its layer.
    public let units: Int
    /// Nanoseconds a step of one stream alone that has one timestep, as when one message has come.
    public let alone: Spread
    /// Nanoseconds a step of each of 64 streams that have one timestep each.
    public let together: Spread
    /// Nanoseconds a step of one stream alone that has 64 timesteps, each step needing the one before.
    public let longAlone: Spread
    /// Nanoseconds a step of each of 64 streams that have 64 timesteps each.
    public let longTogether: Spread
    /// Nanoseconds that the multiply-adds of a step take at best.
    public let multiplyAdds: Double
    /// Nanoseconds that the exponentials of a step take at best.
    public let exponentials: Double
    /// Nanoseconds that it takes at best to read all weights.
    public let reading: Double
    /// Nanoseconds that a step at best waits for operations that each need the one before, until the next can begin.
    public let waiting: Double
    /// Streams side by side that read them once.
    public let lanes: Int

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

    /// Nil where nothing was measured.
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

    /// What streams side by side take of the time of one alone, with one timestep each.
    var ratio: Double { together.min / alone.min }

    /// The bound that binds a stream alone, divided by the least time of a step: 1 is as fast as the core can. Where no timestep
    /// needs the one before, those of one stream share the reading of the weights as streams do.
    var shareLongAlone: Double {
        (waiting == 0 ? boundTogether : max(multiplyAdds, exponentials, reading, waiting)) / longAlone.min
    }
    /// The same for streams that share the reading of the weights.
    var shareTogether: Double { boundTogether / together.min }
    /// The same where they have many timesteps.
    var shareLongTogether: Double { boundTogether / longTogether.min }

    private var boundTogether: Double { max(multiplyAdds, exponentials, reading / Double(lanes)) }
}

/// What the engine's measurement came to.
public struct EngineReport: Encodable, Equatable, Sendable {
    /// How often each figure was taken.
    public let samples: Int
    /// What a core can do at best, by set of vector instructions.
    public private(set) var bounds: [CoreBounds] = []
    /// Every model with every set.
    public private(set) var figures: [EngineFigures] = []

    init(samples: Int) {
        self.samples = samples
    }

    mutating func append(_ bounds: CoreBounds, _ measured: [EngineFigures.Measured]) {
        self.bounds.append(bounds)
        figures += measured.compactMap { EngineFigures($0) }
    }
}

extension EngineReport {
    /// Nanoseconds a step of LSTM(units) → Dense(1) in RTNeural, <https://github.com/jatinchowdhury18/RTNeural>, sizes fixed at
    /// compile time, AVX2 by xsimd, on one core of a 2.45 GHz EPYC (Zen 3).
    private static let nanosecondsOfRTNeural = [10: 149.0, 32: 380, 64: 1_100, 128: 3_660]

    /// The report for people.
    public var lines: [String] {
        var lines = ["One core at best, by set of vector instructions:", ""] + boundLines
        for layer in EngineLayer.allCases {
            lines += ["", "\(layer.rawValue), nanoseconds a step:", ""] + table(of: layer)
        }
        return lines + [
            "",
            "Each time is the least (the median) of \(Quantity.count(samples, of: "sample")).",
            "one each: messages of one timestep, of one stream alone and of 64 together; ratio: together to alone.",
            "64 each: messages of 64 timesteps likewise; alone, each step of LSTM and GRU needs the one before.",
            "at best: what the multiply-adds, the e^x, reading all weights, and the operations that need the one before",
            "until the next step of the stream can begin, would take by themselves, measured in turn with the steps.",
            "share: the longest of them divided by the time; together, as many streams as fit a vector share the reading,",
            "and none waits for another; so do the timesteps of one message where the layer is Dense.",
            "RTNeural: alone, sizes fixed at compile time, AVX2, on a core of a 2.45 GHz EPYC (Zen 3).",
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
