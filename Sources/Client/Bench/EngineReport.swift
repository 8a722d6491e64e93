/// How long the steps of one model take with one set of vector instructions, and how long they would at best.
public struct EngineFigures: Encodable, Equatable, Sendable {
    /// What was measured of one model.
    struct Measured {
        let model: EngineModel
        /// Nanoseconds a step of one stream alone, sample by sample.
        let alone: [Double]
        /// Nanoseconds to read as many bytes as the weights have, at best.
        let reading: Double
    }

    /// The set of vector instructions.
    public let kernels: String
    /// The kind of model.
    public let layer: EngineLayer
    /// The width of its layer.
    public let units: Int
    /// Nanoseconds a step of one stream alone, each step needing the one before.
    public let alone: Spread
    /// Nanoseconds that the multiply-adds of a step take at best.
    public let multiplyAdds: Double
    /// Nanoseconds that the exponentials of a step take at best.
    public let exponentials: Double
    /// Nanoseconds that it takes at best to read all weights.
    public let reading: Double

    private enum CodingKeys: String, CodingKey {
        case kernels, layer, units
        case alone = "alone_ns"
        case multiplyAdds = "multiply_adds_ns"
        case exponentials = "exponentials_ns"
        case reading = "reading_ns"
    }

    /// Nil where nothing was measured.
    init?(_ measured: Measured, _ bounds: CoreBounds) {
        guard let alone = Spread(measured.alone) else { return nil }
        kernels = bounds.kernels
        layer = measured.model.layer
        units = measured.model.units
        self.alone = alone
        multiplyAdds = Double(measured.model.multiplyAdds) / bounds.multiplyAddsPerSecond * 1e9
        exponentials = Double(measured.model.exponentials) / bounds.exponentialsPerSecond * 1e9
        reading = measured.reading
    }

    /// The bound that binds, divided by the least time of a step: 1 would be as fast as the core can.
    var shareAlone: Double { max(multiplyAdds, exponentials, reading) / alone.min }
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
        figures += measured.compactMap { EngineFigures($0, bounds) }
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
            "Steps: the least (the median) of \(Quantity.count(samples, of: "sample")). At best: what the multiply-adds, the e^x "
                + "and reading the weights of one",
            "step would take by themselves. Share: the longest of the three, divided by the least time of a step.",
            "RTNeural: sizes fixed at compile time, AVX2, on a core of a 2.45 GHz EPYC (Zen 3).",
        ]
    }

    private var boundLines: [String] {
        var table = TextTable([
            TextTable.Column("kernels"), TextTable.Column("multiply-adds, 10^9/s", .right),
            TextTable.Column("e^x, 10^9/s", .right), TextTable.Column("L2 read, GB/s", .right),
        ])
        for bound in bounds {
            let rates = [bound.multiplyAddsPerSecond, bound.exponentialsPerSecond, bound.readBytesPerSecond]
            table.append([bound.kernels] + rates.map { Quantity.fixed($0 / 1e9, digits: 1) })
        }
        return table.lines
    }

    private func table(of layer: EngineLayer) -> [String] {
        var table = TextTable(
            [TextTable.Column("units", .right), TextTable.Column("kernels")]
                + ["alone", "share", "at best: multiply-adds", "e^x", "weights", "RTNeural"]
                .map { TextTable.Column($0, .right) })
        for figure in figures.sorted(by: { $0.units < $1.units }) where figure.layer == layer {
            func tenths(_ value: Double) -> String { Quantity.fixed(value, digits: 1) }
            let other = layer == .lstm ? Self.nanosecondsOfRTNeural[figure.units] : nil
            table.append(
                [
                    "\(figure.units)", figure.kernels, "\(tenths(figure.alone.min)) (\(tenths(figure.alone.median)))",
                    Quantity.fixed(figure.shareAlone, digits: 2),
                ] + [figure.multiplyAdds, figure.exponentials, figure.reading].map(tenths)
                    + [other.map(tenths) ?? ""])
        }
        return table.lines
    }
}
