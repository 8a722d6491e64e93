/// The progress of a model's training as the live page shows it. If the model is trained several times, with other
/// seeds, the metrics are means.
struct LiveRun: Encodable, Sendable {
    /// The maximum number of values in a series. Of a longer training, only every second, fourth, …
    /// epoch is shown.
    static let maximumValues = 1_000

    /// The mean of a metric in one epoch; nil if the metric is missing or not finite.
    private struct Mean: Encodable {
        var value: Double?
        var count = 0

        mutating func add(_ value: Double?) {
            guard let value, value.isFinite else { return }
            count += 1
            self.value = (self.value ?? 0) + (value - (self.value ?? 0)) / Double(count)
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(value.map(rounded))
        }
    }

    let name: String
    /// The number of epochs of all trainings.
    let epochs: Int
    /// The number of epochs that are done, and the one under way.
    private(set) var epoch: Int
    /// The part of the trainings that is done.
    private(set) var part = 0.0
    /// The sequences per second between the last two events; nil before the second one.
    private(set) var rate: Double?
    /// The names of the metrics, in the order of the history.
    private(set) var metrics: [String] = []
    /// The values of each metric: of epoch 1, and of each ``stride``-th epoch from there on.
    private var series: [String: [Mean]] = [:]
    /// The number of epochs from one value of a series to the next.
    private(set) var stride = 1

    /// The number of epochs that an earlier training has done.
    private let done: Int
    private let sequences: Int
    /// The part of each training that is done.
    private var parts: [Double]
    /// The part and the time at the last call of ``measureRate(at:)``.
    private var measured: (part: Double, time: Double)?

    private enum CodingKeys: String, CodingKey { case name, epochs, epoch, part, rate, metrics, series, stride }

    /// Creates a run that has not begun.
    ///
    /// - Parameters:
    ///   - name: The name of the model.
    ///   - epochs: The last epoch of each training, counted from 1.
    ///   - done: The number of epochs that an earlier training has done.
    ///   - sequences: The number of sequences in an epoch.
    ///   - trainings: The number of trainings.
    init(_ name: String, epochs: Int, done: Int = 0, sequences: Int, trainings: Int = 1) {
        self.name = name
        self.epochs = epochs * trainings
        self.done = done
        self.sequences = sequences * (epochs - done) * trainings
        parts = Array(repeating: 0, count: trainings)
        epoch = done
    }

    /// Records the part of a training that is done.
    mutating func update(_ training: Int = 0, part: Double) {
        parts[training] = part
        self.part = parts.reduce(0, +) / Double(parts.count)
        // The margin absorbs rounding errors.
        epoch = min(epochs, done + Int(self.part * Double(epochs - done) + 1e-6) + 1)
    }

    /// Records the metrics of a finished epoch, counted from 1.
    mutating func add(_ values: [(name: String, value: Double?)], of epoch: Int) {
        metrics = values.map(\.name)
        guard (epoch - 1) % stride == 0 else { return }
        let place = (epoch - 1) / stride
        for (name, value) in values {
            var known = series[name] ?? []
            while known.count <= place { known.append(Mean()) }
            known[place].add(value)
            series[name] = known
        }
        guard place >= Self.maximumValues else { return }
        stride *= 2
        series = series.mapValues { values in values.indices.filter { $0 % 2 == 0 }.map { values[$0] } }
    }

    /// Computes the rate since the last call.
    mutating func measureRate(at time: Double) {
        if let measured, time > measured.time {
            rate = rounded((part - measured.part) * Double(sequences) / (time - measured.time))
        }
        measured = (part, time)
    }
}

/// Rounds to six digits, which is more than a plot shows and keeps an event small.
private func rounded(_ value: Double) -> Double {
    var scale = 1.0
    while value.magnitude * scale < 1e5, scale < 1e15 { scale *= 10 }
    return (value * scale).rounded() / scale
}
